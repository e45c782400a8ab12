"""`down` removes a lab and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra import inventory as inventories
from infra.depot.signing import key_home
from infra.hosts.lab import LabAbsent
from infra.inventory import Inventory
from infra.provisioning import down
from infra.provisioning.lock import RunInProgress, SiteLock
from infra.settings import Settings


class FakeLab:
    """Stands for infra.hosts.lab.Lab."""

    destroyed = 0

    @classmethod
    def of(cls, inventory: Inventory, settings: Settings) -> FakeLab:
        return cls()

    def destroy(self, tell: Any) -> None:
        FakeLab.destroyed += 1


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    FakeLab.destroyed = 0
    monkeypatch.setattr(down, "Lab", FakeLab)
    settings = Settings.from_environment(
        {"CITYCLOUD_STATE": str(tmp_path / "state"), "CITYCLOUD_CACHE": str(tmp_path / "cache")}
    )
    for folder in (
        settings.site("lab").directory,
        settings.site("other").directory,
        settings.lab_dir("lab"),
        settings.depot_dir,
        key_home(settings.depot_dir),
        settings.cache_dir,
    ):
        folder.mkdir(parents=True)
        (folder / "file").write_text("x")
    return settings


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    return inventories.load(Path(__file__).parents[3] / "inventories" / "lab")


def remove(settings: Settings, inventory: Inventory, *, purge: bool = False) -> down.RemovalPlan:
    plan = down.plan(settings, inventory, purge=purge)
    down.down(settings, inventory, plan, lambda text: None)
    return plan


def test_the_lab_and_its_site_go_and_depot_cache_and_other_sites_stay(
    settings: Settings, inventory: Inventory
) -> None:
    plan = remove(settings, inventory)
    assert FakeLab.destroyed == 1
    assert not settings.site("lab").directory.exists()
    assert not settings.lab_dir("lab").exists()
    assert settings.site("other").directory.exists()
    assert plan.kept == (settings.depot_dir, key_home(settings.depot_dir), settings.cache_dir)
    assert all(path.exists() for path in plan.kept)


def test_purge_takes_depot_its_key_and_cache_too(settings: Settings, inventory: Inventory) -> None:
    plan = remove(settings, inventory, purge=True)
    assert plan.kept == ()
    assert not settings.depot_dir.exists()
    assert not key_home(settings.depot_dir).exists()
    assert not settings.cache_dir.exists()


def test_it_may_be_repeated(settings: Settings, inventory: Inventory) -> None:
    remove(settings, inventory)
    assert remove(settings, inventory).removed == ()
    assert not settings.site("lab").directory.exists()


def test_a_real_site_is_refused_before_anything_is_removed(settings: Settings, inventory: Inventory) -> None:
    with pytest.raises(LabAbsent, match="is a real site"):
        down.plan(settings, replace(inventory, lab=None), purge=True)
    assert settings.site("lab").directory.exists()


def test_a_site_on_which_a_run_works_is_left_alone(settings: Settings, inventory: Inventory) -> None:
    with SiteLock(settings.site("lab").lock, "up"), pytest.raises(RunInProgress):
        remove(settings, inventory)
    assert FakeLab.destroyed == 0
    assert settings.lab_dir("lab").exists()

"""Operations on stacks hold the site, but for a preview, and know which agencies there are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from infra import inventory as inventories
from infra.inventory import Inventory
from infra.provisioning import lock, stack_runs
from infra.provisioning.lock import RunInProgress, SiteLock
from infra.provisioning.site import SiteUnknown, open_site
from infra.provisioning.stack_runs import UnknownAgency, run_platform, run_zones
from infra.settings import Settings

LAB = Path(__file__).parents[3] / "inventories" / "lab"
NOW = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
OPERATIONS: list[Any] = ["preview", "up", "refresh", "destroy"]


class FakeStacks:
    """Stands for infra.provisioning.stack.Stacks; remembers each call and whether the site was held."""

    def __init__(self, lock_path: Path) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.held: list[bool] = []
        self._lock_path = lock_path

    def zones(self) -> list[str]:
        return ["a-former-agency"]

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **options: Any) -> list[Any]:
            self.calls.append((name, arguments[0] if arguments else None))
            self.held.append(lock.held(self._lock_path) is not None)
            return []

        return call


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.from_environment({"CITYCLOUD_STATE": str(tmp_path / "state")})


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    return inventories.load(LAB)


@pytest.fixture
def stacks(settings: Settings, inventory: Inventory, monkeypatch: pytest.MonkeyPatch) -> FakeStacks:
    fake = FakeStacks(settings.site("lab").lock)

    @contextmanager
    def opened(site: Any, listener: Any, requester: Any) -> Iterator[FakeStacks]:
        yield fake

    monkeypatch.setattr(stack_runs, "_opened", opened)
    open_site(settings, inventory, NOW)
    return fake


@pytest.mark.parametrize("operation", OPERATIONS)
def test_everything_but_a_preview_holds_the_site(
    settings: Settings, inventory: Inventory, stacks: FakeStacks, operation: Any
) -> None:
    run_platform(settings, inventory, operation, lambda event: None)
    run_zones(settings, inventory, operation, ["soyt"], lambda event: None)
    assert stacks.calls == [(f"platform_{operation}", None), (f"zone_{operation}", ["soyt"])]
    assert stacks.held == [operation != "preview"] * 2


def test_no_agency_named_means_all(settings: Settings, inventory: Inventory, stacks: FakeStacks) -> None:
    run_zones(settings, inventory, "up", [], lambda event: None)
    assert stacks.calls == [("zone_up", None)]


def test_an_agency_that_does_not_exist_is_refused_before_anything_runs(
    settings: Settings, inventory: Inventory, stacks: FakeStacks
) -> None:
    with pytest.raises(UnknownAgency, match="nobody: no agency has this code"):
        run_zones(settings, inventory, "up", ["soyt", "nobody"], lambda event: None)
    assert stacks.calls == []


def test_the_zone_of_an_agency_that_left_the_inventory_can_be_removed_and_not_made(
    settings: Settings, inventory: Inventory, stacks: FakeStacks
) -> None:
    run_zones(settings, inventory, "destroy", ["a-former-agency"], lambda event: None)
    with pytest.raises(UnknownAgency):
        run_zones(settings, inventory, "up", ["a-former-agency"], lambda event: None)


def test_while_a_run_works_on_the_site_only_a_preview_is_possible(
    settings: Settings, inventory: Inventory, stacks: FakeStacks
) -> None:
    with SiteLock(settings.site("lab").lock, "up"):
        run_zones(settings, inventory, "preview", [], lambda event: None)
        with pytest.raises(RunInProgress):
            run_zones(settings, inventory, "up", [], lambda event: None)


def test_a_site_that_was_never_deployed_is_not_made(settings: Settings, inventory: Inventory) -> None:
    with pytest.raises(SiteUnknown):
        run_zones(settings, inventory, "up", [], lambda event: None)
    assert not settings.state_dir.exists()

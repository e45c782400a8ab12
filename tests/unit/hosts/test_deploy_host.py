"""The machine that City Cloud itself runs on."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from infra.hosts import deploy_host
from infra.inventory import Inventory
from infra.settings import Settings

from .conftest import ROOT

MEMINFO = "MemTotal:       24684092 kB\nMemFree:        1 kB\nMemAvailable:   {} kB\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "depot" / "base").mkdir(parents=True)
    (tmp_path / "depot" / "manifest.json").write_text("{}")
    (tmp_path / "depot" / deploy_host.TARBALL).touch()
    return Settings(tmp_path / "state", tmp_path / "cache", tmp_path / "depot", ROOT)


def keys(inventory: Inventory, settings: Settings) -> set[str]:
    return {problem.key for problem in deploy_host.examine(inventory, settings)}


def test_memory_is_what_programs_may_still_take() -> None:
    assert deploy_host.available_memory(MEMINFO.format(1000)) == 1024000
    assert deploy_host.available_memory("") == 0


def test_without_a_depot_nothing_can_be_installed(lab_inventory: Inventory, settings: Settings) -> None:
    assert "depot" not in keys(lab_inventory, settings)
    (settings.depot_dir / "manifest.json").unlink()
    assert "depot" in keys(lab_inventory, settings)


def test_a_missing_program_is_told_with_its_package(
    lab_inventory: Inventory, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy_host, "PROGRAMS", {"no-such-program": "some-package"})
    (problem,) = [one for one in deploy_host.examine(lab_inventory, settings) if one.key == "programs"]
    assert (problem.value, problem.way_out) == ("no-such-program", "apt-get install some-package")


def test_a_lab_that_asks_for_more_memory_than_there_is_is_refused(
    lab_inventory: Inventory, settings: Settings
) -> None:
    assert lab_inventory.lab is not None
    greedy = replace(lab_inventory, lab=replace(lab_inventory.lab, memory_mib=10**9))
    assert "lab.memory_mib" in keys(greedy, settings)


def test_the_api_name_must_lead_to_the_api_address(lab_inventory: Inventory, settings: Settings) -> None:
    assert "api_name" not in keys(lab_inventory, settings)
    site = replace(lab_inventory.site, api_address=IPv4Address("172.30.0.9"))
    assert "api_name" in keys(replace(lab_inventory, site=site), settings)


def test_a_real_sites_deploy_host_needs_nothing_of_a_lab(
    production_inventory: Inventory, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy_host, "PROGRAMS", {"no-such-program": "some-package"})
    numeric = replace(production_inventory.site, api_name=str(production_inventory.site.api_address))
    assert keys(replace(production_inventory, site=numeric), settings) == set()

"""The status tells what is, says what could not be read, and what to type next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infra import inventory as inventories
from infra.cloud.api_status import ApiStatus
from infra.cloud.capacity import (
    Capacity,
    ComputeService,
    FlavorDemand,
    Hypervisor,
    Provider,
    ResourceInventory,
)
from infra.cloud.server_status import ServerStatus
from infra.cloud.usage import AgencyProject
from infra.errors import InfraError
from infra.inventory import Inventory
from infra.provisioning.guest import GuestRecord, wanted
from infra.provisioning.journal import Journal, boot_id
from infra.provisioning.lock import LockOwner
from infra.provisioning.prometheus import FiringAlert, MonitoringTarget
from infra.provisioning.status import (
    LAB_OFF,
    FlavorCapacity,
    LastRun,
    SiteStatus,
    _blank,
    collect,
    judge,
    last_run,
)

LAB = Path(__file__).parents[3] / "inventories" / "lab"
NOW = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
SERVERS = [
    ServerStatus(
        f"id-{n}", guest.name, AgencyProject(f"p{n}", "p", guest.agency), "active", "172.30.2.60", "hv2"
    )
    for n, guest in enumerate(wanted(inventories.load(LAB)))
]


@dataclass
class FakeSite:
    codes: set[str]
    failing: set[str] = field(default_factory=set)
    identity_up: bool = True
    services: list[ComputeService] = field(
        default_factory=lambda: [ComputeService(name, True, True, 0.0) for name in ("hv1", "hv2")]
    )
    alert: list[FiringAlert] = field(default_factory=list)
    server: list[ServerStatus] = field(default_factory=lambda: list(SERVERS))

    def _asked(self, what: str) -> None:
        if what in self.failing:
            raise InfraError(f"no {what}")

    def apis(self) -> Iterable[ApiStatus]:
        self._asked("apis")
        return [ApiStatus("identity", self.identity_up, 0.1), ApiStatus("compute", True, 0.1)]

    def compute_services(self) -> Iterable[ComputeService]:
        self._asked("services")
        return self.services

    def servers(self) -> Iterable[ServerStatus]:
        self._asked("servers")
        return self.server

    def capacity(self) -> Capacity:
        self._asked("capacity")
        memory = ResourceInventory("MEMORY_MB", 4096, 0, 1.0, 1024)
        provider = Provider(Hypervisor("1", "hv1", "QEMU", "", True, True), (memory,))
        return Capacity((provider,), (FlavorDemand("vm.small", {"MEMORY_MB": 512}),))

    def onboarded(self) -> set[str]:
        self._asked("onboarded")
        return self.codes

    def targets(self) -> list[MonitoringTarget]:
        self._asked("targets")
        return [MonitoringTarget("capacity", "ctl1", True)]

    def alerts(self) -> list[FiringAlert]:
        self._asked("alerts")
        return [FiringAlert("Watchdog", "heartbeat", "alive", "", {}), *self.alert]


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    return inventories.load(LAB)


@pytest.fixture
def site(inventory: Inventory) -> FakeSite:
    return FakeSite({agency.code for agency in inventory.agencies} | {"a-stranger"})


def read(inventory: Inventory, site: FakeSite, run: str = "ok") -> SiteStatus:
    status = _blank(inventory)
    status.last_run = LastRun("up", run, NOW, 1.0, 0, (), ())
    collect(status, inventory, site, lambda server_id: GuestRecord("k", "console", 9.5, watched=True))
    judge(status, inventory, NOW)
    return status


def test_a_site_that_serves_is_healthy_and_told_whole(inventory: Inventory, site: FakeSite) -> None:
    status = read(inventory, site)
    assert status.healthy
    assert (status.onboarded, status.agencies) == (35, 35)
    assert status.capacity == [FlavorCapacity("vm.small", 6)]
    assert status.virtual_machines[0].ssh_seconds == 9.5
    assert (status.targets_up, status.targets, status.alerts) == (1, 1, [])
    assert status.next_commands[0] == f"citycloud verify --inventory {LAB}"


@pytest.mark.parametrize(
    "part", ["apis", "services", "servers", "capacity", "onboarded", "targets", "alerts"]
)
def test_a_part_that_cannot_be_read_is_a_problem_and_the_rest_is_told(
    inventory: Inventory, site: FakeSite, part: str
) -> None:
    site.failing = {part}
    status = read(inventory, site)
    assert any(f"cannot be read: no {part}" in problem for problem in status.problems)
    if part not in {"alerts", "targets"}:
        assert status.targets_up == 1


def test_without_identity_nothing_else_is_asked_of_the_cloud(inventory: Inventory, site: FakeSite) -> None:
    site.identity_up = False
    site.failing = {"services"}
    status = read(inventory, site)
    assert "the identity API does not answer" in status.problems
    assert not any("no services" in problem for problem in status.problems)


def test_a_hypervisor_that_is_down_disabled_or_unknown_is_a_problem(
    inventory: Inventory, site: FakeSite
) -> None:
    site.services = [ComputeService("hv1", False, True, 0.0)]
    assert read(inventory, site).problems == ["hypervisor hv1 is down", "hypervisor hv2 is unknown"]
    site.services = [ComputeService(name, True, False, 0.0) for name in ("hv1", "hv2")]
    assert "hypervisor hv1 is disabled" in read(inventory, site).problems


def test_missing_landing_zones_are_counted_and_the_command_is_told(
    inventory: Inventory, site: FakeSite
) -> None:
    site.codes = {"sotttt"}
    status = read(inventory, site)
    assert status.problems == ["34 of 35 agencies have no landing zone"]
    assert status.next_commands == [f"citycloud zone up --inventory {LAB}"]


def test_a_server_that_the_inventory_asks_for_and_the_cloud_has_not_is_a_problem(
    inventory: Inventory, site: FakeSite
) -> None:
    gone = site.server.pop(0)
    status = read(inventory, site)
    assert status.problems == [f"server {gone.project.agency}/{gone.name} does not exist"]
    assert status.next_commands == [f"citycloud zone up --inventory {LAB}"]


def test_a_page_is_a_problem_and_a_notice_is_not(inventory: Inventory, site: FakeSite) -> None:
    site.alert = [FiringAlert("CapacityLow", "notice", "little left", "", {})]
    assert read(inventory, site).healthy
    site.alert = [FiringAlert("ApiDown", "page", "compute is down", "", {})]
    assert read(inventory, site).problems == ["alert ApiDown: compute is down"]


def test_a_certificate_that_ends_soon_is_a_problem(inventory: Inventory) -> None:
    status = _blank(inventory)
    status.certificate_expires = NOW + dt.timedelta(days=10)
    judge(status, inventory, NOW)
    assert status.problems == ["the API's certificate ends at 2026-12-03"]


@pytest.mark.parametrize("run", ["failed", "cut", "interrupted"])
def test_after_a_run_that_did_not_end_well_the_next_command_is_up(
    inventory: Inventory, site: FakeSite, run: str
) -> None:
    assert read(inventory, site, run).next_commands == [f"citycloud up --inventory {LAB}"]


def test_a_lab_that_is_off_is_started_first(inventory: Inventory) -> None:
    status = _blank(inventory)
    status.last_run = LastRun("up", "ok", NOW, 1.0, 0, (), ())
    status.problems.append(LAB_OFF)
    judge(status, inventory, NOW)
    assert status.next_commands == [f"citycloud lab start --inventory {LAB}"]


def test_a_run_without_an_end_runs_while_its_process_holds_the_lock_and_was_cut_otherwise(
    tmp_path: Path,
) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    assert last_run(journal, None) is None
    writer = journal.begin("up", "r1")
    states = [
        last_run(journal, owner)
        for owner in (
            None,
            LockOwner(writer.run.pid, "up", 0.0, boot_id()),
            LockOwner(1, "zone up", 0.0, boot_id()),
        )
    ]
    assert [state.state for state in states if state] == ["cut", "running", "cut"]

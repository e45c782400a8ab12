"""Verification says what holds, what does not and what it saw."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from infra import inventory as inventories
from infra.cloud.api_status import ApiStatus
from infra.cloud.capacity import ComputeService
from infra.errors import InfraError
from infra.hosts import ssh
from infra.inventory import Inventory
from infra.provisioning.guest import Guest, GuestRecord, wanted
from infra.provisioning.isolation import Isolation
from infra.provisioning.prometheus import FiringAlert, MonitoringTarget
from infra.provisioning.verify import GUEST_SECONDS, Check, NotHealthy, Report, Verification

LAB = Path(__file__).parents[3] / "inventories" / "lab"
RECORD = GuestRecord("ssh-ed25519 AAAA", "console", 9.5, watched=True)


@dataclass
class FakeSite:
    api: list[ApiStatus] = field(default_factory=lambda: [ApiStatus("identity", True, 0.02)])
    services: list[ComputeService] = field(
        default_factory=lambda: [
            ComputeService("hv1", True, True, 0.0),
            ComputeService("hv2", True, True, 0.0),
        ]
    )
    target: list[MonitoringTarget] = field(
        default_factory=lambda: [
            MonitoringTarget("hypervisor", "hv1", True),
            MonitoringTarget("hypervisor", "hv2", True),
        ]
    )
    alert: list[FiringAlert] = field(default_factory=list)
    error: InfraError | None = None

    def alerts(self) -> list[FiringAlert]:
        return self._or_error(self.alert)

    def apis(self) -> Iterable[ApiStatus]:
        return self._or_error(self.api)

    def compute_services(self) -> Iterable[ComputeService]:
        return self._or_error(self.services)

    def targets(self) -> list[MonitoringTarget]:
        return self._or_error(self.target)

    def _or_error(self, value: Any) -> Any:
        if self.error is not None:
            raise self.error
        return value


@dataclass
class FakeCompute:
    found: list[Guest]
    error: InfraError | None = None
    printed: str = ""

    def guests(self) -> list[Guest]:
        if self.error is not None:
            raise self.error
        return self.found

    def console(self, server_id: str) -> str:
        return self.printed


@dataclass
class FakeRoll:
    """Answers for each guest after so many tries; an exception is raised."""

    after: dict[str, int | InfraError] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)

    def reach(self, guest: Guest, *, watched: bool) -> GuestRecord | None:
        self.tries[guest.label] = self.tries.get(guest.label, 0) + 1
        needed = self.after.get(guest.label, 1)
        if isinstance(needed, InfraError):
            raise needed
        return RECORD if self.tries[guest.label] >= needed else None

    def target(self, guest: Guest) -> ssh.Target:
        return ssh.Target(guest.label, guest.address, guest.user, Path("key"), Path("known_hosts"))


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    return inventories.load(LAB)


@pytest.fixture
def compute(inventory: Inventory) -> FakeCompute:
    guests = [
        replace(
            guest, id=f"id{n}", state="active", address=f"172.30.2.{60 + n}", fixed_address=f"10.64.{n}.5"
        )
        for n, guest in enumerate(wanted(inventory))
    ]
    return FakeCompute(guests)


@dataclass
class Bench:
    inventory: Inventory
    compute: FakeCompute
    site: FakeSite = field(default_factory=FakeSite)
    roll: FakeRoll = field(default_factory=FakeRoll)
    clock: Clock = field(default_factory=Clock)
    found: Isolation = field(default_factory=lambda: Isolation(True, (), 2))
    steps: list[str] = field(default_factory=list)

    def run(self) -> Report:
        return Verification(
            self.inventory, self.site, self.compute, self.roll, self.steps.append,  # type: ignore[arg-type]
            probe=lambda *_: self.found, clock=self.clock, pause=self.clock.pause,
        ).run()  # fmt: skip

    def failed(self) -> list[str]:
        return [f"{check.name} {check.subject}: {check.detail}" for check in self.run().failed]


@pytest.fixture
def bench(inventory: Inventory, compute: FakeCompute) -> Bench:
    return Bench(inventory, compute)


def test_a_site_that_serves_passes_every_check(bench: Bench) -> None:
    report = bench.run().must_hold()
    assert report.ok
    assert [check.name for check in report.checks] == [
        "API", "hypervisor", "hypervisor", *["guest"] * 4, *["isolation"] * 4, "monitoring", "monitoring",
    ]  # fmt: skip


def test_the_seconds_from_request_to_ssh_are_told(bench: Bench) -> None:
    check = next(check for check in bench.run().checks if check.name == "guest")
    assert check.seconds == 9.5
    assert check.detail == "SSH to 172.30.2.60, 9.5 s after the request; host key from console"


def test_what_fails_is_raised_with_everything_that_failed() -> None:
    report = Report((Check("API", "compute", False, "no answer"), Check("guest", "a/b", True, "fine")))
    with pytest.raises(NotHealthy, match="1 of 2 checks failed:\nAPI compute: no answer"):
        report.must_hold()


def test_an_api_that_does_not_answer_fails(bench: Bench) -> None:
    bench.site.api.append(ApiStatus("compute", False, 5.0))
    assert bench.failed() == ["API compute: no answer in 5.0 s"]


@pytest.mark.parametrize(
    ("services", "why"),
    [
        ([], "nova does not know it"),
        ([ComputeService("hv2", False, True, 0.0)], "down"),
        ([ComputeService("hv2", True, False, 0.0)], "disabled"),
    ],
)
def test_a_hypervisor_that_does_not_serve_fails(
    bench: Bench, services: list[ComputeService], why: str
) -> None:
    bench.site.services = [bench.site.services[0], *services]
    assert bench.failed() == [f"hypervisor hv2: {why}"]


def test_a_guest_that_is_slow_is_waited_for(bench: Bench) -> None:
    label = bench.compute.found[0].label
    bench.roll.after[label] = 40
    assert bench.run().ok
    assert bench.roll.tries[label] == 40
    assert all(tries == 1 for name, tries in bench.roll.tries.items() if name != label)


def test_a_guest_that_never_answers_fails_after_the_deadline(bench: Bench) -> None:
    guest = bench.compute.found[0]
    bench.roll.after[guest.label] = 10_000
    bench.compute.printed = "login:\n\n\x1b[0;31mKernel panic\x1b[0m - not syncing\r\n"
    silence = f"no SSH to {guest.address} in {GUEST_SECONDS:.0f} s"
    told = "its console ends: login: / Kernel panic - not syncing"
    assert bench.failed() == [f"guest {guest.label}: {silence}; {told}"]


def test_a_guest_with_a_wrong_key_fails_at_once(bench: Bench) -> None:
    guest = bench.compute.found[0]
    bench.roll.after[guest.label] = InfraError("another key")
    assert bench.failed() == [f"guest {guest.label}: another key"]
    assert bench.clock.now == 0


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"state": "missing", "id": "", "address": ""}, "does not exist; citycloud zone up makes it"),
        ({"state": "error"}, "is error"),
    ],
)
def test_a_guest_that_waiting_does_not_help_is_not_waited_for(
    bench: Bench, change: dict[str, str], why: str
) -> None:
    bench.compute.found[0] = replace(bench.compute.found[0], **change)
    assert bench.failed() == [f"guest {bench.compute.found[0].label}: {why}"]
    assert bench.clock.now == 0


def test_a_guest_without_floating_address_need_only_be_active(bench: Bench) -> None:
    bench.compute.found[0] = replace(bench.compute.found[0], address="")
    assert bench.run().ok


def test_a_guest_that_reaches_another_agency_fails(bench: Bench) -> None:
    bench.found = Isolation(True, (bench.compute.found[-1].fixed_address,), 2)
    failed = bench.failed()
    assert failed
    assert all("reaches the private address of" in line for line in failed)


def test_a_guest_without_a_network_proves_nothing(bench: Bench) -> None:
    bench.found = Isolation(False, (), 2)
    assert all("its own gateway does not answer" in line for line in bench.failed())


def test_targets_are_waited_for_and_then_named(bench: Bench) -> None:
    bench.site.target = [
        MonitoringTarget("hypervisor", "hv1", True),
        MonitoringTarget("capacity", "ctl1", False, "refused"),
    ]
    assert bench.failed() == [
        "monitoring targets: 1 of 2 up; capacity ctl1: refused;"
        " hypervisor hv2: not found by service discovery"
    ]
    assert bench.clock.now > 100


def test_a_cloud_that_does_not_answer_is_a_failed_check_and_no_traceback(bench: Bench) -> None:
    bench.site.error = bench.compute.error = InfraError("connection refused")
    assert bench.failed() == [
        "API all: connection refused",
        "hypervisor all: connection refused",
        "guest all: connection refused",
        "monitoring targets: connection refused",
        "monitoring alerts: connection refused",
    ]


def test_an_alert_that_pages_is_waited_for_and_then_named(bench: Bench) -> None:
    bench.site.alert = [
        FiringAlert("Watchdog", "heartbeat", "alive", "", {}),
        FiringAlert("CapacityLow", "notice", "little left", "", {}),
        FiringAlert("ErrorBudgetBurns", "page", "much was down", "", {"slo": "api-availability"}),
        FiringAlert("ApiDown", "page", "compute is down", "", {}),
    ]
    assert bench.failed() == ["monitoring alerts: ApiDown: compute is down"]
    assert bench.clock.now > 100
    bench.site.alert.pop()
    assert bench.run().ok

"""Proves that a site serves, by using it as its agencies do. Changes nothing but the pinned keys of new
guests.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from infra.cloud.api_status import ApiStatus
from infra.cloud.capacity import ComputeService
from infra.errors import InfraError
from infra.hosts import ssh
from infra.inventory import Inventory
from infra.provisioning import isolation
from infra.provisioning.guest import Compute, Guest, GuestRecord, GuestRoll, last_lines
from infra.provisioning.isolation import Isolation
from infra.provisioning.prometheus import PAGE, FiringAlert, MonitoringTarget

GUEST_SECONDS = 300.0  # an emulated Debian on a busy machine of two cores took 65 s when it was alone
TARGET_SECONDS = 120.0  # service discovery looks every few scrapes
ALERT_SECONDS = 120.0  # a rule's evaluation and Alertmanager's group interval
INTERVAL_SECONDS = 1.0
PARALLEL = 8


class NotHealthy(InfraError):
    """The site does not serve as it should; each failed check says what it saw."""

    code = "not_healthy"


@dataclass(frozen=True)
class Check:
    """One statement about the site, whether it holds, and what was seen. `seconds`: request to SSH, for
    guests.
    """

    name: str
    subject: str
    ok: bool
    detail: str
    seconds: float | None = None


@dataclass(frozen=True)
class Report:
    """Every check of one verification, in the order of the proof."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if not check.ok)

    def must_hold(self) -> Report:
        """Itself, or NotHealthy with every check that failed."""
        if not self.ok:
            lines = [f"{check.name} {check.subject}: {check.detail}" for check in self.failed]
            raise NotHealthy("\n".join([f"{len(lines)} of {len(self.checks)} checks failed:", *lines]))
        return self


class Site(Protocol):
    """What is asked of a running site."""

    def apis(self) -> Iterable[ApiStatus]: ...

    def compute_services(self) -> Iterable[ComputeService]: ...

    def targets(self) -> list[MonitoringTarget]: ...

    def alerts(self) -> list[FiringAlert]: ...


Step = Callable[[str], None]
Probe = Callable[[ssh.Target, Inventory, Guest, list[Guest]], Isolation]


class Verification:
    """One verification of one site."""

    def __init__(
        self,
        inventory: Inventory,
        site: Site,
        compute: Compute,
        roll: GuestRoll,
        step: Step,
        *,
        probe: Probe | None = None,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._inventory = inventory
        self._site = site
        self._compute = compute
        self._roll = roll
        self._step = step
        self._probe = probe or _probe
        self._clock = clock
        self._pause = pause

    def run(self) -> Report:
        """Never raises for what it finds: an error is a check that failed."""
        checks = [*self._apis(), *self._hypervisors()]
        guest_checks, reached = self._guests()
        return Report((*checks, *guest_checks, *self._isolation(reached), *self._targets(), *self._alerts()))

    def _apis(self) -> list[Check]:
        self._step("APIs over TLS")
        try:
            statuses = list(self._site.apis())
        except InfraError as error:
            return [Check("API", "all", False, str(error))]
        return [Check("API", status.service, status.up, _answer(status)) for status in statuses] or [
            Check("API", "all", False, "the catalog lists no API")
        ]

    def _hypervisors(self) -> list[Check]:
        self._step("hypervisors")
        try:
            services = {service.hypervisor: service for service in self._site.compute_services()}
        except InfraError as error:
            return [Check("hypervisor", "all", False, str(error))]
        names = [name for host in self._inventory.hypervisors() for name in host.compute_names]
        return [_hypervisor(name, services.get(name)) for name in names]

    def _guests(self) -> tuple[list[Check], list[Guest]]:
        """A check per wanted guest, and those that were reached."""
        deadline = self._clock() + GUEST_SECONDS
        records: dict[str, GuestRecord] = {}
        errors: dict[str, str] = {}
        while True:
            try:
                guests = self._compute.guests()
            except InfraError as error:
                return [Check("guest", "all", False, str(error))], []
            todo = [guest for guest in guests if guest.label not in records and _may_come(guest)]
            todo = [guest for guest in todo if guest.label not in errors]
            self._step(f"SSH to guests: {len(records)} of {len(guests)} reached")
            with ThreadPoolExecutor(PARALLEL) as pool:
                for guest, result in zip(todo, pool.map(self._try, todo), strict=True):
                    if isinstance(result, GuestRecord):
                        records[guest.label] = result
                    elif result is not None:
                        errors[guest.label] = str(result)
            waiting = [guest for guest in todo if guest.label not in records and guest.label not in errors]
            if not waiting or self._clock() > deadline:
                break
            self._pause(INTERVAL_SECONDS)
        errors |= {guest.label: self._silent(guest) for guest in waiting if guest.address}
        checks = [_guest(guest, records.get(guest.label), errors.get(guest.label, "")) for guest in guests]
        return checks, [guest for guest in guests if guest.label in records]

    def _silent(self, guest: Guest) -> str:
        """How a guest that never answered stands by its own account."""
        silence = f"no SSH to {guest.address} in {GUEST_SECONDS:.0f} s"
        try:
            console = last_lines(self._compute.console(guest.id))
        except InfraError as error:
            return f"{silence}; its console cannot be read: {error}"
        return f"{silence}; its console ends: {console}" if console else f"{silence}; its console is empty"

    def _try(self, guest: Guest) -> GuestRecord | InfraError | None:
        if not guest.address:
            return None
        try:
            return self._roll.reach(guest, watched=False)
        except InfraError as error:
            return error

    def _isolation(self, reached: list[Guest]) -> list[Check]:
        self._step("isolation between agencies")
        with ThreadPoolExecutor(PARALLEL) as pool:
            return list(pool.map(lambda guest: self._isolated(guest, reached), reached))

    def _isolated(self, guest: Guest, reached: list[Guest]) -> Check:
        others = [other for other in reached if other.agency != guest.agency and other.fixed_address]
        if not others:
            return Check("isolation", guest.label, True, "no guest of another agency to try")
        try:
            found = self._probe(self._roll.target(guest), self._inventory, guest, others)
        except InfraError as error:
            return Check("isolation", guest.label, False, str(error))
        if found.reached:
            names = [other.label for other in others if other.fixed_address in found.reached]
            return Check(
                "isolation", guest.label, False, f"reaches the private address of {', '.join(names)}"
            )
        if not found.gateway_answers:
            return Check(
                "isolation", guest.label, False, "its own gateway does not answer: nothing is proven"
            )
        detail = f"reaches its gateway and none of {found.tried} private addresses of other agencies"
        return Check("isolation", guest.label, True, detail)

    def _targets(self) -> list[Check]:
        deadline = self._clock() + TARGET_SECONDS
        while True:
            try:
                targets = self._site.targets()
            except InfraError as error:
                return [Check("monitoring", "targets", False, str(error))]
            down = [target for target in targets if not target.up]
            self._step(f"monitoring targets: {len(targets) - len(down)} of {len(targets)} up")
            missing = self._missing(targets)
            if not (down or missing) or self._clock() > deadline:
                break
            self._pause(INTERVAL_SECONDS)
        seen = f"{len(targets) - len(down)} of {len(targets)} up"
        faults = [f"{target.job} {target.instance}: {target.error or 'not scraped yet'}" for target in down]
        faults += [f"hypervisor {name}: not found by service discovery" for name in missing]
        return [Check("monitoring", "targets", not faults, "; ".join([seen, *faults]))]

    def _alerts(self) -> list[Check]:
        """No page fires that tells of now; after a deployment some are just being resolved. Error budgets
        tell of the hours before, in which a deployment restarted what they watch.
        """
        deadline = self._clock() + ALERT_SECONDS
        while True:
            try:
                pages = [
                    alert
                    for alert in self._site.alerts()
                    if alert.severity == PAGE and "slo" not in alert.labels
                ]
            except InfraError as error:
                return [Check("monitoring", "alerts", False, str(error))]
            self._step(f"alerts that page: {len(pages)}")
            if not pages or self._clock() > deadline:
                break
            self._pause(INTERVAL_SECONDS)
        seen = "; ".join(f"{alert.name}: {alert.summary}" for alert in pages) or "none pages"
        return [Check("monitoring", "alerts", not pages, seen)]

    def _missing(self, targets: list[MonitoringTarget]) -> list[str]:
        """Real hypervisors that are no target: a list without them is all up, too."""
        known = {target.instance for target in targets if target.job == "hypervisor"}
        hosts = [host for host in self._inventory.hypervisors() if not host.is_fake]
        return [host.name for host in hosts if host.name not in known]


def _probe(target: ssh.Target, inventory: Inventory, guest: Guest, others: list[Guest]) -> Isolation:
    return isolation.probe(target, inventory.agency(guest.agency).network, others)


def _answer(status: ApiStatus) -> str:
    return (
        f"answers in {status.seconds * 1000:.0f} ms" if status.up else f"no answer in {status.seconds:.1f} s"
    )


def _hypervisor(name: str, service: ComputeService | None) -> Check:
    if service is None:
        return Check("hypervisor", name, False, "nova does not know it")
    words = [word for word, holds in (("down", not service.up), ("disabled", not service.enabled)) if holds]
    return Check("hypervisor", name, not words, " and ".join(words) or "up")


def _may_come(guest: Guest) -> bool:
    """Whether waiting can help: it is there, meant to be reached, and nova has not given it up."""
    return guest.state == "build" or (bool(guest.address) and guest.state not in {"missing", "error"})


def _guest(guest: Guest, record: GuestRecord | None, error: str) -> Check:
    if record is not None:
        bound = "" if record.watched else "at most "
        detail = f"SSH to {guest.address}, {bound}{record.ssh_seconds:.1f} s after the request"
        detail += f"; host key from {record.key_source}"
        return Check("guest", guest.label, True, detail, record.ssh_seconds)
    if guest.state == "missing":
        return Check("guest", guest.label, False, "does not exist; citycloud zone up makes it")
    if guest.state != "active":
        return Check("guest", guest.label, False, f"is {guest.state}")
    if not guest.address:
        return Check("guest", guest.label, True, "active; has no floating address to reach it by")
    return Check("guest", guest.label, False, error)

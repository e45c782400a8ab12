"""What a site is and does now, read from the site itself; the summary that ends a run and `citycloud status`.

Every part is read on its own: what cannot be read is a problem in words, and the rest is still told. The site
is healthy when there is no problem.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from infra.cloud.api_status import ApiStatus
from infra.cloud.capacity import Capacity, ComputeService
from infra.cloud.server_status import ServerStatus
from infra.errors import InfraError
from infra.hosts.lab import Lab
from infra.hosts.namespace import NamespaceMissing
from infra.inventory import Inventory
from infra.provisioning import certificates, lock
from infra.provisioning.guest import Guest, GuestRecord, wanted
from infra.provisioning.journal import Journal, PhaseRecord, RunRecord, SlowPhase
from infra.provisioning.live_site import LiveSite
from infra.provisioning.lock import LockOwner
from infra.provisioning.prometheus import (
    ALERTMANAGER_PORT,
    HEARTBEAT,
    PAGE,
    PROMETHEUS_PORT,
    FiringAlert,
    MonitoringTarget,
)
from infra.provisioning.site import SiteContext

T = TypeVar("T")
LAB_OFF = "the lab is off"


@dataclass(frozen=True)
class Hypervisor:
    """`state`: up, down, disabled, or unknown when nova has not heard of it."""

    name: str
    virt_type: str
    state: str


@dataclass(frozen=True)
class VirtualMachine:
    """`ssh_seconds`: from the request to the first login, None if we never logged in."""

    agency: str
    name: str
    state: str
    address: str
    hypervisor: str
    ssh_seconds: float | None


@dataclass(frozen=True)
class FlavorCapacity:
    """How many more servers of this flavor would still fit."""

    flavor: str
    servers: int


@dataclass(frozen=True)
class LastRun:
    """The newest run: `state` is ok, failed, interrupted, running or cut."""

    command: str
    state: str
    started: dt.datetime
    seconds: float
    changed: int
    phases: tuple[PhaseRecord, ...]
    slow: tuple[SlowPhase, ...]


@dataclass
class SiteStatus:
    """The whole truth that a person asks for. Empty lists where `problems` says that they could not be
    read."""

    site_name: str
    region: str
    inventory: str
    lab: bool
    api_url: str
    dashboards: dict[str, str]
    agencies: int
    onboarded: int = 0
    apis: list[ApiStatus] = field(default_factory=list)
    hypervisors: list[Hypervisor] = field(default_factory=list)
    virtual_machines: list[VirtualMachine] = field(default_factory=list)
    missing_machines: list[str] = field(default_factory=list)
    capacity: list[FlavorCapacity] = field(default_factory=list)
    targets_up: int = 0
    targets: int = 0
    alerts: list[FiringAlert] = field(default_factory=list)
    certificate_expires: dt.datetime | None = None
    memory_bytes: int | None = None
    last_run: LastRun | None = None
    problems: list[str] = field(default_factory=list)
    next_commands: list[str] = field(default_factory=list)

    @property
    def healthy(self) -> bool:
        return not self.problems


class Site(Protocol):
    """What is asked of a running site, see `infra.provisioning.live_site`."""

    def apis(self) -> Iterable[ApiStatus]: ...

    def compute_services(self) -> Iterable[ComputeService]: ...

    def servers(self) -> Iterable[ServerStatus]: ...

    def capacity(self) -> Capacity: ...

    def onboarded(self) -> set[str]: ...

    def targets(self) -> list[MonitoringTarget]: ...

    def alerts(self) -> list[FiringAlert]: ...


def read_status(site: SiteContext, now: dt.datetime) -> SiteStatus:
    """The status of a site that was deployed from here. Enters the lab's network, if the site is a lab that
    is on.

    Of a lab that is off nothing is asked: its addresses would be somebody else's on the deploy host's
    network.
    """
    live = LiveSite(site)
    memory = Lab.of(site.inventory, site.settings).status().memory if site.is_lab else None
    status = _blank(site.inventory)
    status.memory_bytes = memory
    status.certificate_expires = certificates.expires(site.secrets.api_certificate)
    status.last_run = last_run(Journal(site.paths.journal), lock.held(site.paths.lock))
    try:
        site.enter_network()
        collect(status, site.inventory, live, lambda server: live.roll.record(Guest("", "", "", id=server)))
    except NamespaceMissing:
        status.problems.append(LAB_OFF)
    judge(status, site.inventory, now)
    return status


def collect(
    status: SiteStatus, inventory: Inventory, site: Site, record: Callable[[str], GuestRecord | None]
) -> None:
    """Fill in what the running site says."""

    def read(what: str, ask: Callable[[], Iterable[T]]) -> list[T]:
        try:
            return list(ask())
        except InfraError as error:
            status.problems.append(f"{what} cannot be read: {error}")
            return []

    codes = {agency.code for agency in inventory.agencies}
    status.apis = read("the APIs", site.apis)
    if not any(api.up for api in status.apis if api.service == "identity"):
        status.problems.append(f"the identity API at {status.api_url} does not answer")
    else:
        status.onboarded = len(codes.intersection(read("agencies", site.onboarded)))
        status.hypervisors = _hypervisors(inventory, read("hypervisors", site.compute_services))
        servers = read("servers", site.servers)
        status.virtual_machines = [_virtual_machine(server, record(server.id)) for server in servers]
        status.missing_machines = _missing(inventory, servers)
        status.capacity = read("capacity", lambda: _capacity(site.capacity()))
    targets = read("monitoring targets", site.targets)
    status.targets, status.targets_up = len(targets), sum(target.up for target in targets)
    status.problems += [f"{t.job} {t.instance} cannot be scraped: {t.error}" for t in targets if not t.up]
    status.alerts = [alert for alert in read("alerts", site.alerts) if alert.severity != HEARTBEAT]


def judge(status: SiteStatus, inventory: Inventory, now: dt.datetime) -> None:
    """Add what is wrong with what was read, and what a person would type next."""
    status.problems += [f"the {api.service} API does not answer" for api in status.apis if not api.up]
    status.problems += [f"hypervisor {h.name} is {h.state}" for h in status.hypervisors if h.state != "up"]
    if status.hypervisors and status.onboarded < status.agencies:
        missing = status.agencies - status.onboarded
        status.problems.append(f"{missing} of {status.agencies} agencies have no landing zone")
    status.problems += [f"server {name} does not exist" for name in status.missing_machines]
    status.problems += [
        f"server {vm.agency}/{vm.name} is {vm.state}" for vm in status.virtual_machines if vm.state == "error"
    ]
    status.problems += [
        f"alert {alert.name}: {alert.summary}" for alert in status.alerts if alert.severity == PAGE
    ]
    if status.certificate_expires and status.certificate_expires - now < certificates.RENEWAL_MARGIN:
        status.problems.append(f"the API's certificate ends at {status.certificate_expires:%Y-%m-%d}")
    status.next_commands = next_commands(status, inventory)


def next_commands(status: SiteStatus, inventory: Inventory) -> list[str]:
    """What a person would type now, most useful first."""
    option = f"--inventory {inventory.path}"
    if status.last_run is not None and status.last_run.state == "running":
        return [f"citycloud status {option}"]
    if status.last_run is None or status.last_run.state != "ok":
        return [f"citycloud up {option}"]
    if LAB_OFF in status.problems:
        return [f"citycloud lab start {option}"]
    if status.missing_machines or any("landing zone" in problem for problem in status.problems):
        return [f"citycloud zone up {option}"]
    if status.problems:
        return [f"citycloud verify {option}", f"citycloud up {option}"]
    commands = [f"citycloud verify {option}", f"citycloud zone preview {option}"]
    return (
        [*commands, f"citycloud lab shell {option}", f"citycloud down {option}"] if status.lab else commands
    )


def last_run(journal: Journal, owner: LockOwner | None) -> LastRun | None:
    """The newest run of a journal; one without an end is running if somebody holds the lock, else it was
    cut."""
    run = journal.last_run()
    if run is None:
        return None
    return LastRun(
        command=run.command,
        state=run.result or ("running" if owner is not None and owner.pid == run.pid else "cut"),
        started=dt.datetime.fromtimestamp(run.started, dt.UTC),
        seconds=run.seconds or _seconds_so_far(run),
        changed=run.changed,
        phases=tuple(run.phases),
        slow=tuple(journal.slow_phases(run)),
    )


def _seconds_so_far(run: RunRecord) -> float:
    ends = [phase.started + phase.seconds for phase in run.phases]
    return max(ends, default=run.started) - run.started


def _blank(inventory: Inventory) -> SiteStatus:
    site = inventory.site
    hosts = inventory.monitoring()
    dashboards = {}
    if hosts:
        dashboards = {
            "prometheus": f"http://{hosts[0].address}:{PROMETHEUS_PORT}",
            "alertmanager": f"http://{hosts[0].address}:{ALERTMANAGER_PORT}",
        }
    return SiteStatus(
        site_name=site.site_name,
        region=site.region_name,
        inventory=str(inventory.path),
        lab=inventory.lab is not None,
        api_url=f"https://{site.api_name}:5000/v3",
        dashboards=dashboards,
        agencies=len(inventory.agencies),
    )


def _hypervisors(inventory: Inventory, services: Iterable[ComputeService]) -> list[Hypervisor]:
    known = {service.hypervisor: service for service in services}
    return [
        Hypervisor(name, host.virt_type or "", _state(known.get(name)))
        for host in inventory.hypervisors()
        for name in host.compute_names
    ]


def _state(service: ComputeService | None) -> str:
    if service is None:
        return "unknown"
    if not service.up:
        return "down"
    return "up" if service.enabled else "disabled"


def _virtual_machine(server: ServerStatus, record: GuestRecord | None) -> VirtualMachine:
    return VirtualMachine(
        agency=server.project.agency,
        name=server.name,
        state=server.state,
        address=server.address,
        hypervisor=server.hypervisor,
        ssh_seconds=record.ssh_seconds if record else None,
    )


def _missing(inventory: Inventory, servers: Iterable[ServerStatus]) -> list[str]:
    """What the inventory asks for and the cloud has not."""
    found = {f"{server.project.agency}/{server.name}" for server in servers}
    return [guest.label for guest in wanted(inventory) if guest.label not in found]


def _capacity(capacity: Capacity) -> list[FlavorCapacity]:
    return [
        FlavorCapacity(flavor.name, sum(flavor.servers_on(provider) for provider in capacity.providers))
        for flavor in sorted(capacity.flavors, key=lambda flavor: flavor.name)
    ]

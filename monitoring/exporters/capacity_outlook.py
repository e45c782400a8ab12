"""The outlook: what follows from capacity and servers together. Servers that still fit, what is stranded, and
what would happen if a hypervisor or a zone were lost."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.cloud.capacity import Capacity, FlavorDemand, Provider
from infra.cloud.capacity_servers import ServerList
from infra.domain.packing import Bin, Kind, Packing, stranded


@dataclass(frozen=True)
class Losses:
    """Servers that would find no place if the hypervisor, or all hypervisors of the zone, were lost.
    `largest` is the live hypervisor whose servers hold most memory, "" when there is none."""

    hypervisors: Mapping[str, int]
    zones: Mapping[str, int]
    largest: str


@dataclass(frozen=True)
class Outlook:
    """`fits[flavor][hypervisor]` are servers that still fit, `zones` the zone of each hypervisor, `stranded`
    and `drift` amounts by hypervisor and resource class in Placement's units. `losses`, `servers` and `drift`
    are None when the servers of all projects are not known."""

    fits: Mapping[str, Mapping[str, int]]
    zones: Mapping[str, str]
    stranded: Mapping[str, Mapping[str, int]]
    losses: Losses | None = None
    servers: Mapping[str, int] | None = None
    drift: Mapping[str, Mapping[str, int]] | None = None


@dataclass
class Outlooks:
    """The outlook of the newest facts, worked out once for all who ask."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _of: tuple[Capacity, ServerList | None, Mapping[str, str]] | None = None
    _known: Outlook | None = None

    def of(self, capacity: Capacity, servers: ServerList | None, zones: Mapping[str, str]) -> Outlook:
        with self._lock:
            known = self._of
            if (
                self._known is None or known is None
                or known[0] is not capacity or known[1] is not servers or known[2] != zones
            ):  # fmt: skip
                self._known = work_out(capacity, servers, zones)
                self._of = (capacity, servers, zones)
            return self._known


def work_out(capacity: Capacity, servers: ServerList | None, zones: Mapping[str, str]) -> Outlook:
    """The outlook; `zones` are what nova says of hypervisors, before what their aggregates say."""
    providers = capacity.providers
    names = [provider.hypervisor.name for provider in providers]
    zone_of = {p.hypervisor.name: zones.get(p.hypervisor.name) or p.zone for p in providers}
    fits = {
        flavor.name: dict(zip(names, map(flavor.servers_on, providers), strict=True))
        for flavor in capacity.flavors
    }
    bins = [_bin(provider) for provider in providers]
    left = stranded(bins, [_kind(flavor, providers) for flavor in capacity.flavors])
    if servers is None or not servers.whole:
        return Outlook(fits, zone_of, left)
    counts = Counter(server.hypervisor for server in servers.servers)
    return Outlook(
        fits, zone_of, left, _losses(providers, bins, servers, zone_of),
        {name: counts[name] for name in names}, _drift(providers, servers),
    )  # fmt: skip


def free_for_all(provider: Provider) -> bool:
    """Whether servers of any project may run there."""
    return not provider.projects


def _bin(provider: Provider) -> Bin:
    free = {name: sum(part.free for part in parts) for name, parts in provider.by_class.items()}
    return Bin(provider.hypervisor.name, free, provider.live)


def _kind(demand: FlavorDemand, providers: tuple[Provider, ...], project: str | None = None) -> Kind:
    """`project` None: whichever project a hypervisor is kept for."""
    return Kind(demand.wanted, tuple(
        demand.allowed_on(provider)
        and (project is None or not provider.projects or project in provider.projects)
        and all(_unit_fits(provider, name, amount) for name, amount in demand.wanted.items())
        for provider in providers
    ))  # fmt: skip


def _unit_fits(provider: Provider, name: str, amount: int) -> bool:
    """Whether one allocation of the amount is within the inventory's unit limits."""
    return any(
        part.min_unit <= amount <= part.max_unit and amount % part.step_size == 0
        for part in provider.by_class.get(name, ())
    )


def _losses(
    providers: tuple[Provider, ...], bins: list[Bin], servers: ServerList, zones: Mapping[str, str]
) -> Losses:
    isolated = frozenset().union(*(provider.projects for provider in providers))
    numbers: dict[tuple[int, str], int] = {}
    demands: list[tuple[FlavorDemand, str]] = []
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for server in servers.servers:
        if not server.hypervisor:
            continue
        key = (id(server.demand), server.project_id if server.project_id in isolated else "")
        if key not in numbers:
            numbers[key] = len(demands)
            demands.append((server.demand, key[1]))
        counts[server.hypervisor][numbers[key]] += 1
    packing = Packing(bins, [_kind(demand, providers, project) for demand, project in demands], counts)
    members: dict[str, list[str]] = defaultdict(list)
    for name, zone in zones.items():
        members[zone].append(name)
    return Losses(
        {found.name: packing.unplaceable([found.name]) for found in bins},
        {zone: packing.unplaceable(names) for zone, names in members.items()},
        _largest(providers),
    )


def _largest(providers: tuple[Provider, ...]) -> str:
    used = {
        provider.hypervisor.name: sum(part.used for part in provider.by_class.get("MEMORY_MB", ()))
        for provider in providers if provider.live
    }  # fmt: skip
    return max(used, key=lambda name: (used[name], name), default="")


def _drift(providers: tuple[Provider, ...], servers: ServerList) -> dict[str, dict[str, int]]:
    """What Placement says is used less what servers' flavors add up to."""
    wanted: dict[str, Counter[str]] = defaultdict(Counter)
    for server in servers.servers:
        if server.hypervisor:
            wanted[server.hypervisor].update(server.demand.wanted)
    return {
        provider.hypervisor.name: {
            name: sum(part.used for part in parts) - wanted[provider.hypervisor.name][name]
            for name, parts in provider.by_class.items()
        }
        for provider in providers
    }

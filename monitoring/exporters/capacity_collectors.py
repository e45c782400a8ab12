"""The capacity exporter's collectors: what each reads, how old its facts may get, which of them a scrape
waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from infra.cloud.capacity import Capacity, read_capacity
from infra.cloud.capacity_agents import (
    AgentRecord,
    ComputeAgents,
    read_compute_agents,
    read_network_agents,
    read_volume_agents,
)
from infra.cloud.capacity_drift import Drift, read_drift
from infra.cloud.capacity_images import Images, read_images
from infra.cloud.capacity_network import (
    NetworkUsage,
    SubnetAddresses,
    read_addresses,
    read_network_usage,
)
from infra.cloud.capacity_placement import PlacementCache
from infra.cloud.capacity_servers import ServerList, read_servers
from infra.cloud.capacity_volumes import Pool, Volumes, read_pools, read_volumes
from infra.cloud.connection import Cloud
from infra.cloud.reading import WORKERS, Calls, CloudReading
from infra.cloud.usage import Limits, ProjectList, read_limits, read_projects
from monitoring.exporters.capacity_outlook import Outlook, Outlooks
from monitoring.exporters.snapshot import Asked, Lap

T = TypeVar("T")
SLOW_WORKERS = 4
"""Calls in flight of each collector that no scrape waits for."""
SLOW_LIMIT = 300.0  # seconds that such a lap may take
INTERVALS: Mapping[str, float] = {
    "services": 15.0, "capacity": 30.0, "servers": 30.0, "projects": 60.0, "volumes": 60.0, "pools": 60.0,
    "volume_agents": 30.0, "network_agents": 30.0, "network": 60.0, "addresses": 60.0, "images": 300.0,
    "quotas": 900.0, "drift": 300.0,
}  # fmt: skip
"""Seconds after which a collector's facts are read anew. `quotas` and `drift` need a call for each project or
hypervisor: no scrape waits for them."""
_SLOW = {"quotas", "drift"}


@dataclass(frozen=True)
class Collectors:
    """The exporter's collectors. One that is left out is None, and so are the families that it feeds."""

    services: Asked[ComputeAgents] | None = None
    capacity: Asked[Capacity] | None = None
    servers: Asked[ServerList] | None = None
    projects: Asked[ProjectList] | None = None
    volumes: Asked[Volumes] | None = None
    pools: Asked[tuple[Pool, ...]] | None = None
    volume_agents: Asked[tuple[AgentRecord, ...]] | None = None
    network_agents: Asked[tuple[AgentRecord, ...]] | None = None
    network: Asked[NetworkUsage] | None = None
    addresses: Asked[tuple[SubnetAddresses, ...]] | None = None
    images: Asked[Images] | None = None
    quotas: Asked[Limits] | None = None
    drift: Asked[Drift] | None = None
    calls: Calls = field(default_factory=Calls)
    _outlooks: Outlooks = field(default_factory=Outlooks, init=False)

    @property
    def all(self) -> tuple[Asked[Any], ...]:
        """Those that there are."""
        found = (getattr(self, name) for name in INTERVALS)
        return tuple(collector for collector in found if collector is not None)

    def outlook(self) -> Outlook | None:
        """What follows from the newest capacity, servers and services, None before the first capacity."""
        capacity = latest(self.capacity)
        if capacity is None:
            return None
        services = latest(self.services)
        return self._outlooks.of(capacity, latest(self.servers), services.zones if services else {})


def latest(collector: Asked[T] | None) -> T | None:
    """A collector's last good answer, None before the first and for a collector that was left out."""
    return collector.latest if collector is not None else None


def collectors_of(
    cloud: Cloud, intervals: Mapping[str, float] | None = None, without: Iterable[str] = ()
) -> Collectors:
    """Collectors that read `cloud`; `intervals` take the place of INTERVALS, `without` are names left out."""
    calls, cache = Calls(), PlacementCache()
    gates = {False: threading.Semaphore(WORKERS), True: threading.Semaphore(SLOW_WORKERS)}
    every = {**INTERVALS, **(intervals or {})}
    projects: Asked[ProjectList]

    def collector(name: str, read: Callable[[CloudReading], T]) -> Asked[T]:
        slow = name in _SLOW

        def lap(lap: Lap) -> T:
            return read(
                CloudReading(
                    cloud, lap.seconds, cancelled=lambda: lap.cancelled, gate=gates[slow], calls=calls,
                    workers=SLOW_WORKERS if slow else WORKERS,
                )
            )  # fmt: skip

        return Asked(name, lap, every[name], limit=SLOW_LIMIT if slow else 0.0, waits=not slow)

    def limits(reading: CloudReading) -> Limits:
        known = projects.latest or read_projects(reading)
        return read_limits(reading, known.projects)

    projects = collector("projects", read_projects)
    made: dict[str, Asked[Any]] = {
        "services": collector("services", read_compute_agents),
        "capacity": collector("capacity", lambda reading: read_capacity(reading, cache)),
        "servers": collector("servers", read_servers),
        "projects": projects,
        "volumes": collector("volumes", read_volumes),
        "pools": collector("pools", read_pools),
        "volume_agents": collector("volume_agents", read_volume_agents),
        "network_agents": collector("network_agents", read_network_agents),
        "network": collector("network", read_network_usage),
        "addresses": collector("addresses", read_addresses),
        "images": collector("images", read_images),
        "quotas": collector("quotas", limits),
        "drift": collector("drift", read_drift),
    }
    left_out = set(without)
    return Collectors(calls=calls, **{name: made[name] for name in made if name not in left_out})

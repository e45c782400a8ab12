"""Capacity as the cloud has it now: hypervisors, their compute services, Placement's inventories and usages.

All numbers are the cloud's own: no ratio or reservation is configured a second time here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from infra.cloud.errors import NotFound
from infra.cloud.reading import Reading
from infra.domain.capacity import allocatable


@dataclass(frozen=True)
class ComputeService:
    """A nova-compute. `hypervisor` is the name of its hypervisor, or its host's where it has registered none
    yet; `reported_at` is when nova last heard of it (seconds of the epoch), 0.0 for never."""

    hypervisor: str
    up: bool
    enabled: bool
    reported_at: float


@dataclass(frozen=True)
class Hypervisor:
    """A hypervisor as nova lists it; `type` is nova's (QEMU, LXC, fake)."""

    id: str
    name: str
    type: str
    address: str
    up: bool
    enabled: bool


@dataclass(frozen=True)
class ResourceInventory:
    """Placement's inventory of one resource class and what is used of it, in Placement's own unit."""

    resource_class: str
    total: int
    reserved: int
    allocation_ratio: float
    used: int
    min_unit: int = 1
    max_unit: int = 2**31 - 1
    step_size: int = 1

    @property
    def allocatable(self) -> int:
        """What Placement hands out at most."""
        return allocatable(self.total, self.reserved, self.allocation_ratio)

    def holds(self, amount: int) -> int:
        """How many allocations of `amount` each Placement would still accept."""
        if amount == 0:
            raise ValueError("an allocation of nothing fits any number of times")
        if amount < self.min_unit or amount > self.max_unit or amount % self.step_size:
            return 0
        return max(0, self.allocatable - self.used) // amount


@dataclass(frozen=True)
class Provider:
    """A hypervisor with its inventories, its traits, and the metadata of the aggregates that it is in."""

    hypervisor: Hypervisor
    inventories: tuple[ResourceInventory, ...]
    traits: frozenset[str] = frozenset()
    aggregates: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class FlavorDemand:
    """What one server of a flavor takes (Placement's units), and where its extra specs allow it to run."""

    name: str
    resources: Mapping[str, int]
    hypervisor_type: str = ""
    required_traits: frozenset[str] = frozenset()
    forbidden_traits: frozenset[str] = frozenset()
    aggregate_metadata: Mapping[str, str] = field(default_factory=dict)

    def servers_on(self, provider: Provider) -> int:
        """How many more servers of this flavor fit on the hypervisor."""
        if not self._allowed_on(provider):
            return 0
        held = {inventory.resource_class: inventory for inventory in provider.inventories}
        wanted = {name: amount for name, amount in self.resources.items() if amount}
        if not wanted or not wanted.keys() <= held.keys():
            return 0
        return min(held[name].holds(amount) for name, amount in wanted.items())

    def _allowed_on(self, provider: Provider) -> bool:
        """Whether the scheduler would consider the hypervisor at all."""
        hypervisor = provider.hypervisor
        if not (hypervisor.up and hypervisor.enabled):
            return False
        if self.hypervisor_type and self.hypervisor_type.lower() != hypervisor.type.lower():
            return False
        if not self.required_traits <= provider.traits or self.forbidden_traits & provider.traits:
            return False
        return all(
            any(metadata.get(key) == value for metadata in provider.aggregates)
            for key, value in self.aggregate_metadata.items()
        )


@dataclass(frozen=True)
class Capacity:
    """Every hypervisor with what it offers and uses, and every flavor."""

    providers: tuple[Provider, ...]
    flavors: tuple[FlavorDemand, ...]


def read_compute_services(reading: Reading) -> tuple[ComputeService, ...]:
    """Every nova-compute, down ones too. Two calls: cheap enough to ask every few seconds."""
    names = {item["service"]["host"]: item["hypervisor_hostname"] for item in _hypervisor_items(reading)}
    services = reading.get("compute", "/os-services", {"binary": "nova-compute"})["services"]
    return tuple(
        ComputeService(
            hypervisor=names.get(service["host"], service["host"]),
            up=service["state"] == "up",
            enabled=service["status"] == "enabled",
            reported_at=_epoch(service.get("updated_at")),
        )
        for service in services
    )


def read_capacity(reading: Reading) -> Capacity:
    """Hypervisors with inventories and usages, and flavors. Three calls to Placement for each hypervisor."""
    items = _hypervisor_items(reading)
    aggregates = reading.get("compute", "/os-aggregates")["aggregates"]
    flavors = reading.items("compute", "/flavors/detail", "flavors", {"is_public": "None"})

    def provider(item: Mapping[str, Any]) -> Provider:
        host = item["service"]["host"]
        metadata = tuple(dict(found["metadata"]) for found in aggregates if host in found["hosts"])
        return _provider(reading, _hypervisor(item), metadata)

    return Capacity(
        providers=tuple(reading.each(provider, items)),
        flavors=tuple(flavor_demand(flavor) for flavor in flavors),
    )


def flavor_demand(flavor: Mapping[str, Any]) -> FlavorDemand:
    """What nova would ask Placement for, for a server booted from an image with this flavor."""
    specs: Mapping[str, str] = flavor.get("extra_specs") or {}
    swap = int(flavor.get("swap") or 0)  # MiB
    resources = {
        "VCPU": int(flavor["vcpus"]),
        "MEMORY_MB": int(flavor["ram"]),
        "DISK_GB": int(flavor["disk"]) + int(flavor.get("OS-FLV-EXT-DATA:ephemeral") or 0) + -(-swap // 1024),
    }
    resources |= {
        key.removeprefix("resources:"): int(n) for key, n in specs.items() if key.startswith("resources:")
    }
    traits = {key.removeprefix("trait:"): value for key, value in specs.items() if key.startswith("trait:")}
    aggregate_prefix = "aggregate_instance_extra_specs:"
    return FlavorDemand(
        name=flavor["name"],
        resources=resources,
        hypervisor_type=specs.get("capabilities:hypervisor_type", specs.get("hypervisor_type", "")).split(
            " "
        )[-1],
        required_traits=frozenset(name for name, value in traits.items() if value == "required"),
        forbidden_traits=frozenset(name for name, value in traits.items() if value == "forbidden"),
        aggregate_metadata={
            key.removeprefix(aggregate_prefix): value
            for key, value in specs.items()
            if key.startswith(aggregate_prefix)
        },
    )


def _hypervisor_items(reading: Reading) -> list[dict[str, Any]]:
    return reading.items("compute", "/os-hypervisors/detail", "hypervisors")


def _hypervisor(item: Mapping[str, Any]) -> Hypervisor:
    return Hypervisor(
        id=item["id"],
        name=item["hypervisor_hostname"],
        type=item.get("hypervisor_type") or "",
        address=item.get("host_ip") or "",
        up=item["state"] == "up",
        enabled=item["status"] == "enabled",
    )


def _provider(
    reading: Reading, hypervisor: Hypervisor, aggregates: tuple[Mapping[str, str], ...]
) -> Provider:
    """A hypervisor that Placement has not heard of yet (its nova-compute has just started) offers nothing."""
    path = f"/resource_providers/{hypervisor.id}"
    try:
        inventories = reading.get("placement", f"{path}/inventories")["inventories"]
    except NotFound:
        return Provider(hypervisor, inventories=())
    usages = reading.get("placement", f"{path}/usages")["usages"]
    traits = reading.get("placement", f"{path}/traits")["traits"]
    offered = tuple(
        ResourceInventory(name, item["total"], item["reserved"], item["allocation_ratio"], usages.get(name,
        0), item["min_unit"], item["max_unit"], item["step_size"]) for name, item in
        sorted(inventories.items())
    )  # fmt: skip
    return Provider(hypervisor, offered, frozenset(traits), aggregates)


def _epoch(stamp: str | None) -> float:
    """Seconds of the epoch of nova's UTC time stamp, 0.0 for none."""
    return datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp() if stamp else 0.0

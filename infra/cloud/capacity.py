"""Capacity as the cloud has it now: hypervisors, their compute services, Placement's inventories and usages.

All numbers are the cloud's own: no ratio or reservation is configured a second time here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from infra.cloud.capacity_placement import Placed, PlacementCache, ResourceInventory, read_placed
from infra.cloud.reading import Reading

DEFAULT_ZONE = "nova"
_AGGREGATE_SPEC = "aggregate_instance_extra_specs:"


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
class Aggregate:
    """A host aggregate; `hosts` are hosts of nova-compute, `metadata` nova's own."""

    name: str
    hosts: frozenset[str] = frozenset()
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def projects(self) -> frozenset[str]:
        """The projects that the aggregate is kept for (`filter_tenant_id`, with any suffix), none for all."""
        values = (value for key, value in self.metadata.items() if key.startswith("filter_tenant_id"))
        return frozenset(part.strip() for value in values for part in value.split(",") if part.strip())

    @property
    def required_traits(self) -> frozenset[str]:
        """Traits that a flavor must ask for to run in the aggregate (isolated aggregates)."""
        return frozenset(
            key.removeprefix("trait:") for key, value in self.metadata.items()
            if key.startswith("trait:") and value == "required"
        )  # fmt: skip


@dataclass(frozen=True)
class Provider:
    """A hypervisor with its inventories, its traits, and the aggregates that it is in."""

    hypervisor: Hypervisor
    inventories: tuple[ResourceInventory, ...]
    traits: frozenset[str] = frozenset()
    aggregates: tuple[Aggregate, ...] = ()

    @property
    def live(self) -> bool:
        """Whether nova may place servers here now."""
        return self.hypervisor.up and self.hypervisor.enabled

    @cached_property
    def zone(self) -> str:
        """The availability zone by aggregates; nova's default where none says."""
        named = (found.metadata.get("availability_zone") for found in self.aggregates)
        return next((name for name in named if name), DEFAULT_ZONE)

    @cached_property
    def projects(self) -> frozenset[str]:
        """The projects that the hypervisor is kept for, none for all."""
        return frozenset().union(*(found.projects for found in self.aggregates))

    @cached_property
    def required_traits(self) -> frozenset[str]:
        """Traits that a flavor must ask for to run here."""
        return frozenset().union(*(found.required_traits for found in self.aggregates))

    @cached_property
    def by_class(self) -> Mapping[str, tuple[ResourceInventory, ...]]:
        """Inventories by class: several of a class where parts of the hypervisor (NUMA cells, devices) are
        providers of their own."""
        names = {held.resource_class for held in self.inventories}
        return {
            name: tuple(held for held in self.inventories if held.resource_class == name)
            for name in sorted(names)
        }


@dataclass(frozen=True)
class FlavorDemand:
    """What one server of a flavor takes (Placement's units), and where its extra specs allow it to run.

    `id` and `public` are nova's; servers' embedded flavors have neither.
    """

    name: str
    resources: Mapping[str, int]
    hypervisor_type: str = ""
    required_traits: frozenset[str] = frozenset()
    forbidden_traits: frozenset[str] = frozenset()
    aggregate_metadata: Mapping[str, str] = field(default_factory=dict)
    id: str = ""
    public: bool = True

    @cached_property
    def wanted(self) -> Mapping[str, int]:
        """What it takes, without what it takes nothing of."""
        return {name: amount for name, amount in self.resources.items() if amount}

    def servers_on(self, provider: Provider) -> int:
        """How many more servers of this flavor fit on the hypervisor."""
        if not provider.live or not self.allowed_on(provider):
            return 0
        held = provider.by_class
        if not self.wanted or not self.wanted.keys() <= held.keys():
            return 0
        return min(sum(part.holds(n) for part in held[name]) for name, n in self.wanted.items())

    def allowed_on(self, provider: Provider) -> bool:
        """Whether the scheduler would consider the hypervisor, were it live and empty."""
        kind = provider.hypervisor.type.lower()
        if self.hypervisor_type and self.hypervisor_type.lower() != kind:
            return False
        if not self.required_traits <= provider.traits or self.forbidden_traits & provider.traits:
            return False
        if not provider.required_traits <= self.required_traits:
            return False
        return all(
            any(_matches(wish, found.metadata.get(key)) for found in provider.aggregates)
            for key, wish in self.aggregate_metadata.items()
        )


@dataclass(frozen=True)
class Capacity:
    """Every hypervisor with what it offers and uses, and every flavor that servers may be made of."""

    providers: tuple[Provider, ...]
    flavors: tuple[FlavorDemand, ...]


def read_compute_services(reading: Reading) -> tuple[ComputeService, ...]:
    """Every nova-compute, down ones too. Two calls: cheap enough to ask every few seconds."""
    names = hypervisor_names(reading)
    services = reading.get("compute", "/os-services", {"binary": "nova-compute"})["services"]
    return tuple(compute_service(service, names) for service in services)


def compute_service(service: Mapping[str, Any], names: Mapping[str, str]) -> ComputeService:
    """A nova-compute as nova lists it; `names` are hypervisors by host."""
    return ComputeService(
        hypervisor=names.get(service["host"], service["host"]),
        up=service["state"] == "up",
        enabled=service["status"] == "enabled",
        reported_at=epoch(service.get("updated_at")),
    )


def hypervisor_names(reading: Reading) -> dict[str, str]:
    """The hypervisor of each host that has one. One call."""
    return {item["service"]["host"]: item["hypervisor_hostname"] for item in _hypervisor_items(reading)}


def read_capacity(reading: Reading, cache: PlacementCache | None = None) -> Capacity:
    """Hypervisors with inventories and usages, and flavors: see `read_placed` for what it costs."""
    items = _hypervisor_items(reading)
    aggregates = [
        Aggregate(found["name"], frozenset(found["hosts"]), dict(found["metadata"]))
        for found in reading.get("compute", "/os-aggregates")["aggregates"]
    ]
    flavors = reading.items("compute", "/flavors/detail", "flavors", {"is_public": "None"})
    placed = read_placed(reading, [item["id"] for item in items], cache or PlacementCache())
    return Capacity(
        providers=tuple(_provider(item, placed[item["id"]], aggregates) for item in items),
        flavors=tuple(
            flavor_demand(flavor) for flavor in flavors if not flavor.get("OS-FLV-DISABLED:disabled")
        ),
    )


def _provider(item: Mapping[str, Any], placed: Placed, aggregates: list[Aggregate]) -> Provider:
    host = item["service"]["host"]
    own = tuple(found for found in aggregates if host in found.hosts)
    return Provider(_hypervisor(item), placed.inventories, placed.traits, own)


def flavor_demand(flavor: Mapping[str, Any], *, from_volume: bool = False) -> FlavorDemand:
    """What nova would ask Placement for, for a server with this flavor that is booted from an image, or from
    a volume. Takes flavors as nova lists them and as servers embed them."""
    specs: Mapping[str, str] = flavor.get("extra_specs") or {}
    swap = int(flavor.get("swap") or 0)  # MiB
    ephemeral = int(flavor.get("OS-FLV-EXT-DATA:ephemeral", flavor.get("ephemeral")) or 0)
    resources = {
        "VCPU": int(flavor["vcpus"]),
        "MEMORY_MB": int(flavor["ram"]),
        "DISK_GB": (0 if from_volume else int(flavor["disk"])) + ephemeral + -(-swap // 1024),
    }
    resources |= {
        key.removeprefix("resources:"): int(n) for key, n in specs.items() if key.startswith("resources:")
    }
    if specs.get("hw:cpu_policy") == "dedicated" and "resources:PCPU" not in specs:
        resources["PCPU"] = resources.pop("VCPU", 0)
    traits = {key.removeprefix("trait:"): value for key, value in specs.items() if key.startswith("trait:")}
    kind = specs.get("capabilities:hypervisor_type", specs.get("hypervisor_type", ""))
    return FlavorDemand(
        name=flavor.get("name") or flavor["original_name"],
        resources=resources,
        hypervisor_type=kind.split(" ")[-1],
        required_traits=frozenset(name for name, value in traits.items() if value == "required"),
        forbidden_traits=frozenset(name for name, value in traits.items() if value == "forbidden"),
        aggregate_metadata={
            key.removeprefix(_AGGREGATE_SPEC): value
            for key, value in specs.items()
            if key.startswith(_AGGREGATE_SPEC)
        },
        id=flavor.get("id", ""),
        public=bool(flavor.get("os-flavor-access:is_public", True)),
    )


def _matches(wish: str, value: str | None) -> bool:
    """Whether an aggregate's value is what an extra spec asks for: the same, or one of `<or> a <or> b`."""
    if value is None:
        return False
    if wish.startswith("<or>"):
        return value in wish.replace("<or>", " ").split()
    return value == wish.removeprefix("s== ")


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


def epoch(stamp: str | None) -> float:
    """Seconds of the epoch of a UTC time stamp of nova, cinder or neutron, 0.0 for none."""
    return datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp() if stamp else 0.0

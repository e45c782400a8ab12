"""Families of each hypervisor: what it offers, what is used of it, what is stranded, what its loss means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import Metric

from infra.cloud.capacity import Capacity, Provider
from infra.cloud.capacity_placement import ResourceInventory
from monitoring.exporters.capacity_measure import Measure
from monitoring.exporters.capacity_outlook import Losses, Outlook
from monitoring.exporters.snapshot import gauge

_CLASS = ("hypervisor", "resource_class")
_KEPT = "(Placement, cached by generation)."
PER_CLASS: dict[str, tuple[str, Callable[[ResourceInventory], int]]] = {
    "inventory": (f"What the hypervisor has {_KEPT}", lambda held: held.total),
    "reserved": (f"What the hypervisor keeps for itself {_KEPT}", lambda held: held.reserved),
    "allocatable": (
        f"What Placement hands out: int((total - reserved) * ratio) {_KEPT}",
        lambda held: held.allocatable,
    ),
    "used": ("What servers hold (Placement).", lambda held: held.used),
}


def hypervisor_families(capacity: Capacity, outlook: Outlook) -> Iterator[Metric]:
    """Placement's inventories and usages."""
    info = gauge(
        "city_hypervisor_info",
        "1 for each hypervisor, with its type, address and zone (nova os-hypervisors).",
        "hypervisor",
        "hypervisor_type",
        "address",
        "availability_zone",
    )
    member = gauge(
        "city_aggregate_member_info",
        "1 for each hypervisor of an aggregate (nova os-aggregates).",
        "aggregate",
        "hypervisor",
    )
    ratio = gauge(
        "city_hypervisor_allocation_ratio", f"How many times what is there may be handed out {_KEPT}", *_CLASS
    )
    measures = {
        name: Measure(f"city_hypervisor_{name}", text, *_CLASS) for name, (text, _) in PER_CLASS.items()
    }
    for provider in capacity.providers:
        hypervisor = provider.hypervisor
        labels = [hypervisor.name, hypervisor.type, hypervisor.address, outlook.zones[hypervisor.name]]
        info.add_metric(labels, 1)
        for aggregate in provider.aggregates:
            member.add_metric([aggregate.name, hypervisor.name], 1)
        for name, parts in provider.by_class.items():
            ratio.add_metric([hypervisor.name, name], max(part.allocation_ratio for part in parts))
            for measure, (_, value) in PER_CLASS.items():
                measures[measure].add([hypervisor.name], name, sum(map(value, parts)))
    yield from (info, member, ratio)
    for found in measures.values():
        yield from found.families()
    yield from _amounts("stranded", "What is free on a live hypervisor and no flavor can use any more "
                        "(Placement, nova flavors).", outlook.stranded)  # fmt: skip


def server_families(outlook: Outlook) -> Iterator[Metric]:
    """What needs the servers of all projects: none of these families without them."""
    if outlook.servers is None or outlook.drift is None or outlook.losses is None:
        return
    servers = gauge("city_hypervisor_servers", "Servers on the hypervisor (nova servers).", "hypervisor")
    for name, count in outlook.servers.items():
        servers.add_metric([name], count)
    yield servers
    yield from _amounts("placement_drift", "What Placement says is used less what the flavors of the servers "
                        "there add up to (Placement, nova servers).", outlook.drift)  # fmt: skip
    yield from _loss_families(outlook.losses)


def _loss_families(losses: Losses) -> Iterator[Metric]:
    lost = gauge(
        "city_hypervisor_loss_unplaceable_servers",
        "Servers of the hypervisor that would find no place on other live ones if it were lost (packing).",
        "hypervisor",
    )
    zone_lost = gauge(
        "city_zone_loss_unplaceable_servers",
        "Servers of the zone that would find no place in the others if it were lost (packing).",
        "availability_zone",
    )
    zone_absorbable = gauge(
        "city_zone_loss_absorbable",
        "Whether all servers of the zone would find a place in the others.",
        "availability_zone",
    )
    largest = gauge(
        "city_largest_hypervisor_info",
        "1 for the live hypervisor whose servers hold most memory.",
        "hypervisor",
    )
    absorbable = gauge(
        "city_largest_hypervisor_loss_absorbable",
        "Whether all servers of the live hypervisor whose servers hold most memory would find a place (N-1).",
    )
    for name, count in losses.hypervisors.items():
        lost.add_metric([name], count)
    for zone, count in losses.zones.items():
        zone_lost.add_metric([zone], count)
        zone_absorbable.add_metric([zone], count == 0)
    if losses.largest:
        largest.add_metric([losses.largest], 1)
        absorbable.add_metric([], losses.hypervisors[losses.largest] == 0)
    yield from (lost, zone_lost, zone_absorbable, largest, absorbable)


def _amounts(name: str, text: str, amounts: Mapping[str, Mapping[str, int]]) -> Iterator[Metric]:
    measure = Measure(f"city_hypervisor_{name}", text, *_CLASS)
    for hypervisor, classes in amounts.items():
        for resource_class, amount in classes.items():
            measure.add([hypervisor], resource_class, amount)
    yield from measure.families()


def amounts_of(provider: Provider) -> Mapping[str, Mapping[str, int]]:
    """What a group adds up, by measure and class."""
    return {
        measure: {name: sum(map(value, parts)) for name, parts in provider.by_class.items()}
        for measure, (_, value) in PER_CLASS.items()
    }

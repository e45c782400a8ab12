"""Families of flavors: how many servers of each still fit, by Placement's arithmetic and nova's filters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import Metric

from infra.cloud.capacity import Capacity, FlavorDemand
from monitoring.exporters.capacity_measure import GIB, MIB
from monitoring.exporters.capacity_outlook import Outlook, free_for_all
from monitoring.exporters.snapshot import gauge


def flavor_families(capacity: Capacity, outlook: Outlook) -> Iterator[Metric]:
    """Hypervisors that are kept for some projects count for themselves only, not for the cloud."""
    fits = gauge(
        "city_flavor_capacity_servers",
        "Servers of the flavor that still fit on enabled hypervisors that are up (Placement).",
        "flavor",
    )
    zone_fits = gauge(
        "city_zone_flavor_capacity_servers",
        "Servers of the flavor that still fit in the zone (Placement).",
        "availability_zone",
        "flavor",
    )
    hypervisor_fits = gauge(
        "city_hypervisor_flavor_capacity_servers",
        "Servers of the flavor that still fit on the hypervisor (Placement).",
        "hypervisor",
        "flavor",
    )
    open_to_all = {found.hypervisor.name for found in capacity.providers if free_for_all(found)}
    zones = sorted(set(outlook.zones.values()))
    totals = {}
    for flavor in sorted(capacity.flavors, key=lambda flavor: flavor.name):
        by_zone = Counter(dict.fromkeys(zones, 0))
        for name, count in outlook.fits[flavor.name].items():
            hypervisor_fits.add_metric([name, flavor.name], count)
            by_zone[outlook.zones[name]] += count if name in open_to_all else 0
        totals[flavor.name] = by_zone.total()
        fits.add_metric([flavor.name], by_zone.total())
        for zone in zones:
            zone_fits.add_metric([zone, flavor.name], by_zone[zone])
    yield from (fits, zone_fits, hypervisor_fits)
    yield from _largest_families([flavor for flavor in capacity.flavors if totals[flavor.name]])
    yield from _flavor_families(capacity)


def _largest_families(fitting: list[FlavorDemand]) -> Iterator[Metric]:
    info = gauge(
        "city_largest_fitting_flavor_info",
        "1 for the largest flavor (by memory, then cores) that still fits; absent when none does.",
        "flavor",
    )
    memory = gauge(
        "city_largest_fitting_flavor_memory_bytes",
        "Memory of the largest flavor that still fits, 0 when none does.",
    )
    cores = gauge(
        "city_largest_fitting_flavor_vcpus", "Cores of the largest flavor that still fits, 0 when none does."
    )
    largest = max(fitting, key=lambda flavor: (_memory(flavor), _cores(flavor), flavor.name), default=None)
    if largest is not None:
        info.add_metric([largest.name], 1)
    memory.add_metric([], _memory(largest) * MIB if largest else 0)
    cores.add_metric([], _cores(largest) if largest else 0)
    yield from (info, memory, cores)


def _flavor_families(capacity: Capacity) -> Iterator[Metric]:
    info = gauge("city_flavor_info", "1 for each flavor (nova flavors).", "flavor", "flavor_id", "public")
    cores = gauge("city_flavor_vcpus", "Cores of a server of the flavor (nova flavors).", "flavor")
    memory = gauge("city_flavor_memory_bytes", "Memory of a server of the flavor (nova flavors).", "flavor")
    disk = gauge("city_flavor_disk_bytes", "Local disk of a server of the flavor (nova flavors).", "flavor")
    for flavor in sorted(capacity.flavors, key=lambda flavor: flavor.name):
        info.add_metric([flavor.name, flavor.id, str(flavor.public).lower()], 1)
        cores.add_metric([flavor.name], _cores(flavor))
        memory.add_metric([flavor.name], _memory(flavor) * MIB)
        disk.add_metric([flavor.name], flavor.resources.get("DISK_GB", 0) * GIB)
    yield from (info, cores, memory, disk)


def _memory(flavor: FlavorDemand) -> int:
    return flavor.resources.get("MEMORY_MB", 0)


def _cores(flavor: FlavorDemand) -> int:
    return flavor.resources.get("VCPU", 0) + flavor.resources.get("PCPU", 0)

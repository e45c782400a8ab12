"""The capacity exporter: what hypervisors offer and use, what still fits, and the agencies' quotas."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import click
from prometheus_client.core import CollectorRegistry, GaugeMetricFamily, Metric

from infra.cloud.capacity import (
    Capacity,
    ComputeService,
    ResourceInventory,
    read_capacity,
    read_compute_services,
)
from infra.cloud.connection import Cloud, connect
from infra.cloud.credentials import Credentials
from infra.cloud.reading import CloudReading
from infra.cloud.usage import ProjectUsage, read_usages
from infra.errors import InfraError
from monitoring.exporters import listening
from monitoring.exporters.snapshot import Collector, Exposition, gauge, standing_families

MIB = 1024**2
GIB = 1024**3
# Placement's and nova's own units -> bytes. Whatever is not here is counted.
_BYTES = {"MEMORY_MB": MIB, "DISK_GB": GIB, "ram_mib": MIB, "gigabytes": GIB}
_PER_CLASS: dict[str, tuple[str, Callable[[ResourceInventory], int]]] = {
    "inventory": ("What the hypervisor has", lambda held: held.total),
    "reserved": ("What the hypervisor keeps for itself", lambda held: held.reserved),
    "allocatable": (
        "What Placement hands out: int((total - reserved) * ratio)",
        lambda held: held.allocatable,
    ),
    "used": ("What servers hold", lambda held: held.used),
}


@dataclass(frozen=True)
class Collectors:
    """The exporter's collectors: fast, cheap facts are read more often than slow, dear ones."""

    services: Collector[tuple[ComputeService, ...]]
    capacity: Collector[Capacity]
    quotas: Collector[tuple[ProjectUsage, ...]]

    @property
    def all(self) -> tuple[Collector[Any], ...]:
        return (self.services, self.capacity, self.quotas)


def families(collectors: Collectors) -> Iterator[Metric]:
    """Every family of the exporter. A collector that has read nothing yet shows none of its families."""
    if (services := collectors.services.latest) is not None:
        yield from service_families(services)
    if (capacity := collectors.capacity.latest) is not None:
        yield from inventory_families(capacity)
        yield from flavor_families(capacity)
    if (usages := collectors.quotas.latest) is not None:
        yield from quota_families(usages)
    yield from standing_families(collectors.all)


def service_families(services: Iterable[ComputeService]) -> Iterator[Metric]:
    """Nova's view of each nova-compute."""
    up = gauge(
        "city_hypervisor_service_up",
        "Whether nova hears the hypervisor's nova-compute (nova os-services).",
        "hypervisor",
    )
    enabled = gauge(
        "city_hypervisor_service_enabled",
        "Whether nova may place servers on the hypervisor (nova os-services).",
        "hypervisor",
    )
    reported = gauge(
        "city_hypervisor_service_report_timestamp_seconds",
        "When nova last heard of the nova-compute, 0 for never (nova os-services).",
        "hypervisor",
    )
    for service in sorted(services, key=lambda service: service.hypervisor):
        up.add_metric([service.hypervisor], service.up)
        enabled.add_metric([service.hypervisor], service.enabled)
        reported.add_metric([service.hypervisor], service.reported_at)
    yield from (up, enabled, reported)


def inventory_families(capacity: Capacity) -> Iterator[Metric]:
    """Placement's inventories and usages: counts as `_units`, memory and disk as `_bytes`."""
    info = gauge(
        "city_hypervisor_info",
        "1 for each hypervisor, with its type and address (nova os-hypervisors).",
        "hypervisor",
        "hypervisor_type",
        "address",
    )
    ratio = gauge(
        "city_hypervisor_allocation_ratio",
        "How many times what is there may be handed out (Placement).",
        "hypervisor",
        "resource_class",
    )
    counted = {name: _class_family(name, "units", text) for name, (text, _) in _PER_CLASS.items()}
    measured = {name: _class_family(name, "bytes", text) for name, (text, _) in _PER_CLASS.items()}
    for provider in capacity.providers:
        hypervisor = provider.hypervisor
        info.add_metric([hypervisor.name, hypervisor.type, hypervisor.address], 1)
        for held in provider.inventories:
            labels = [hypervisor.name, held.resource_class]
            ratio.add_metric(labels, held.allocation_ratio)
            unit = _BYTES.get(held.resource_class)
            for name, (_, value) in _PER_CLASS.items():
                (measured if unit else counted)[name].add_metric(labels, value(held) * (unit or 1))
    yield from (info, ratio, *counted.values(), *measured.values())


def flavor_families(capacity: Capacity) -> Iterator[Metric]:
    """How many servers of each flavor would still fit, by Placement's arithmetic and nova's filters."""
    fits = gauge(
        "city_flavor_capacity_servers",
        "Servers of the flavor that still fit on enabled hypervisors that are up (Placement).",
        "flavor",
    )
    largest = gauge(
        "city_hypervisor_flavor_capacity_servers",
        "Servers of the flavor that still fit on the hypervisor (Placement).",
        "hypervisor",
        "flavor",
    )
    for flavor in sorted(capacity.flavors, key=lambda flavor: flavor.name):
        servers = {provider.hypervisor.name: flavor.servers_on(provider) for provider in capacity.providers}
        fits.add_metric([flavor.name], sum(servers.values()))
        for name, count in servers.items():
            largest.add_metric([name, flavor.name], count)
    yield from (fits, largest)


def quota_families(usages: Iterable[ProjectUsage]) -> Iterator[Metric]:
    """Limits and usages; a resource without limit has a usage and no quota."""
    labels = ("agency", "project", "resource")
    source = "(nova, cinder, neutron quotas)"
    quota = {
        unit: gauge(f"city_agency_quota_{unit}", f"What the agency's project may hold {source}.", *labels)
        for unit in ("units", "bytes")
    }
    usage = {
        unit: gauge(
            f"city_agency_usage_{unit}",
            f"What the agency's project holds, reservations included {source}.",
            *labels,
        )
        for unit in ("units", "bytes")
    }
    for found in usages:
        for item in found.quotas:
            unit, factor = ("bytes", _BYTES[item.resource]) if item.resource in _BYTES else ("units", 1)
            values = [found.project.agency, found.project.name, _resource_label(item.resource)]
            usage[unit].add_metric(values, item.used * factor)
            if item.limit is not None:
                quota[unit].add_metric(values, item.limit * factor)
    yield from (*quota.values(), *usage.values())


def _class_family(name: str, unit: str, text: str) -> GaugeMetricFamily:
    return gauge(f"city_hypervisor_{name}_{unit}", f"{text} (Placement).", "hypervisor", "resource_class")


def _resource_label(resource: str) -> str:
    """The resource without the unit that bytes replace."""
    return {"ram_mib": "memory", "gigabytes": "volume_storage"}.get(resource, resource)


def collectors_of(
    cloud: Cloud, service_seconds: float, capacity_seconds: float, quota_seconds: float
) -> Collectors:
    """Collectors that read `cloud`. A lap may take as long as its interval, and ten seconds in any case."""

    def lap(seconds: float) -> CloudReading:
        return CloudReading(cloud, max(10.0, seconds))

    return Collectors(
        services=Collector("services", lambda: read_compute_services(lap(service_seconds)), service_seconds),
        capacity=Collector("capacity", lambda: read_capacity(lap(capacity_seconds)), capacity_seconds),
        quotas=Collector("quotas", lambda: read_usages(lap(quota_seconds)), quota_seconds),
    )


@click.command()
@click.option("--listen", default="127.0.0.1:9180", show_default=True, help="host:port to serve metrics on.")
@click.option(
    "--service-interval",
    default=15.0,
    show_default=True,
    help="Seconds from one look at nova's compute services to the next.",
)
@click.option(
    "--capacity-interval",
    default=30.0,
    show_default=True,
    help="Seconds from one look at inventories and usages to the next.",
)
@click.option(
    "--quota-interval",
    default=120.0,
    show_default=True,
    help="Seconds from one look at the agencies' quotas to the next.",
)
def main(listen: str, service_interval: float, capacity_interval: float, quota_interval: float) -> None:
    """Serve the cloud's capacity and the agencies' quotas to Prometheus.

    Credentials are the OS_* variables of the environment. The cloud need not be up: facts are shown when they
    come.
    """
    try:
        host, port = listening.address(listen)
        cloud = connect(Credentials.from_environment(os.environ), user_agent="citycloud-capacity-exporter")
    except (ValueError, InfraError) as error:
        raise click.UsageError(str(error)) from error
    collectors = collectors_of(cloud, service_interval, capacity_interval, quota_interval)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Exposition(lambda: families(collectors)))
    stop = threading.Event()
    server = listening.serve("City Cloud capacity exporter", registry, host, port)
    for collector in collectors.all:
        collector.start(stop)
    listening.run_until_stopped(server, stop)

"""The capacity exporter's golden table, and facts of every kind to render."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from prometheus_client.core import Metric

from infra.cloud.capacity import Aggregate, Capacity, ComputeService, FlavorDemand, Hypervisor, Provider
from infra.cloud.capacity_agents import AgentRecord, ComputeAgents
from infra.cloud.capacity_drift import Drift
from infra.cloud.capacity_images import Images
from infra.cloud.capacity_network import ExternalNetwork, NetworkUsage, SubnetAddresses
from infra.cloud.capacity_placement import ResourceInventory
from infra.cloud.capacity_servers import ServerList, ServerRecord
from infra.cloud.capacity_volumes import Pool, Volumes
from infra.cloud.usage import AgencyProject, Limits, ProjectLimits, ProjectList
from monitoring.exporters import capacity
from monitoring.exporters.capacity_collectors import INTERVALS, Collectors
from monitoring.exporters.snapshot import Asked

UNITS = ("units", "bytes")
QUOTA = ("agency", "project", "resource")
CLASS = ("hypervisor", "resource_class")
AGENT = ("service", "agent", "host")
POOL = ("network", "network_id")
GROUPS = {"aggregate": ("aggregate",), "zone": ("availability_zone",), "cloud": ()}
GROUPED = ("inventory", "reserved", "allocatable", "used", "schedulable", "free")
PER_CLASS = ("inventory", "reserved", "allocatable", "used", "stranded", "placement_drift")
STANDING = {
    "city_exporter_collector_success": ("collector",),
    "city_exporter_collector_duration_seconds": ("collector",),
    "city_exporter_collector_last_success_timestamp_seconds": ("collector",),
    "city_exporter_collector_age_seconds": ("collector",),
    "city_exporter_collector_interval_seconds": ("collector",),
    "city_exporter_collector_awaited": ("collector",),
    "city_exporter_collector_laps": ("collector",),
    "city_exporter_collector_failures": ("collector", "code"),
}
ALWAYS = {
    "city_exporter_calls": ("service", "code"),
    "city_exporter_call_duration_seconds": ("service",),
    "city_exporter_whole_cloud": ("collector",),
    **STANDING,
}
"""What is shown before anything was read."""
CAPACITY = {
    "city_hypervisor_service_up": ("hypervisor",),
    "city_hypervisor_service_enabled": ("hypervisor",),
    "city_hypervisor_service_report_timestamp_seconds": ("hypervisor",),
    "city_agent_up": AGENT,
    "city_agent_enabled": AGENT,
    "city_agent_report_timestamp_seconds": AGENT,
    "city_hypervisor_info": ("hypervisor", "hypervisor_type", "address", "availability_zone"),
    "city_aggregate_member_info": ("aggregate", "hypervisor"),
    "city_hypervisor_servers": ("hypervisor",),
    "city_hypervisor_allocation_ratio": CLASS,
    **{f"city_hypervisor_{name}_{unit}": CLASS for name in PER_CLASS for unit in UNITS},
    **{
        f"city_{group}_{name}_{unit}": (*labels, "resource_class")
        for group, labels in GROUPS.items()
        for name in GROUPED
        for unit in UNITS
    },
    **{f"city_{group}_allocation_ratio": (*labels, "resource_class") for group, labels in GROUPS.items()},
    **{f"city_cloud_committed_{unit}": ("resource_class",) for unit in UNITS},
    **{f"city_cloud_free_without_largest_{unit}": ("resource_class",) for unit in UNITS},
    "city_flavor_info": ("flavor", "flavor_id", "public"),
    "city_flavor_vcpus": ("flavor",),
    "city_flavor_memory_bytes": ("flavor",),
    "city_flavor_disk_bytes": ("flavor",),
    "city_flavor_capacity_servers": ("flavor",),
    "city_zone_flavor_capacity_servers": ("availability_zone", "flavor"),
    "city_hypervisor_flavor_capacity_servers": ("hypervisor", "flavor"),
    "city_largest_fitting_flavor_info": ("flavor",),
    "city_largest_fitting_flavor_memory_bytes": (),
    "city_largest_fitting_flavor_vcpus": (),
    "city_hypervisor_loss_unplaceable_servers": ("hypervisor",),
    "city_zone_loss_unplaceable_servers": ("availability_zone",),
    "city_zone_loss_absorbable": ("availability_zone",),
    "city_largest_hypervisor_info": ("hypervisor",),
    "city_largest_hypervisor_loss_absorbable": (),
    "city_placement_orphaned_allocations": ("hypervisor",),
    "city_placement_misplaced_allocations": ("hypervisor",),
    "city_placement_unallocated_servers": ("hypervisor",),
    **{f"city_placement_orphaned_{unit}": ("resource_class",) for unit in UNITS},
    **{f"city_agency_{name}_{unit}": QUOTA for name in ("quota", "usage") for unit in UNITS},
    **{f"city_agency_committed_{unit}": ("agency", "resource") for unit in UNITS},
    **{f"city_quota_committed_{unit}": ("resource",) for unit in UNITS},
    "city_quota_unlimited_projects": ("resource",),
    "city_quota_unread_projects": (),
    "city_project_info": ("agency", "project", "project_id", "enabled"),
    "city_agency_servers": ("agency", "project", "status"),
    "city_server_info": ("agency", "project", "server", "server_id", "hypervisor", "flavor", "status"),
    "city_volumes": ("status",),
    "city_volumes_bytes": ("status",),
    "city_volume_snapshots": ("status",),
    "city_volume_snapshots_bytes": ("status",),
    **{
        f"city_volume_pool_{name}_bytes": ("pool", "backend")
        for name in ("capacity", "free", "allocated", "provisioned")
    },
    "city_images": ("status", "visibility"),
    "city_images_bytes": ("status", "visibility"),
    "city_subnet_info": ("subnet_id", "subnet", "network", "cidr", "agency", "project", "external"),
    "city_subnet_addresses": ("subnet_id",),
    "city_subnet_used_addresses": ("subnet_id",),
    "city_floating_ip_pool_addresses": POOL,
    "city_floating_ip_pool_used_addresses": POOL,
    "city_floating_ips_allocated": POOL,
    "city_floating_ips_associated": POOL,
    **ALWAYS,
}


@dataclass(frozen=True)
class Size:
    """How large a made cloud is."""

    hosts: int = 2
    projects: int = 2
    servers: int = 4
    flavors: int = 2
    classes: int = 3
    zones: int = 1
    aggregates: int = 1


def make_provider(number: int, size: Size, name: str) -> Provider:
    zone = Aggregate(f"zone{number % size.zones}", metadata={"availability_zone": f"az{number % size.zones}"})
    more = tuple(Aggregate(f"aggregate{other}") for other in range(size.zones, size.aggregates))
    held = (
        ResourceInventory("VCPU", 2, 0, 16.0, 3), ResourceInventory("MEMORY_MB", 6144, 512, 1.0, 1024),
        ResourceInventory("DISK_GB", 100, 0, 1.0, 5),
        *(ResourceInventory(f"CUSTOM_{n}", 4, 0, 1.0, 0) for n in range(3, size.classes)),
    )  # fmt: skip
    return Provider(
        Hypervisor(f"id{number}", f"{name}{number}", "QEMU", "192.0.2.1", True, True),
        held[: size.classes], aggregates=(zone, *more),
    )  # fmt: skip


def make_facts(name: str = "hv", size: Size | None = None) -> dict[str, Any]:
    """Facts by collector. `name` is in every label that people choose."""
    size = size or Size()
    demands = [
        FlavorDemand(f"{name}{n}", {"VCPU": 1 + n % 8, "MEMORY_MB": 512 * (1 + n % 8)}, id=str(n))
        for n in range(size.flavors)
    ]
    providers = tuple(make_provider(number, size, name) for number in range(size.hosts))
    projects = tuple(AgencyProject(f"p{n}", f"{name}{n}", f"{name}{n}") for n in range(size.projects))
    servers = tuple(
        ServerRecord(
            f"s{n}", name, f"p{n % size.projects}", "u", "active", f"{name}{n % size.hosts}", "az0", 1, 512,
            demands[0],
        )
        for n in range(size.servers)
    )  # fmt: skip
    hosts = [provider.hypervisor.name for provider in providers]
    limits = tuple(
        ProjectLimits(
            project, {"instances": 10, "cores": 20, "ram": 4096}, {"volumes": -1, "gigabytes": 50},
            {"port": 5, "network": 5, "router": 5, "security_group": 5, "floatingip": 5},
        )
        for project in projects
    )  # fmt: skip
    held = {
        resource: {"p0": 2}
        for resource in ("floating_ips", "networks", "routers", "security_groups", "ports")
    }
    subnet = SubnetAddresses("sn1", name, "n1", name, "p0", "192.0.2.0/24", 4, 253, 7)
    return {
        "services": ComputeAgents(
            tuple(ComputeService(host, True, True, 0.0) for host in hosts), {},
            (AgentRecord("1", "compute", "nova-conductor", name, True, True, 1.0),),
        ),
        "capacity": Capacity(providers, tuple(demands)),
        "servers": ServerList(servers),
        "projects": ProjectList(projects),
        "volumes": Volumes(
            {"available": 1}, {"available": 5}, {"error": 1}, {"error": 2}, {"p0": 1}, {"p0": 7}
        ),
        "pools": (Pool(name, "lvm", "Open Source", 100.0, 40.0, 20.0, None),),
        "volume_agents": (AgentRecord("2", "volume", "cinder-volume", f"{name}@lvm", False, True, 0.0),),
        "network_agents": (AgentRecord("3", "network", "neutron-l3-agent", name, True, True, 1.0),),
        "network": NetworkUsage((ExternalNetwork("n1", name, 3, 2),), held, 1),
        "addresses": (subnet,),
        "images": Images({("active", "public"): 1}, {("active", "public"): 1000}),
        "quotas": Limits(limits),
        "drift": Drift(
            dict.fromkeys(hosts, 1), dict.fromkeys(hosts, 0), dict.fromkeys(hosts, 0),
            {"VCPU": 1, "MEMORY_MB": 512},
        ),
    }  # fmt: skip


def make_collectors(facts: dict[str, Any], *, read: bool = True) -> Collectors:
    """Collectors that have read these facts."""
    collectors = Collectors(**{
        name: Asked(name, lambda lap, name=name: facts[name], INTERVALS[name]) for name in INTERVALS
    })  # fmt: skip
    if read:
        for collector in collectors.all:
            collector.lap()
    return collectors


def capacity_families(name: str = "hv", *, read: bool = True) -> list[Metric]:
    """Every family, of each server too."""
    return [*capacity.families(make_collectors(make_facts(name), read=read), per_server=True)]

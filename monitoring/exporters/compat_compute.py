"""Nova and Placement under openstack-exporter's names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import Metric

from infra.cloud.capacity import Capacity, FlavorDemand, Provider
from infra.cloud.capacity_agents import AgentRecord
from infra.cloud.capacity_placement import ResourceInventory
from infra.cloud.capacity_servers import ServerRecord
from infra.cloud.usage import ProjectLimits, server_usage
from monitoring.exporters.capacity_collectors import Collectors, latest
from monitoring.exporters.compat_quota import limits_families, quota_families
from monitoring.exporters.snapshot import gauge

MIB, GIB = 1024**2, 1024**3
STATUSES = {
    name: number
    for number, name in enumerate((
        "ACTIVE", "BUILD", "BUILD(spawning)", "DELETED", "ERROR", "HARD_REBOOT", "PASSWORD", "REBOOT",
        "REBUILD", "RESCUE", "RESIZE", "SHUTOFF", "SUSPENDED", "UNKNOWN", "VERIFY_RESIZE", "MIGRATING",
        "PAUSED", "REVERT_RESIZE", "SHELVED", "SHELVED_OFFLOADED", "SOFT_DELETED",
    ))
}  # fmt: skip
"""Their numbers of nova's statuses; -1 is one that has none."""
_AT_WORK = {"build", "hard_reboot", "reboot", "password", "rebuild", "resize", "migrating", "revert_resize"}
"""Statuses in which nova has a task for the server."""
_HOST = ("hostname", "availability_zone", "aggregates")
_SERVER = ("id", "uuid", "name", "status", "tenant_id", "user_id", "host_id", "hypervisor_hostname",
           "availability_zone", "flavor_id", "address_ipv4", "address_ipv6", "instance_libvirt")  # fmt: skip


def compute_families(collectors: Collectors, *, per_server: bool) -> Iterator[Metric]:
    """What is known of nova."""
    if (services := latest(collectors.services)) is not None:
        yield agent_family(services.agents)
    servers, capacity = latest(collectors.servers), latest(collectors.capacity)
    if servers is not None:
        total = gauge("openstack_nova_total_vms", "Servers of the cloud (nova servers).")
        total.add_metric([], len(servers.servers))
        yield total
    if capacity is not None:
        yield from flavor_families(capacity.flavors)
        yield from hypervisor_families(capacity.providers, servers.servers if servers else ())
    if servers is not None and per_server:
        yield server_family(servers.servers, {f.name: f.id for f in capacity.flavors} if capacity else {})
    limits = latest(collectors.quotas)
    if limits is not None and servers is not None:
        yield from project_families(limits.projects, servers.servers)


def agent_family(agents: Iterable[AgentRecord]) -> Metric:
    family = gauge(
        "openstack_nova_agent_state", "1 for a service that nova hears (nova os-services).", "id", "hostname",
        "service", "adminState", "zone", "disabledReason",
    )  # fmt: skip
    for agent in agents:
        admin = "enabled" if agent.enabled else "disabled"
        labels = [agent.id, agent.host, agent.agent, admin, agent.zone, agent.disabled_reason]
        family.add_metric(labels, agent.up)
    return family


def flavor_families(flavors: Iterable[FlavorDemand]) -> Iterator[Metric]:
    count = gauge("openstack_nova_flavors", "Flavors (nova flavors).")
    each = gauge(
        "openstack_nova_flavor", "1 for each flavor; MiB of memory, GiB of disk (nova flavors).", "id",
        "name",
        "vcpus", "ram", "disk", "is_public",
    )  # fmt: skip
    found = list(flavors)
    count.add_metric([], len(found))
    for flavor in found:
        cores = flavor.resources.get("VCPU", 0) + flavor.resources.get("PCPU", 0)
        sizes = [str(cores), *(str(flavor.resources.get(name, 0)) for name in ("MEMORY_MB", "DISK_GB"))]
        each.add_metric([flavor.id, flavor.name, *sizes, str(flavor.public).lower()], 1)
    yield from (count, each)


def hypervisor_families(providers: Iterable[Provider], servers: Iterable[ServerRecord]) -> Iterator[Metric]:
    """Nova's hypervisor statistics as nova made them: what the host keeps for itself counts as used."""
    placed = [server for server in servers if server.hypervisor]
    running = Counter(server.hypervisor for server in placed)
    at_work = Counter(server.hypervisor for server in placed if server.status in _AT_WORK)
    texts = {
        "running_vms": "Servers on the hypervisor (nova servers).",
        "current_workload": "Servers of the hypervisor that nova is at work on (nova servers).",
        "vcpus_available": "Cores that the hypervisor has, without overcommitment (Placement).",
        "vcpus_used": "Cores that servers and the host hold (Placement).",
        "memory_available_bytes": "Memory that the hypervisor has (Placement).",
        "memory_used_bytes": "Memory that servers and the host hold (Placement).",
        "local_storage_available_bytes": "Disk that the hypervisor has (Placement).",
        "local_storage_used_bytes": "Disk that servers and the host hold (Placement).",
        "free_disk_bytes": "Disk that is not held (Placement).",
    }
    made = {name: gauge(f"openstack_nova_{name}", text, *_HOST) for name, text in texts.items()}
    for provider in providers:
        name = provider.hypervisor.name
        labels = [name, _zone(provider), _aggregates(provider)]
        cores, cores_used = _amounts(provider, "VCPU", "PCPU")
        memory, memory_used = _amounts(provider, "MEMORY_MB")
        disk, disk_used = _amounts(provider, "DISK_GB")
        values = (running[name], at_work[name], cores, cores_used, memory * MIB, memory_used * MIB,
                  disk * GIB, disk_used * GIB, (disk - disk_used) * GIB)  # fmt: skip
        for family, value in zip(made.values(), values, strict=True):
            family.add_metric(labels, value)
    yield from made.values()


def server_family(servers: Iterable[ServerRecord], flavors: Mapping[str, str]) -> Metric:
    """One series for each server; labels that the snapshot does not keep are empty."""
    family = gauge("openstack_nova_server_status", "Number of the server's status (nova servers).", *_SERVER)
    for server in servers:
        status = server.status.upper()
        labels = [server.id, server.id, server.name, status, server.project_id, server.user_id, "",
                  server.hypervisor, server.zone, flavors.get(server.demand.name, ""), "",
                      "", ""]  # fmt: skip
        family.add_metric(labels, STATUSES.get(status, -1))
    return family


def project_families(projects: Iterable[ProjectLimits], servers: Iterable[ServerRecord]) -> Iterator[Metric]:
    """Limits and quotas; memory in MiB as nova counts it."""
    found, used = list(projects), server_usage(servers)
    held = {"cores": used["cores"], "instances": used["instances"], "ram": used["ram_mib"]}
    for theirs, ours in (("vcpus", "cores"), ("memory", "ram"), ("instances", "instances")):
        yield from limits_families(f"openstack_nova_limits_{theirs}", found, "compute", ours, held[ours])
    # Nova counts these for a person or a thing, not for a project, and answers 0.
    nothing: dict[str, Counter[str]] = {
        name: Counter() for name in ("key_pairs", "metadata_items", "server_group_members")
    }
    yield from quota_families("openstack_nova_quota", found, "compute", held | nothing, "in_use")


def placement_families(capacity: Capacity) -> Iterator[Metric]:
    """Inventories by resource class; parts of a hypervisor are added up."""
    labels = ("hostname", "resourcetype")
    total = gauge("openstack_placement_resource_total", "What there is (Placement).", *labels)
    reserved = gauge("openstack_placement_resource_reserved", "What the host keeps (Placement).", *labels)
    ratio = gauge("openstack_placement_resource_allocation_ratio", "Overcommitment (Placement).", *labels)
    usage = gauge("openstack_placement_resource_usage", "What servers hold (Placement).", *labels)
    for provider in capacity.providers:
        for name, parts in provider.by_class.items():
            values = [provider.hypervisor.name, name]
            total.add_metric(values, sum(part.total for part in parts))
            reserved.add_metric(values, sum(part.reserved for part in parts))
            ratio.add_metric(values, _ratio(parts))
            usage.add_metric(values, sum(part.used for part in parts))
    yield from (total, reserved, ratio, usage)


def _ratio(parts: Iterable[ResourceInventory]) -> float:
    """The parts' ratio, weighted by what each has."""
    held = [(part.total, part.allocation_ratio) for part in parts]
    total = sum(amount for amount, _ in held)
    return sum(amount * ratio for amount, ratio in held) / total if total else held[0][1]


def _amounts(provider: Provider, *classes: str) -> tuple[int, int]:
    """What there is and what is used, in Placement's units."""
    parts = [part for name in classes for part in provider.by_class.get(name, ())]
    return sum(part.total for part in parts), sum(part.used + part.reserved for part in parts)


def _zone(provider: Provider) -> str:
    """The availability zone that an aggregate gives, "" for the default one."""
    named = (found.metadata.get("availability_zone") for found in provider.aggregates)
    return next((name for name in named if name), "")


def _aggregates(provider: Provider) -> str:
    """Names of aggregates that are more than an availability zone."""
    names = (found.name for found in provider.aggregates if set(found.metadata) != {"availability_zone"})
    return ",".join(sorted(names))

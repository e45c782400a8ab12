"""The model cloud's APIs: what each path answers, by service.

Nova shows usage fields of hypervisors up to 2.87 and embeds flavors in servers from 2.47 on; Placement counts
consumers by type from 1.38 on. A project's quotas are the same for all, its usage is what its servers hold.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from benchmarks.exporter.answers import (
    CATALOG,
    CINDER_MAXIMUM,
    GLANCE_PAGE,
    NOVA_MAXIMUM,
    PAGE,
    PLACEMENT_MAXIMUM,
    Call,
    Refusal,
    matches,
    page,
)
from benchmarks.exporter.world import DISK_GB, MEMORY_MB, RATIOS, RESERVED, VCPUS, Item, World, identity

_TOTAL = {"VCPU": VCPUS, "MEMORY_MB": MEMORY_MB, "DISK_GB": DISK_GB}
_TRAITS = ["COMPUTE_NODE", "HW_CPU_X86_AVX2", "COMPUTE_VOLUME_ATTACH"]
# Gone from os-hypervisors with 2.88.
_USAGE_FIELDS = frozenset({
    "cpu_info", "current_workload", "disk_available_least", "free_disk_gb", "free_ram_mb", "local_gb",
    "local_gb_used", "memory_mb", "memory_mb_used", "running_vms", "vcpus", "vcpus_used",
})  # fmt: skip


def _servers(call: Call) -> Item:
    if call.first("all_tenants").lower() not in ("1", "true"):
        return {"servers": []}
    return page(call, _server_views(call.cloud.world, call.version >= (2, 47)), "servers", PAGE)


@cache
def _server_views(world: World, embedded: bool) -> list[Item]:
    """Servers as nova shows them before and from 2.47 on."""
    return [_server_view(world, item, embedded) for item in world.server_list]


def _server_view(world: World, item: Item, embedded: bool) -> Item:
    shown = dict(item)
    flavor = world.flavor_list[shown.pop("flavor_number")]
    shown["flavor"] = {"id": flavor["id"], "links": []}
    if embedded:
        shown["flavor"] = {
            "vcpus": flavor["vcpus"], "ram": flavor["ram"], "disk": flavor["disk"], "ephemeral": 0, "swap": 0,
            "original_name": flavor["name"], "extra_specs": {},
        }  # fmt: skip
    return shown


def _hypervisors(call: Call) -> Item:
    items = call.cloud.world.hypervisors
    if call.version >= (2, 88):
        items = [{key: value for key, value in item.items() if key not in _USAGE_FIELDS} for item in items]
    paged = call.version >= (2, 33)
    return page(call, items, "hypervisors", PAGE) if paged else {"hypervisors": items}


def _flavors(call: Call) -> Item:
    hidden = set() if call.version >= (2, 61) else {"extra_specs"}
    items = [{k: v for k, v in item.items() if k not in hidden} for item in call.cloud.world.flavor_list]
    return page(call, items, "flavors", PAGE)


def _filtered(plural: str, items: Callable[[World], list[Item]]) -> Callable[..., Item]:
    return lambda call: {plural: [i for i in items(call.cloud.world) if matches(i, call.query)]}


def _held(call: Call, project: str) -> dict[str, int]:
    number = _number(call, project)
    return (
        dict(call.cloud.world.held[number]) if number is not None else {"instances": 0, "cores": 0, "ram": 0}
    )


def _number(call: Call, project: str) -> int | None:
    """The project's number, None for one that holds nothing."""
    numbers = _project_numbers(call.cloud.world)
    return numbers.get(project)


@cache
def _project_numbers(world: World) -> dict[str, int]:
    return {world.project(number): number for number in range(world.projects)}


def _compute_quota(call: Call, project: str) -> Item:
    held = _held(call, project)
    limits = {"instances": 200, "cores": 2000, "ram": 8 * 2**20, "key_pairs": 100, "metadata_items": 128,
              "server_groups": 10, "server_group_members": 10}  # fmt: skip
    detail = {k: {"limit": v, "in_use": held.get(k, 0), "reserved": 0} for k, v in limits.items()}
    return {"quota_set": {"id": project, **(detail if call.path.endswith("/detail") else limits)}}


def _limits(call: Call) -> Item:
    held = _held(call, call.first("tenant_id"))
    return {"limits": {"rate": [], "absolute": {
        "maxTotalInstances": 200, "maxTotalCores": 2000, "maxTotalRAMSize": 8 * 2**20,
        "maxTotalKeypairs": 100,
        "maxServerMeta": 128, "maxServerGroups": 10, "maxServerGroupMembers": 10, "totalServerGroupsUsed": 0,
        "totalInstancesUsed": held["instances"], "totalCoresUsed": held["cores"],
        "totalRAMUsed": held["ram"]}}}  # fmt: skip


def _volume_quota(call: Call, project: str) -> Item:
    disks = len(range(0, call.cloud.world.servers, 2)) // max(1, call.cloud.world.projects)
    limits = {"volumes": 500, "gigabytes": 20000, "snapshots": 500, "backups": 50, "backup_gigabytes": 1000,
              "per_volume_gigabytes": -1, "groups": 10}  # fmt: skip
    used = {"volumes": disks, "gigabytes": 20 * disks}
    detail = {
        k: {"limit": v, "in_use": used.get(k, 0), "reserved": 0, "allocated": 0} for k, v in limits.items()
    }
    with_usage = call.first("usage").lower() == "true"
    return {"quota_set": {"id": project, **(detail if with_usage else limits)}}


def _volume_limits(call: Call) -> Item:
    return {"limits": {"rate": [], "absolute": {
        "maxTotalVolumeGigabytes": 20000, "totalGigabytesUsed": 400, "maxTotalVolumes": 500,
        "totalVolumesUsed": 20, "maxTotalBackupGigabytes": 1000, "totalBackupGigabytesUsed": 0,
        "maxTotalSnapshots": 500, "totalSnapshotsUsed": 1, "maxTotalBackups": 50,
        "totalBackupsUsed": 0}}}  # fmt: skip


def _pools(call: Call) -> Item:
    pool: Item = {"name": "ctl0@ceph#ceph"}
    if call.first("detail").lower() == "true":
        pool["capabilities"] = {
            "total_capacity_gb": 500000.0, "free_capacity_gb": 350000.0, "allocated_capacity_gb": 50000,
            "provisioned_capacity_gb": 50000.0, "max_over_subscription_ratio": "20.0",
            "reserved_percentage": 0, "volume_backend_name": "ceph", "vendor_name": "Open Source",
            "storage_protocol": "ceph", "driver_version": "1.3.0", "thin_provisioning_support": True,
            "thick_provisioning_support": False, "timestamp": "2026-11-23T10:00:00",
        }  # fmt: skip
    return {"pools": [pool]}


def _network_quota(call: Call, project: str) -> Item:
    limits = {"network": 10, "subnet": 10, "port": 500, "router": 5, "floatingip": 50, "security_group": 50,
              "security_group_rule": 500}  # fmt: skip
    used = {"network": 1, "subnet": 1, "router": 1, "security_group": 2, "port": 20, "security_group_rule": 8}
    if not call.path.endswith("/details"):
        return {"quota": limits}
    return {"quota": {k: {"limit": v, "used": used.get(k, 0), "reserved": 0} for k, v in limits.items()}}


def _providers(call: Call) -> Item:
    world = call.cloud.world
    items: list[Item] = [
        {"uuid": identity("hypervisor", n), "name": world.host(n),
            "generation": 7 + len(world.servers_by_host[n]),
         "parent_provider_uuid": None, "root_provider_uuid": identity("hypervisor", n), "links": []}
        for n in range(world.hosts)
    ]  # fmt: skip
    return {"resource_providers": [item for item in items if matches(item, call.query)]}


def _host(call: Call, provider: str) -> int:
    number = _provider_numbers(call.cloud.world).get(provider)
    if number is None:
        raise Refusal(404, f"No resource provider with uuid {provider} found")
    return number


@cache
def _provider_numbers(world: World) -> dict[str, int]:
    return {identity("hypervisor", number): number for number in range(world.hosts)}


def _generation(call: Call, host: int) -> int:
    return 7 + len(call.cloud.world.servers_by_host[host])


def _inventories(call: Call, provider: str) -> Item:
    host = _host(call, provider)
    return {"resource_provider_generation": _generation(call, host), "inventories": {
        name: {"total": total, "reserved": RESERVED[name], "allocation_ratio": RATIOS[name], "min_unit": 1,
               "max_unit": total, "step_size": 1} for name, total in _TOTAL.items()}}  # fmt: skip


def _usages(call: Call, provider: str) -> Item:
    host = _host(call, provider)
    return {
        "resource_provider_generation": _generation(call, host),
        "usages": dict(call.cloud.world.usages[host]),
    }


def _allocations(call: Call, provider: str) -> Item:
    host = _host(call, provider)
    found = {identity("server", n): {"resources": call.cloud.world.demand(n)}
             for n in call.cloud.world.servers_by_host[host]}  # fmt: skip
    return {"resource_provider_generation": _generation(call, host), "allocations": found}


def _allocations_of(call: Call, consumer: str) -> Item:
    """What one server holds, by provider."""
    world = call.cloud.world
    number = _server_numbers(world).get(consumer)
    if number is None:
        return {"allocations": {}}
    provider = identity("hypervisor", number % world.hosts)
    return {"allocations": {provider: {"resources": world.demand(number), "generation": 7}}}


@cache
def _server_numbers(world: World) -> dict[str, int]:
    return {identity("server", number): number for number in range(world.servers)}


def _candidates(call: Call) -> Item:
    """Providers that still have what `resources` asks for, each with its usages and traits."""
    wanted = {name: int(n) for name, n in (p.split(":") for p in call.first("resources").split(","))}
    requests, summaries = [], {}
    for host in range(call.cloud.world.hosts):
        used = call.cloud.world.usages[host]
        room = {name: int((total - RESERVED[name]) * RATIOS[name]) for name, total in _TOTAL.items()}
        if any(room[name] - used[name] < amount for name, amount in wanted.items()):
            continue
        provider = identity("hypervisor", host)
        requests.append({"allocations": {provider: {"resources": wanted}}, "mappings": {"": [provider]}})
        summaries[provider] = {
            "resources": {name: {"capacity": room[name], "used": used[name]} for name in room},
            "traits": _TRAITS, "parent_provider_uuid": None, "root_provider_uuid": provider,
        }  # fmt: skip
    return {"allocation_requests": requests, "provider_summaries": summaries}


def _project_usages(call: Call) -> Item:
    """Placement's usages of a project: by class, and by consumer type from 1.38 on."""
    held = _held(call, call.first("project_id"))
    used = {"VCPU": held["cores"], "MEMORY_MB": held["ram"], "DISK_GB": 20 * held["instances"]}
    if call.version >= (1, 38):
        return {
            "usages": {"INSTANCE": {**used, "consumer_count": held["instances"]}} if held["instances"] else {}
        }
    return {"usages": used}


def _traits(call: Call, provider: str) -> Item:
    host = _host(call, provider)
    return {"resource_provider_generation": _generation(call, host),
            "traits": _TRAITS}  # fmt: skip


def _provider_aggregates(call: Call, provider: str) -> Item:
    host = _host(call, provider)
    found = [identity("aggregate", host % 3)]
    return {"aggregates": found, "resource_provider_generation": _generation(call, host)}


def _listed(
    kind: str, plural: str, longest: int | None = None, usual: int | None = None
) -> Callable[..., Item]:
    return lambda call: page(call, call.cloud.storage.listing(kind), plural, longest, usual=usual)


def _availabilities(call: Call) -> Item:
    items = call.cloud.storage.listing("availabilities")
    return {"network_ip_availabilities": [i for i in items if matches(i, call.query)]}


def _project(call: Call, project: str) -> Item:
    found = [item for item in call.cloud.world.project_list if item["id"] == project]
    if not found:
        raise Refusal(404, f"Could not find project: {project}.")
    return {"project": found[0]}


def _version(identifier: str, newest: tuple[int, int], oldest: tuple[int, int]) -> Callable[..., Item]:
    """A version document, which clients read to agree on a microversion."""
    return lambda call: {"version": {
        "id": identifier, "status": "CURRENT", "version": ".".join(map(str, newest)),
        "min_version": ".".join(map(str, oldest)), "updated": "2026-01-01T00:00:00Z",
        "links": [{"rel": "self", "href": f"{call.url.rstrip('/')}/"}]}}  # fmt: skip


def _placement_root(call: Call) -> Item:
    return {"versions": [{"id": "v1.0", "status": "CURRENT", "min_version": "1.0",
                          "max_version": ".".join(map(str, PLACEMENT_MAXIMUM)),
                          "links": [{"rel": "self", "href": ""}]}]}  # fmt: skip


_P = r"([0-9a-f]{32})"
_U = r"([0-9a-f-]{36})"
ROUTES: dict[str, dict[str, Callable[..., Any]]] = {
    "identity": {
        r"/v3/?": lambda call: {"version": {"id": "v3.14", "status": "stable", "links": [
            {"rel": "self", "href": f"{call.cloud.address}/identity/v3/"}]}},
        r"/v3/auth/projects": _filtered("projects", lambda world: world.project_list),
        r"/v3/auth/domains": lambda call: {"domains": call.cloud.world.domains},
        r"/v3/domains": lambda call: {"domains": call.cloud.world.domains},
        r"/v3/projects": _filtered("projects", lambda world: world.project_list),
        rf"/v3/projects/{_P}": _project,
        r"/v3/limits": lambda call: {"limits": []},
        r"/v3/registered_limits": lambda call: {"registered_limits": []},
        r"/v3/services": lambda call: {"services": [{"id": kind, "type": kind, "name": name, "enabled": True}
                                                    for kind, name, _ in CATALOG]},
        r"/v3/regions": lambda call: {"regions": [{"id": "hai-phong", "description": ""}]},
        r"/v3/users": lambda call: {"users": []},
        r"/v3/groups": lambda call: {"groups": []},
    },
    "compute": {
        r"/v2.1/?": _version("v2.1", NOVA_MAXIMUM, (2, 1)),
        r"/v2.1/os-hypervisors/detail": _hypervisors,
        r"/v2.1/os-hypervisors": lambda call: page(call, [
            {key: item[key] for key in ("id", "hypervisor_hostname", "state", "status")}
            for item in call.cloud.world.hypervisors], "hypervisors", PAGE),
        r"/v2.1/os-migrations": lambda call: {"migrations": []},
        r"/v2.1/os-services": _filtered("services", lambda world: world.compute_services),
        r"/v2.1/os-aggregates": lambda call: {"aggregates": call.cloud.world.aggregates},
        r"/v2.1/os-availability-zone": lambda call: {"availabilityZoneInfo": [
            {"zoneName": zone["name"], "zoneState": {"available": True}, "hosts": None}
            for zone in call.cloud.world.aggregates]},
        r"/v2.1/flavors/detail": _flavors,
        r"/v2.1/servers/detail": _servers,
        rf"/v2.1/os-quota-sets/{_P}(?:/detail)?": _compute_quota,
        r"/v2.1/os-quota-class-sets/(default)": lambda call, name: {"quota_class_set": {
            "id": name, "instances": 10, "cores": 20, "ram": 51200}},
        r"/v2.1/limits": _limits,
    },
    "placement": {
        r"/": _placement_root,
        r"/resource_providers": _providers,
        rf"/resource_providers/{_U}/inventories": _inventories,
        rf"/resource_providers/{_U}/usages": _usages,
        rf"/resource_providers/{_U}/allocations": _allocations,
        rf"/resource_providers/{_U}/traits": _traits,
        rf"/resource_providers/{_U}/aggregates": _provider_aggregates,
        r"/usages": _project_usages,
        r"/allocation_candidates": _candidates,
        rf"/allocations/{_U}": _allocations_of,
        r"/resource_classes": lambda call: {"resource_classes": [{"name": name} for name in _TOTAL]},
    },
    "network": {
        r"/": lambda call: {"versions": [{"id": "v2.0", "status": "CURRENT", "links": [
            {"rel": "self", "href": f"{call.cloud.address}/network/v2.0/"}]}]},
        r"/v2.0/?": lambda call: {"resources": []},
        r"/v2.0/agents": _listed("agents", "agents"),
        r"/v2.0/networks": _listed("networks", "networks"),
        r"/v2.0/subnets": _listed("subnets", "subnets"),
        r"/v2.0/ports": _listed("ports", "ports"),
        r"/v2.0/routers": _listed("routers", "routers"),
        r"/v2.0/floatingips": _listed("floatingips", "floatingips"),
        r"/v2.0/security-groups": _listed("security_groups", "security_groups"),
        r"/v2.0/network-ip-availabilities": _availabilities,
        rf"/v2.0/quotas/{_P}(?:/details|/default)?": _network_quota,
        r"/v2.0/quotas": lambda call: {"quotas": []},
    },
    "volume": {
        r"/v3/?": _version("v3.0", CINDER_MAXIMUM, (3, 0)),
        r"/v3/volumes/detail": _listed("volumes", "volumes", PAGE),
        r"/v3/snapshots/detail": _listed("snapshots", "snapshots", PAGE),
        r"/v3/backups/detail": lambda call: {"backups": []},
        r"/v3/os-services": lambda call: {"services": call.cloud.storage.listing("volume_services")},
        r"/v3/scheduler-stats/get_pools": _pools,
        rf"/v3/os-quota-sets/{_P}": _volume_quota,
        r"/v3/limits": _volume_limits,
        r"/v3/types": lambda call: {"volume_types": [{"id": identity("type", 0), "name": "standard"}]},
    },
    "image": {
        r"/": lambda call: {"versions": [{"id": "v2.17", "status": "CURRENT", "links": [
            {"rel": "self", "href": f"{call.cloud.address}/image/v2/"}]}]},
        r"/v2/?": lambda call: {"versions": []},
        r"/v2/images": _listed("images", "images", PAGE, GLANCE_PAGE),
    },
}  # fmt: skip

"""openstack-exporter's names and labels: dashboards and alerts of others stand on them, so each is written
down here, and with which values they are to be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import promql_parser
import pytest
from prometheus_client.core import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from infra.cloud.capacity import Aggregate, Capacity, FlavorDemand, Hypervisor, Provider
from infra.cloud.capacity_agents import AgentRecord, ComputeAgents
from infra.cloud.capacity_images import Images
from infra.cloud.capacity_network import ExternalNetwork, NetworkUsage, SubnetAddresses
from infra.cloud.capacity_placement import ResourceInventory
from infra.cloud.capacity_servers import ServerList, ServerRecord
from infra.cloud.capacity_volumes import Pool, Volumes
from infra.cloud.errors import ServiceMissing, Unavailable
from infra.cloud.usage import AgencyProject, Limits, ProjectLimits, ProjectList
from monitoring.exporters.capacity_collectors import INTERVALS, Collectors
from monitoring.exporters.compat import families
from monitoring.exporters.compat_compute import STATUSES
from monitoring.exporters.listening import Families
from monitoring.exporters.snapshot import Asked

MIB, GIB = 1024**2, 1024**3
HOST = ("hostname", "availability_zone", "aggregates")
PROJECT = ("tenant", "tenant_id")
CLASS = ("hostname", "resourcetype")
POOL = ("name", "volume_backend_name", "vendor_name")
ADDRESSES = ("network_id", "network_name", "ip_version", "cidr", "subnet_name", "project_id")
COMPAT: dict[str, tuple[str, ...]] = {
    **{f"openstack_{s}_up": () for s in ("nova", "placement", "neutron", "cinder", "glance", "identity")},
    "openstack_metric_collect_seconds": ("openstack_metric", "openstack_service"),
    "openstack_nova_agent_state": ("id", "hostname", "service", "adminState", "zone", "disabledReason"),
    "openstack_nova_total_vms": (),
    "openstack_nova_flavors": (),
    "openstack_nova_flavor": ("id", "name", "vcpus", "ram", "disk", "is_public"),
    **{
        f"openstack_nova_{name}": HOST
        for name in (
            "running_vms", "current_workload", "vcpus_available", "vcpus_used", "memory_available_bytes",
            "memory_used_bytes", "local_storage_available_bytes", "local_storage_used_bytes",
            "free_disk_bytes",
        )
    },
    "openstack_nova_server_status": (
        "id", "uuid", "name", "status", "tenant_id", "user_id", "host_id", "hypervisor_hostname",
        "availability_zone", "flavor_id", "address_ipv4", "address_ipv6", "instance_libvirt",
    ),
    **{f"openstack_nova_limits_{r}_{x}": PROJECT for r in ("vcpus", "memory", "instances")
       for x in ("max", "used")},
    **{f"openstack_nova_quota_{r}": ("type", *PROJECT) for r in ("cores", "instances", "ram", "key_pairs")},
    **{f"openstack_placement_resource_{x}": CLASS for x in ("total", "reserved", "allocation_ratio",
    "usage")},
    "openstack_neutron_agent_state": ("id", "hostname", "service", "adminState", "availability_zone"),
    **{f"openstack_neutron_{x}": () for x in
       ("floating_ips", "networks", "routers", "ports", "security_groups", "subnets", "routers_not_active",
        "floating_ips_associated_not_active", "ports_no_ips", "ports_lb_not_active")},
    **{f"openstack_neutron_network_ip_availabilities_{x}": ADDRESSES for x in ("total", "used")},
    **{f"openstack_neutron_quota_{x}": ("type", *PROJECT) for x in ("network", "port",
    "security_group_rule")},
    "openstack_cinder_agent_state": ("uuid", "hostname", "service", "adminState", "zone", "disabledReason"),
    "openstack_cinder_volumes": (),
    "openstack_cinder_snapshots": (),
    "openstack_cinder_volume_status_counter": ("status",),
    **{f"openstack_cinder_pool_capacity_{x}_gb": POOL for x in ("free", "total")},
    **{f"openstack_cinder_limits_volume_{x}_gb": PROJECT for x in ("max", "used")},
    "openstack_glance_images": (),
    "openstack_identity_projects": (),
    "openstack_identity_project_info": (
        "id", "name", "domain_id", "parent_id", "enabled", "description", "is_domain", "tags",
    ),
}  # fmt: skip
DEAR = {"openstack_nova_server_status"}
"""Only with a series for each server."""

# What dashboards and alerts in the field ask of these families: the selectors of the Grafana OpenStack mixin,
# of awesome-prometheus-alerts and of the Helm chart, in expressions of our own.
ASKED = (
    "openstack_nova_up == 0", "openstack_neutron_up == 0", "openstack_cinder_up == 0",
    "openstack_glance_up == 0", "openstack_identity_up == 0", "openstack_placement_up == 0",
    'openstack_nova_agent_state{adminState="enabled", service="nova-compute"} != 1',
    'openstack_neutron_agent_state{adminState="up"} != 1',
    'openstack_cinder_agent_state{adminState="enabled"} != 1',
    "openstack_nova_total_vms - sum(openstack_nova_running_vms)",
    "openstack_nova_limits_memory_used / (openstack_nova_limits_memory_max > 0)",
    "openstack_nova_limits_vcpus_used / (openstack_nova_limits_vcpus_max > 0)",
    "openstack_nova_limits_instances_used / clamp_min(openstack_nova_limits_instances_max, 1)",
    'count by (hypervisor_hostname) (openstack_nova_server_status{status=~"SHUTOFF|ERROR"})',
    'sum(openstack_nova_quota_cores{type="in_use"}) / sum(openstack_nova_quota_cores{type="limit"})',
    "openstack_nova_vcpus_used / openstack_nova_vcpus_available",
    "openstack_nova_memory_used_bytes / openstack_nova_memory_available_bytes",
    "openstack_nova_local_storage_used_bytes / openstack_nova_local_storage_available_bytes",
    'openstack_placement_resource_usage{resourcetype="MEMORY_MB"} / (openstack_placement_resource_total'
    '{resourcetype="MEMORY_MB"} * openstack_placement_resource_allocation_ratio{resourcetype="MEMORY_MB"})',
    'sum(openstack_placement_resource_usage{resourcetype="VCPU"})',
    'openstack_placement_resource_total{resourcetype="DISK_GB"}',
    "sum by (network_name) (openstack_neutron_network_ip_availabilities_used{network_name=~'.+'}) / "
    "sum by (network_name) (openstack_neutron_network_ip_availabilities_total{network_name=~'.+'})",
    "openstack_neutron_networks + openstack_neutron_subnets + openstack_neutron_security_groups",
    "openstack_neutron_ports + openstack_neutron_routers + openstack_neutron_floating_ips",
    "openstack_neutron_ports_no_ips / clamp_min(openstack_neutron_ports, 1) > 0.25",
    "openstack_neutron_routers_not_active / clamp_min(openstack_neutron_routers, 1) > 0.15",
    "openstack_neutron_floating_ips_associated_not_active + openstack_neutron_ports_lb_not_active",
    'openstack_neutron_quota_network{type="used"} / (openstack_neutron_quota_network{type="limit"} > 0)',
    'openstack_cinder_volume_status_counter{status=~"error|error_deleting|error_extending"} > 0',
    'topk(5, openstack_cinder_volume_status_counter{status!~"error.*"})',
    "openstack_cinder_pool_capacity_total_gb - openstack_cinder_pool_capacity_free_gb",
    "openstack_cinder_limits_volume_used_gb / (openstack_cinder_limits_volume_max_gb > 0)",
    "openstack_cinder_volumes + openstack_cinder_snapshots",
    "openstack_glance_images", "openstack_identity_projects",
    'openstack_identity_project_info{is_domain="false", enabled="true"}',
)  # fmt: skip


def agent(service: str, name: str, host: str, *, up: bool = True, enabled: bool = True) -> AgentRecord:
    return AgentRecord(f"{name}-1", service, name, host, up, enabled, 0.0, zone="north",
                       disabled_reason="" if enabled else "repair")  # fmt: skip


def answers(name: str = "web") -> dict[str, Any]:
    """One of everything; `name` is what people chose."""
    project = AgencyProject("p1", name, "sxd", "d1", "d1", True, "Sở Xây dựng", ("a", "b"))
    held = (
        ResourceInventory("VCPU", 64, 2, 4.0, 10), ResourceInventory("MEMORY_MB", 6144, 512, 1.0, 1024),
        ResourceInventory("DISK_GB", 100, 10, 1.0, 20),
    )  # fmt: skip
    zone, ssd = (
        Aggregate("north", metadata={"availability_zone": "north"}),
        Aggregate("ssd", metadata={"s": "1"}),
    )
    provider = Provider(
        Hypervisor("h1", "hv1", "QEMU", "192.0.2.1", True, True), held, frozenset(), (zone, ssd)
    )
    flavor = FlavorDemand("small", {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 3}, id="f1")
    servers = tuple(
        ServerRecord(f"s{number}", name, "p1", "u1", status, "hv1", "north", 2, 1024, flavor)
        for number, status in enumerate(("active", "shutoff", "error", "build"))
    )
    compute = {"cores": 20, "instances": 10, "ram": 4096, "key_pairs": 100}
    network = {"network": 5, "port": -1, "security_group_rule": 100}
    return {
        "services": ComputeAgents((), agents=(agent("compute", "nova-compute", "hv1", up=False),)),
        "capacity": Capacity((provider,), (flavor,)),
        "servers": ServerList(servers),
        "projects": ProjectList((project,)),
        "volumes": Volumes({"in-use": 2, "error": 1}, {"in-use": 40, "error": 5}, {"available": 1},
        {"available": 5},
                           {"p1": 3}, {"p1": 50}),
        "pools": (Pool("ctl1@ceph#ceph", "ceph", "Red Hat", 1000.0, 400.5, 10.0, 10.0),
                  Pool("ctl1@nfs#nfs", "nfs", "", None, None, None, None)),
        "volume_agents": (
            agent("volume", "cinder-scheduler", "ctl1"),
            agent("volume", "cinder-volume", "ctl1@ceph", enabled=False),
        ),
        "network_agents": (agent("network", "ovn-controller", "hv1"),),
        "network": NetworkUsage((ExternalNetwork("n1", "external", 3, 2),), {
            "floating_ips": {"p1": 3}, "networks": {"p1": 2}, "routers": {"p1": 1}, "ports": {"p1": 9},
            "security_groups": {"p1": 4},
        }, 2, {
            "routers_not_active": 1, "ports_no_ips": 2, "floating_ips_associated_not_active": 3,
            "ports_lb_not_active": 4,
        }),
        "addresses": (SubnetAddresses("sn1", "inside", "n2", name, "p1", "10.0.0.0/24", 4, 253, 9),),
        "images": Images({("active", "public"): 3, ("queued", "private"): 1}, {("active", "public"): 99}),
        "quotas": Limits((ProjectLimits(project, compute, {"gigabytes": 500}, network),)),
        "drift": None,
    }  # fmt: skip


def collectors_with(given: dict[str, Any]) -> Collectors:
    """Collectors that have lapped once; an answer that is an error was raised."""

    def collector(name: str) -> Asked[Any]:
        def read(lap: Any) -> Any:
            if isinstance(given[name], Exception):
                raise given[name]
            return given[name]

        made: Asked[Any] = Asked(name, read, INTERVALS[name])
        made.lap()
        return made

    return Collectors(**{name: collector(name) for name in given})


def shown(given: dict[str, Any] | None = None, *, per_server: bool = True) -> list[Metric]:
    return [*families(collectors_with(answers() if given is None else given), per_server=per_server)]


def value(found: Iterable[Metric], name: str, **labels: str) -> float:
    (one,) = [
        sample.value for family in found for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]  # fmt: skip
    return one


def test_names_and_labels_are_those_of_openstack_exporter() -> None:
    found = shown()
    assert {family.name: tuple(family._labelnames) for family in found} == COMPAT  # type: ignore[attr-defined]
    for family in found:
        for sample in family.samples:
            assert sample.labels.keys() == set(COMPAT[family.name])


def test_a_series_for_each_server_is_shown_only_when_asked_for() -> None:
    assert COMPAT.keys() - {family.name for family in shown(per_server=False)} == DEAR


@pytest.mark.parametrize("expression", ASKED)
def test_what_dashboards_and_alerts_of_others_ask_for_is_there(expression: str) -> None:
    series = [sample for family in shown() for sample in family.samples]
    selectors = [*selected(promql_parser.parse(expression))]
    assert selectors
    for name, wanted in selectors:
        assert any(
            sample.name == name and all(fits(sample.labels, *one) for one in wanted) for sample in series
        ), f"no series for {name} {wanted}"


def selected(node: Any) -> Iterable[tuple[str, list[tuple[str, str, str]]]]:
    """Every selector below a node: a name, and its label, operator and value."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node.name, [(one.name, str(one.op), one.value) for one in node.matchers.matchers]
    for part in ("lhs", "rhs", "expr", "vector_selector"):
        if getattr(node, part, None) is not None:
            yield from selected(getattr(node, part))
    for part in getattr(node, "args", None) or ():
        yield from selected(part)


def fits(labels: dict[str, str], name: str, operator: str, wanted: str) -> bool:
    held = labels.get(name, "")
    matched = bool(re.fullmatch(wanted, held)) if "Re" in operator else held == wanted
    return matched is not ("Not" in operator)


def test_used_counts_what_the_host_keeps_as_nova_did() -> None:
    found = shown()
    host = {"hostname": "hv1", "availability_zone": "north", "aggregates": "ssd"}
    assert value(found, "openstack_nova_vcpus_available", **host) == 64
    assert value(found, "openstack_nova_vcpus_used", **host) == 12
    assert value(found, "openstack_nova_memory_available_bytes", **host) == 6144 * MIB
    assert value(found, "openstack_nova_memory_used_bytes", **host) == (1024 + 512) * MIB
    assert value(found, "openstack_nova_free_disk_bytes", **host) == (100 - 10 - 20) * GIB
    assert value(found, "openstack_nova_running_vms", **host) == 4
    assert value(found, "openstack_nova_current_workload", **host) == 1


def test_memory_of_limits_and_quotas_is_in_mib() -> None:
    found = shown()
    assert value(found, "openstack_nova_limits_memory_max", tenant="web", tenant_id="p1") == 4096
    assert value(found, "openstack_nova_limits_memory_used", tenant_id="p1") == 4 * 1024
    assert value(found, "openstack_nova_quota_ram", type="in_use", tenant_id="p1") == 4 * 1024
    assert value(found, "openstack_cinder_limits_volume_used_gb", tenant_id="p1") == 50


def test_no_limit_is_minus_one_and_what_is_not_known_is_absent() -> None:
    found = shown()
    assert value(found, "openstack_neutron_quota_port", type="limit", tenant_id="p1") == -1
    types = {
        sample.labels["type"] for family in found for sample in family.samples
        if sample.name == "openstack_neutron_quota_security_group_rule"
    }  # fmt: skip
    assert types == {"limit", "reserved"}


@pytest.mark.parametrize(
    ("status", "number"),
    [("ACTIVE", 0), ("BUILD", 1), ("ERROR", 4), ("HARD_REBOOT", 5), ("SHUTOFF", 11), ("MIGRATING", 15),
     ("PAUSED", 16), ("SHELVED_OFFLOADED", 19), ("SOFT_DELETED", 20)],
)  # fmt: skip
def test_statuses_have_their_numbers(status: str, number: int) -> None:
    assert STATUSES[status] == number


def test_a_server_shows_its_status_in_words_and_number() -> None:
    found = shown()
    assert value(found, "openstack_nova_server_status", status="SHUTOFF", flavor_id="f1", uuid="s1") == 11
    assert value(found, "openstack_nova_server_status", status="ACTIVE", hypervisor_hostname="hv1") == 0


def test_agents_are_up_or_down_and_enabled_or_not() -> None:
    found = shown()
    assert value(found, "openstack_nova_agent_state", adminState="enabled") == 0
    assert value(found, "openstack_cinder_agent_state", adminState="disabled", disabledReason="repair") == 1
    assert value(found, "openstack_neutron_agent_state", adminState="up") == 1


def test_what_does_not_work_is_counted_by_kind() -> None:
    found = shown()
    assert value(found, "openstack_neutron_routers_not_active") == 1
    assert value(found, "openstack_neutron_ports_no_ips") == 2
    assert value(found, "openstack_neutron_floating_ips_associated_not_active") == 3
    assert value(found, "openstack_neutron_ports_lb_not_active") == 4


def test_statuses_that_no_volume_has_are_shown_as_none() -> None:
    found = shown()
    assert value(found, "openstack_cinder_volume_status_counter", status="error") == 1
    assert value(found, "openstack_cinder_volume_status_counter", status="error_deleting") == 0


@pytest.mark.parametrize(
    ("collector", "service"),
    [("servers", "nova"), ("capacity", "placement"), ("addresses", "neutron"), ("pools", "cinder"),
     ("images", "glance"), ("projects", "identity")],
)  # fmt: skip
def test_up_is_down_when_any_part_failed_and_the_others_stay_up(collector: str, service: str) -> None:
    found = shown({**answers(), collector: Unavailable("503")})
    down = {family.name for family in found if family.name.endswith("_up") and family.samples[0].value == 0}
    assert down == {f"openstack_{service}_up"}


def test_up_is_there_when_nothing_was_ever_read() -> None:
    found = shown({name: Unavailable("503") for name in INTERVALS})
    assert {family.name: family.samples[0].value for family in found if family.name.endswith("_up")} == {
        f"openstack_{s}_up": 0 for s in ("nova", "placement", "neutron", "cinder", "glance", "identity")
    }
    assert {family.name for family in found} - COMPAT.keys() == set()


def test_a_service_that_the_cloud_does_not_have_is_not_down() -> None:
    missing = ServiceMissing("the catalog has no block-storage")
    found = shown({**answers(), "volumes": missing, "pools": missing, "volume_agents": missing})
    assert "openstack_cinder_up" not in {family.name for family in found}


@pytest.mark.parametrize("name", ["web", 'a"b', "a\\b", "a\nb", "Sở Xây dựng"])
def test_names_that_people_chose_come_back_from_both_texts(name: str) -> None:
    found = shown(answers(name))
    registry: Any = Families(found)
    texts = (
        text_string_to_metric_families(generate_latest(registry).decode()),
        parse_openmetrics(generate_openmetrics(registry).decode()),
    )
    for parsed in texts:
        (info,) = [family for family in parsed if family.name == "openstack_identity_project_info"]
        assert info.samples[0].labels["name"] == name


def test_no_series_is_shown_twice() -> None:
    seen = [
        (sample.name, *sorted(sample.labels.items())) for family in shown() for sample in family.samples
    ]  # fmt: skip
    assert len(seen) == len(set(seen))

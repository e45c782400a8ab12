"""The exporters' metrics: names and labels are a promise to rules and dashboards, values in base units."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.core import CollectorRegistry, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from infra.cloud.api_status import ApiStatus
from infra.cloud.capacity import (
    Capacity,
    ComputeService,
    FlavorDemand,
    Hypervisor,
    Provider,
    ResourceInventory,
)
from infra.cloud.server_status import ServerStatus
from infra.cloud.usage import AgencyProject, ProjectUsage, QuotaUsage
from monitoring.exporters import capacity, uptime
from monitoring.exporters.probe import Outcome
from monitoring.exporters.snapshot import Collector, Exposition
from monitoring.exporters.workload import WorkloadWatch

WORKLOAD = ("agency", "project", "server", "server_id")
QUOTA = ("agency", "project", "resource")
CLASS = ("hypervisor", "resource_class")
STANDING = {
    "city_exporter_collector_success": ("collector",),
    "city_exporter_collector_duration_seconds": ("collector",),
    "city_exporter_collector_last_success_timestamp_seconds": ("collector",),
    "city_exporter_collector_interval_seconds": ("collector",),
    "city_exporter_collector_laps": ("collector",),
    "city_exporter_collector_failures": ("collector", "code"),
}
CAPACITY = {
    "city_hypervisor_service_up": ("hypervisor",),
    "city_hypervisor_service_enabled": ("hypervisor",),
    "city_hypervisor_service_report_timestamp_seconds": ("hypervisor",),
    "city_hypervisor_info": ("hypervisor", "hypervisor_type", "address"),
    "city_hypervisor_allocation_ratio": CLASS,
    **{
        f"city_hypervisor_{name}_{unit}": CLASS
        for name in ("inventory", "reserved", "allocatable", "used")
        for unit in ("units", "bytes")
    },
    "city_flavor_capacity_servers": ("flavor",),
    "city_hypervisor_flavor_capacity_servers": ("hypervisor", "flavor"),
    **{f"city_agency_{name}_{unit}": QUOTA for name in ("quota", "usage") for unit in ("units", "bytes")},
    **STANDING,
}
UPTIME = {
    "city_workload_state": (*WORKLOAD, "state"),
    "city_workload_expected": WORKLOAD,
    "city_workload_info": (*WORKLOAD, "address", "hypervisor"),
    "city_workload_up": WORKLOAD,
    "city_workload_since_timestamp_seconds": (*WORKLOAD, "condition"),
    "city_workload_down_reason": (*WORKLOAD, "reason"),
    "city_workload_probe_duration_seconds": WORKLOAD,
    "city_workload_probes_good": WORKLOAD,
    "city_workload_probes": WORKLOAD,
    "city_api_up": ("service",),
    "city_api_probe_duration_seconds": ("service",),
    **STANDING,
}


def make_collector(name: str, answer: Any, *, read: bool = True) -> Collector[Any]:
    collector: Collector[Any] = Collector(name, lambda: answer, 15.0)
    if read:
        collector.lap()
    return collector


def make_capacity(name: str = "hv1") -> Capacity:
    held = (ResourceInventory("VCPU", 2, 0, 16.0, 3), ResourceInventory("MEMORY_MB", 6144, 512, 1.0, 1024))
    provider = Provider(Hypervisor("id", name, "QEMU", "192.0.2.1", True, True), held)
    return Capacity((provider,), (FlavorDemand("small", {"VCPU": 1, "MEMORY_MB": 512}),))


def capacity_families(name: str = "hv1", *, read: bool = True) -> list[Metric]:
    usage = ProjectUsage(
        AgencyProject("p1", "main", name),
        (QuotaUsage("cores", 20, 4), QuotaUsage("ram_mib", 4096, 1024), QuotaUsage("volumes", None, 1)),
    )
    collectors = capacity.Collectors(
        services=make_collector("services", (ComputeService(name, True, True, 0.0),), read=read),
        capacity=make_collector("capacity", make_capacity(name), read=read),
        quotas=make_collector("quotas", (usage,), read=read),
    )
    return [*capacity.families(collectors)]


def uptime_families(name: str = "web", *, read: bool = True) -> list[Metric]:
    async def probe(address: str) -> Outcome:
        raise AssertionError("nobody probes here")

    status = ServerStatus("s1", name, AgencyProject("p1", "main", "sxd"), "active", "192.0.2.1")
    watch = WorkloadWatch(lambda: (status,), probe, 15.0)
    servers = make_collector("servers", (status,), read=read)
    apis = make_collector("apis", (ApiStatus("compute", True, 0.1),), read=read)
    return [*uptime.families(servers, apis, watch)]


def exposed(families: Iterable[Metric]) -> CollectorRegistry:
    found = list(families)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Exposition(lambda: found))
    return registry


def named_labels(families: Iterable[Metric]) -> dict[str, tuple[str, ...]]:
    return {family.name: tuple(family._labelnames) for family in families}  # type: ignore[attr-defined]


def value(families: Iterable[Metric], name: str, **labels: str) -> float:
    (found,) = [
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    return found


def test_names_and_labels_are_the_promised_ones() -> None:
    assert named_labels(capacity_families()) == CAPACITY
    assert named_labels(uptime_families()) == UPTIME


def test_before_the_first_lap_only_the_collectors_standing_is_shown() -> None:
    assert named_labels(capacity_families(read=False)) == STANDING
    assert named_labels(uptime_families(read=False)) == STANDING


def test_memory_is_in_bytes_and_cores_are_counted() -> None:
    families = capacity_families()
    assert (
        value(families, "city_hypervisor_allocatable_bytes", resource_class="MEMORY_MB")
        == (6144 - 512) * 1024**2
    )
    assert value(families, "city_hypervisor_allocatable_units", resource_class="VCPU") == 32
    assert value(families, "city_agency_quota_bytes", resource="memory") == 4096 * 1024**2
    assert value(families, "city_agency_usage_units", resource="cores") == 4


def test_what_still_fits_is_the_sum_over_hypervisors() -> None:
    families = capacity_families()
    assert value(families, "city_flavor_capacity_servers", flavor="small") == 9
    assert value(families, "city_hypervisor_flavor_capacity_servers", flavor="small", hypervisor="hv1") == 9


def test_a_resource_without_limit_has_a_usage_and_no_quota() -> None:
    names = [
        (s.name, s.labels["resource"])
        for f in capacity_families()
        for s in f.samples
        if "resource" in s.labels
    ]
    assert ("city_agency_usage_units", "volumes") in names
    assert ("city_agency_quota_units", "volumes") not in names


@given(name=st.text(min_size=1).filter(lambda text: "\r" not in text and text.isprintable()))
def test_any_name_survives_both_formats(name: str) -> None:
    for families in (capacity_families(name), uptime_families(name)):
        registry = exposed(families)
        plain = [*text_string_to_metric_families(generate_latest(registry).decode())]
        open_ = [*parse_openmetrics(generate_openmetrics(registry).decode())]
        assert any(name in sample.labels.values() for family in plain for sample in family.samples)
        assert any(name in sample.labels.values() for family in open_ for sample in family.samples)


def test_no_series_is_exposed_twice() -> None:
    for families in (capacity_families(), uptime_families()):
        series = [(s.name, tuple(sorted(s.labels.items()))) for f in families for s in f.samples]
        assert len(series) == len(set(series))


def test_every_metric_says_what_it_is() -> None:
    for family in (*capacity_families(), *uptime_families()):
        assert family.documentation.endswith((".", ")")), family.name
        assert family.documentation != family.name

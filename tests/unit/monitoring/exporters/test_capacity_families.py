"""The capacity exporter's families: names, units, sums, and how many series there may be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from prometheus_client.core import Metric

from infra.cloud.usage import ProjectLimits
from monitoring.exporters import capacity
from monitoring.exporters.capacity_budget import CloudSize, series_budget
from tests.unit.monitoring.exporters.capacity_sample import (
    ALWAYS,
    CAPACITY,
    Size,
    capacity_families,
    make_collectors,
    make_facts,
)


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


def shown(facts: dict[str, Any], *, per_server: bool = False) -> list[Metric]:
    return [*capacity.families(make_collectors(facts), per_server=per_server)]


def test_names_and_labels_are_the_promised_ones() -> None:
    assert named_labels(capacity_families()) == CAPACITY


def test_before_the_first_lap_only_how_the_exporter_does_is_shown() -> None:
    assert named_labels(capacity_families(read=False)) == ALWAYS


def test_a_collector_that_was_left_out_takes_its_families_with_it_and_no_other() -> None:
    collectors = make_collectors(make_facts())
    left = type(collectors)(**{c.name: c for c in collectors.all if c.name != "pools"})
    missing = CAPACITY.keys() - named_labels(capacity.families(left, per_server=True)).keys()
    assert missing == {
        f"city_volume_pool_{n}_bytes" for n in ("capacity", "free", "allocated", "provisioned")
    }


def test_no_series_is_exposed_twice() -> None:
    series = [(s.name, tuple(sorted(s.labels.items()))) for f in capacity_families() for s in f.samples]
    assert len(series) == len(set(series))


def test_memory_is_in_bytes_and_cores_are_counted() -> None:
    families = capacity_families()
    memory = value(
        families, "city_hypervisor_allocatable_bytes", hypervisor="hv0", resource_class="MEMORY_MB"
    )
    assert memory == (6144 - 512) * 1024**2
    assert value(families, "city_hypervisor_allocatable_units", hypervisor="hv0", resource_class="VCPU") == 32
    assert value(families, "city_agency_quota_bytes", project="hv0", resource="memory") == 4096 * 1024**2
    assert value(families, "city_agency_usage_units", project="hv0", resource="cores") == 2


def test_what_still_fits_is_the_sum_over_hypervisors() -> None:
    families = capacity_families()
    assert value(families, "city_flavor_capacity_servers", flavor="hv0") == 18
    assert value(families, "city_hypervisor_flavor_capacity_servers", flavor="hv0", hypervisor="hv1") == 9
    assert value(families, "city_zone_flavor_capacity_servers", flavor="hv0") == 18


def test_the_cloud_is_the_sum_of_its_hypervisors_and_so_is_a_zone() -> None:
    families = capacity_families()
    for group in ("cloud", "zone", "aggregate"):
        assert value(families, f"city_{group}_allocatable_units", resource_class="VCPU") == 64
        assert value(families, f"city_{group}_free_units", resource_class="VCPU") == 58
        assert value(families, f"city_{group}_allocation_ratio", resource_class="VCPU") == 16
    assert value(families, "city_cloud_free_without_largest_units", resource_class="VCPU") == 26


def test_placements_usage_less_what_servers_take_is_drift() -> None:
    # Two servers of one core on each hypervisor, three cores used.
    families = capacity_families()
    labels = {"hypervisor": "hv0", "resource_class": "VCPU"}
    assert value(families, "city_hypervisor_placement_drift_units", **labels) == 1


def test_a_resource_without_limit_has_a_usage_and_no_quota_and_is_promised_without_end() -> None:
    families = capacity_families()
    names = [(s.name, s.labels["resource"]) for f in families for s in f.samples if "resource" in s.labels]
    assert ("city_agency_usage_units", "volumes") in names
    assert ("city_agency_quota_units", "volumes") not in names
    assert ("city_agency_committed_units", "volumes") not in names
    assert value(families, "city_quota_unlimited_projects", resource="volumes") == 2
    assert value(families, "city_quota_committed_units", resource="cores") == 40
    assert value(families, "city_cloud_committed_units", resource_class="VCPU") == 40


def test_the_clouds_promise_is_absent_while_one_project_has_no_limit() -> None:
    facts = make_facts()
    first, *rest = facts["quotas"].projects
    endless = ProjectLimits(first.project, {**first.compute, "cores": -1})
    families = shown({**facts, "quotas": type(facts["quotas"])((endless, *rest))})
    classes = [s.labels for f in families for s in f.samples if s.name == "city_cloud_committed_units"]
    assert classes == []


def test_a_credential_that_sees_its_own_servers_only_says_so_and_claims_nothing_of_losses() -> None:
    facts = make_facts()
    own = type(facts["servers"])(facts["servers"].servers, whole=False)
    families = shown({**facts, "servers": own})
    assert value(families, "city_exporter_whole_cloud", collector="servers") == 0
    assert not any("loss" in family.name or "drift" in family.name for family in families)


def test_a_pool_that_does_not_know_its_size_has_no_sample() -> None:
    families = capacity_families()
    assert value(families, "city_volume_pool_free_bytes") == 40 * 1024**3
    (provisioned,) = [f for f in families if f.name == "city_volume_pool_provisioned_bytes"]
    assert provisioned.samples == []


@pytest.mark.parametrize("per_server", [False, True])
@pytest.mark.parametrize(
    "size",
    [Size(), Size(1, 1, 1, 1, 1), Size(40, 50, 1000, 12, 4, 3, 5), Size(120, 80, 3000, 20, 6, 3, 8)],
    ids=str,
)
def test_series_are_within_the_budget_of_the_clouds_size(size: Size, per_server: bool) -> None:
    series = sum(len(family.samples) for family in shown(make_facts(size=size), per_server=per_server))
    budget = series_budget(
        CloudSize(
            size.hosts, size.projects, size.servers, size.flavors, size.classes, size.zones,
            size.aggregates, memberships=1 + size.aggregates - size.zones, agencies=size.projects,
            agents=3, subnets=1, pools=1,
        ),
        per_server=per_server,
    )  # fmt: skip
    assert series <= budget
    # A budget that is never used up would let a new label through.
    assert size.hosts < 40 or series > 0.7 * budget


def test_more_servers_make_no_more_series() -> None:
    few, many = (
        sum(len(family.samples) for family in shown(make_facts(size=Size(servers=servers))))
        for servers in (100, 4000)
    )
    assert few == many

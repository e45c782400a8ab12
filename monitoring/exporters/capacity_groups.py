"""Families of aggregates, availability zones and the whole cloud: sums over their hypervisors."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import Metric

from infra.cloud.capacity import Capacity, Provider
from infra.cloud.usage import ProjectLimits
from monitoring.exporters.capacity_hypervisors import amounts_of
from monitoring.exporters.capacity_measure import Measure
from monitoring.exporters.snapshot import gauge

_TEXTS = {
    "inventory": "What hypervisors of {} have.",
    "reserved": "What hypervisors of {} keep for themselves.",
    "allocatable": "What Placement hands out on hypervisors of {}.",
    "used": "What servers hold on hypervisors of {}.",
    "schedulable": "Allocatable on those hypervisors of {} that are enabled and up.",
    "free": "What is left of that: on those hypervisors of {} that are enabled and up.",
}
_COMMITTED = {"cores": "VCPU", "ram_mib": "MEMORY_MB"}


def group_families(capacity: Capacity, zones: Mapping[str, str]) -> Iterator[Metric]:
    """Aggregates (a hypervisor may be in several), zones, the cloud."""
    aggregates: dict[str, list[Provider]] = defaultdict(list)
    by_zone: dict[str, list[Provider]] = defaultdict(list)
    for provider in capacity.providers:
        by_zone[zones[provider.hypervisor.name]].append(provider)
        for aggregate in provider.aggregates:
            aggregates[aggregate.name].append(provider)
    yield from _families("aggregate", "the aggregate", ("aggregate",), aggregates)
    yield from _families("zone", "the availability zone", ("availability_zone",), by_zone)
    yield from _families("cloud", "the cloud", (), {"": [*capacity.providers]})
    yield from _without_largest(capacity.providers)


def committed_families(limits: Iterable[ProjectLimits]) -> Iterator[Metric]:
    """Cores and memory that all quotas together promise, by resource class."""
    measure = Measure(
        "city_cloud_committed",
        "What quotas of all projects promise; absent while a project has no limit.",
        "resource_class",
    )
    told = [found.limits for found in limits]
    for resource, name in _COMMITTED.items():
        amounts = [found[resource] for found in told if resource in found]
        if amounts and None not in amounts:
            measure.add([], name, sum(amount for amount in amounts if amount is not None))
    yield from measure.families()


def _families(
    group: str, what: str, labels: tuple[str, ...], members: Mapping[str, Iterable[Provider]]
) -> Iterator[Metric]:
    ratio = gauge(
        f"city_{group}_allocation_ratio",
        f"Allocatable by total less reserved, of all hypervisors of {what}.",
        *labels,
        "resource_class",
    )
    measures = {
        name: Measure(f"city_{group}_{name}", text.format(what), *labels, "resource_class")
        for name, text in _TEXTS.items()
    }
    for key, providers in sorted(members.items()):
        values = [key] if labels else []
        sums = _sums(providers)
        for measure, amounts in sums.items():
            for name, amount in sorted(amounts.items()):
                measures[measure].add(values, name, amount)
        for name, allocatable in sorted(sums["allocatable"].items()):
            offered = sums["inventory"][name] - sums["reserved"][name]
            if offered > 0:
                ratio.add_metric([*values, name], allocatable / offered)
    yield ratio
    for found in measures.values():
        yield from found.families()


def _sums(providers: Iterable[Provider]) -> dict[str, dict[str, int]]:
    """By measure and class; a class that only dead hypervisors have is schedulable nowhere, which is 0."""
    sums: dict[str, dict[str, int]] = {name: defaultdict(int) for name in _TEXTS}
    for provider in providers:
        amounts = amounts_of(provider)
        for measure, classes in amounts.items():
            for name, amount in classes.items():
                sums[measure][name] += amount
        for name, parts in provider.by_class.items():
            sums["schedulable"][name] += amounts["allocatable"][name] if provider.live else 0
            sums["free"][name] += sum(part.free for part in parts) if provider.live else 0
    return sums


def _without_largest(providers: Iterable[Provider]) -> Iterator[Metric]:
    measure = Measure(
        "city_cloud_free_without_largest",
        "What would be free if the live hypervisor that hands out most of the class were lost and its "
        "servers moved; negative when they do not fit.",
        "resource_class",
    )
    free: Counter[str] = Counter()
    largest: dict[str, int] = {}
    for provider in providers:
        if provider.live:
            amounts = amounts_of(provider)
            for name, amount in amounts["allocatable"].items():
                free[name] += amount - amounts["used"][name]
                largest[name] = max(largest.get(name, 0), amount)
    for name in sorted(largest):
        measure.add([], name, free[name] - largest[name])
    yield from measure.families()

"""A day of workloads and of capacity, as Prometheus knows it."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from infra.domain.forecast import CapacityDay
from infra.domain.maintenance import Interval, MaintenanceWindow, covering, union
from infra.domain.sla import DAY_SECONDS, Contract, Workload, WorkloadDay, bounds
from infra.domain.sla_day import SEEN, STEP_SECONDS, Look, day_seconds
from monitoring.prometheus import Prometheus, Sample, Series, latest

BEFORE_SECONDS, AFTER_SECONDS = 3600, 1800
"""Looks beyond the day, which close gaps at its edges."""
_COUNTERS = "city_workload_condition_seconds_total"
Counters = tuple[float, float, float, float]
_LABELS = ("agency", "project", "server", "server_id")


@dataclass(frozen=True)
class Agreed:
    """What was agreed with agencies: classes and who has which, and maintenance."""

    contract: Contract
    windows: tuple[MaintenanceWindow, ...] = ()


@dataclass(frozen=True)
class Reading:
    """A day's workloads, and the seconds of it in which somebody looked (0: Prometheus has nothing of it)."""

    day: dt.date
    workloads: tuple[WorkloadDay, ...]
    watched_seconds: int


@dataclass(frozen=True)
class _Grid:
    """Moments at which is looked, `STEP_SECONDS` apart; the one of number `first` is the day's beginning."""

    day: dt.date
    begins: float
    start: float
    count: int
    first: int

    @property
    def end(self) -> float:
        return self.start + (self.count - 1) * STEP_SECONDS

    def numbered(self, series: Series) -> dict[int, float]:
        return {round((at - self.start) / STEP_SECONDS): value for at, value in series.points}


def read_day(
    prometheus: Prometheus, day: dt.date, agreed: Agreed, before: Sequence[WorkloadDay], now: dt.datetime
) -> Reading:
    """The workloads of a day that is over. `before` are those of the day before, as the ledger has them: what
    was there then and is not seen is unknown, not gone, unless somebody looked and it was not there.

    Raises MonitoringUnreachable and QueryRefused: then nothing is known, which is not the same as unknown.
    """
    grid = _grid(day, now)
    watched = _watched(prometheus, grid)
    known = {one.workload.id: one.workload for one in before if one.lasting}
    found: list[WorkloadDay] = []
    for agency in sorted({*_agencies(prometheus, grid), *(one.agency for one in known.values())}):
        mine = {key: one for key, one in known.items() if one.agency == agency}
        seen = _Seen(
            workloads={**mine, **_workloads(prometheus, grid, agency)},
            counters=_counters(prometheus, grid, agency),
            stopped=_stopped(prometheus, grid, agency),
            good=_probes(prometheus, grid, agency, "probes_good"),
            total=_probes(prometheus, grid, agency, "probes"),
        )
        found += _days(grid, watched, seen, agreed, frozenset(mine))
    looked = sum(watched[grid.first : grid.first + DAY_SECONDS // STEP_SECONDS]) * STEP_SECONDS
    return Reading(day, tuple(found), looked)


def _grid(day: dt.date, now: dt.datetime) -> _Grid:
    begins, ends = bounds(day)
    start = begins - BEFORE_SECONDS
    end = min(ends + AFTER_SECONDS, max(ends, now.timestamp() // STEP_SECONDS * STEP_SECONDS))
    return _Grid(day, begins, start, int((end - start) // STEP_SECONDS) + 1, BEFORE_SECONDS // STEP_SECONDS)


def _watched(prometheus: Prometheus, grid: _Grid) -> list[bool]:
    """When the exporter was scraped and knew the servers."""
    expression = 'max(city_exporter_collector_last_success_timestamp_seconds{collector="servers"}) > 0'
    seen: set[int] = set()
    for series in prometheus.query_range(expression, grid.start, grid.end, STEP_SECONDS):
        seen |= grid.numbered(series).keys()
    return [number in seen for number in range(grid.count)]


def _agencies(prometheus: Prometheus, grid: _Grid) -> Iterator[str]:
    asked = f"count by (agency) (last_over_time({_COUNTERS}[{_span(grid)}s]))"
    for sample in prometheus.query(asked, grid.end):
        yield sample.label("agency")


@dataclass(frozen=True)
class _Seen:
    """What was seen of one agency's servers, by their ids; `counters` and `stopped` by number of the look."""

    workloads: Mapping[str, Workload]
    counters: Mapping[str, Mapping[int, Counters]]
    stopped: Mapping[str, frozenset[int]]
    good: Mapping[str, int]
    total: Mapping[str, int]


def _days(
    grid: _Grid, watched: Sequence[bool], seen: _Seen, agreed: Agreed, known: frozenset[str]
) -> Iterator[WorkloadDay]:
    for key in sorted(seen.workloads.keys() & (seen.counters.keys() | known)):
        workload = seen.workloads[key]
        windows = covering(agreed.windows, workload.agency, workload.name, key)
        looks = _looks(watched, seen.counters.get(key, {}), seen.stopped.get(key, frozenset()))
        joined = union(window.interval for window in windows)
        seconds, lasting = day_seconds(grid.begins, looks, grid.first, joined, known_before=key in known)
        if seconds.absent == DAY_SECONDS:
            continue
        yield WorkloadDay(
            grid.day, workload, seconds,
            agreed.contract.terms(workload.agency, workload.name, workload.item),
            seen.good.get(key, 0), seen.total.get(key, 0),
            tuple(window.id for window in windows if _touches(window.interval, grid)), lasting,
        )  # fmt: skip


def _counters(prometheus: Prometheus, grid: _Grid, agency: str) -> dict[str, dict[int, Counters]]:
    """Seconds by condition, by server and number of the look."""
    asked = f"max by (server_id, condition) ({_COUNTERS}{{agency={json.dumps(agency)}}})"
    found: dict[str, dict[int, dict[str, float]]] = {}
    for series in prometheus.query_range(asked, grid.start, grid.end, STEP_SECONDS):
        mine = found.setdefault(series.labels["server_id"], {})
        for number, value in grid.numbered(series).items():
            mine.setdefault(number, {})[series.labels["condition"]] = value
    return {
        server: {number: _in_order(seen) for number, seen in looks.items()} for server, looks in found.items()
    }


def _in_order(seen: Mapping[str, float]) -> Counters:
    up, down, not_expected, unknown = (seen.get(name, 0.0) for name in SEEN)
    return up, down, not_expected, unknown


def _stopped(prometheus: Prometheus, grid: _Grid, agency: str) -> dict[str, frozenset[int]]:
    """When servers were stopped by their agency."""
    asked = f'max by (server_id) (city_workload_stopped{{agency={json.dumps(agency)}, by="agency"}} == 1)'
    found = prometheus.query_range(asked, grid.start, grid.end, STEP_SECONDS)
    return {series.labels["server_id"]: frozenset(grid.numbered(series)) for series in found}


def _looks(
    watched: Sequence[bool],
    counters: Mapping[int, tuple[float, float, float, float]],
    stopped: frozenset[int],
) -> list[Look]:
    return [Look(seen, counters.get(number), number in stopped) for number, seen in enumerate(watched)]


def _workloads(prometheus: Prometheus, grid: _Grid, agency: str) -> dict[str, Workload]:
    """Names and items of servers; of one that was renamed the last. What is only counted has no item."""
    by = ", ".join((*_LABELS, "item"))
    span, select = _span(grid), f"{{agency={json.dumps(agency)}}}"
    asked = (
        f"max by ({', '.join(_LABELS)}) (last_over_time({_COUNTERS}{select}[{span}s]))",
        f"max by ({by}) (last_over_time(city_workload_info{select}[{span}s]))",
        f"max by ({by}) (city_workload_info{select})",
    )
    found: dict[str, Workload] = {}
    for expression in asked:
        for sample in sorted(
            prometheus.query(expression, grid.end), key=lambda one: sorted(one.labels.items())
        ):
            found[sample.label("server_id")] = _workload(sample)
    return found


def _workload(sample: Sample) -> Workload:
    return Workload(*(sample.label(name) for name in ("agency", "server_id", "server", "project", "item")))


def _probes(prometheus: Prometheus, grid: _Grid, agency: str, name: str) -> dict[str, int]:
    select = f"city_workload_{name}_total{{agency={json.dumps(agency)}}}"
    asked = f"sum by (server_id) (increase({select}[{DAY_SECONDS}s]))"
    found = latest(prometheus.query(asked, grid.begins + DAY_SECONDS), "server_id")
    return {server: round(value) for (server,), value in found.items()}


def _span(grid: _Grid) -> int:
    return int(grid.end - grid.start)


def _touches(interval: Interval, grid: _Grid) -> bool:
    return interval[0] < grid.begins + DAY_SECONDS and grid.begins < interval[1]


_CLASSES = "city_cloud_{name}_units or city_cloud_{name}_bytes"
_CAPACITY = {
    "used": {
        "": f"max by (resource_class) ({_CLASSES.format(name='used')})",
        "volumes": 'sum(city_volume_pool_capacity_bytes - city_volume_pool_free_bytes)',
        "floating_ips": "sum(city_floating_ip_pool_used_addresses)",
    },
    "allocatable": {
        "": f"max by (resource_class) ({_CLASSES.format(name='allocatable')})",
        "volumes": "sum(city_volume_pool_capacity_bytes)",
        "floating_ips": "sum(city_floating_ip_pool_addresses)",
    },
    "without_largest": {
        "": (
            "max by (resource_class) (city_cloud_used_units + city_cloud_free_without_largest_units"
            " or city_cloud_used_bytes + city_cloud_free_without_largest_bytes)"
        ),
    },
}  # fmt: skip
"""What a resource's figures are; "" for those that carry their resource class themselves."""


def read_capacity(prometheus: Prometheus, day: dt.date) -> tuple[CapacityDay, ...]:
    """The greatest figures of a day, looked at every five minutes. A hypervisor that is down for an hour
    makes the city no smaller; none of a resource that was not seen that day.
    """
    end = bounds(day)[1]
    figures = {
        name: {
            resource: value
            for label, expression in expressions.items()
            for resource, value in _greatest(prometheus, expression, label, end)
        }
        for name, expressions in _CAPACITY.items()
    }
    return tuple(
        CapacityDay(
            day, resource, used, figures["allocatable"][resource], figures["without_largest"].get(resource)
        )
        for resource, used in sorted(figures["used"].items())
        if resource in figures["allocatable"]
    )


def _greatest(prometheus: Prometheus, expression: str, label: str, end: float) -> Iterator[tuple[str, float]]:
    for sample in prometheus.query(f"max_over_time(({expression})[{DAY_SECONDS - 1}s:5m])", end - 1):
        if math.isfinite(sample.value):
            yield label or sample.label("resource_class"), sample.value

"""What the books tell Prometheus, through the node exporter's textfile folder."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from infra.domain.forecast import Forecast
from infra.domain.sla import bounds
from monitoring.ledger import Standing


def families(standing: Standing, now: dt.datetime) -> Iterator[Metric]:
    yield from _ledger(standing, now)
    yield from _forecasts(standing.forecasts)


def _ledger(standing: Standing, now: dt.datetime) -> Iterator[Metric]:
    last = bounds(standing.last_day)[1] if standing.last_day is not None else 0.0
    told = {
        "city_ledger_last_day_timestamp_seconds": (
            "End of the last day that the SLA ledger holds, 0 for none.", last
        ),
        "city_ledger_run_timestamp_seconds": (
            "When the ledger's writer last ran to its end.", now.timestamp()
        ),
        "city_ledger_entries": ("Entries of the ledger; it never gets fewer.", standing.head.seq),
        "city_ledger_intact": (
            "Whether the chain of the ledger's entries held when it was last checked.", standing.intact
        ),
        "city_ledger_day_unknown_ratio": (
            "Share of the last day, over all workloads, of which nothing is known.", standing.unknown
        ),
    }  # fmt: skip
    for name, (text, value) in told.items():
        family = GaugeMetricFamily(name, text)
        family.add_metric([], float(value))
        yield family


def _forecasts(found: tuple[Forecast, ...]) -> Iterator[Metric]:
    left = GaugeMetricFamily(
        "city_forecast_days_left",
        "Days until the resource is used up; +Inf when it will not be within ten years (ledger's capacity).",
        labels=["resource_class", "scope", "bound"],
    )
    history = GaugeMetricFamily(
        "city_forecast_history_days", "Days of which the use of the resource is known.",
        labels=["resource_class"],
    )  # fmt: skip
    error = GaugeMetricFamily(
        "city_forecast_error_ratio",
        "Median error of past forecasts over four weeks, as a share of the capacity.",
        labels=["resource_class"],
    )
    coverage = GaugeMetricFamily(
        "city_forecast_coverage_ratio", "Share of past forecasts whose interval held what came.",
        labels=["resource_class"],
    )  # fmt: skip
    for one in found:
        history.add_metric([one.resource_class], one.history_days)
        for scope, days in (("all", one.left), ("without_largest", one.left_without_largest)):
            for bound in ("likely", "earliest", "latest") if days is not None else ():
                left.add_metric([one.resource_class, scope, bound], getattr(days, bound))
        if one.error is not None:
            error.add_metric([one.resource_class], one.error)
        if one.coverage is not None:
            coverage.add_metric([one.resource_class], one.coverage)
    yield from (left, history, error, coverage)


def exposition(standing: Standing, now: dt.datetime) -> str:
    """The metrics in Prometheus' text form."""

    class Told:
        def collect(self) -> Iterator[Metric]:
            return families(standing, now)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Told())
    return generate_latest(registry).decode()

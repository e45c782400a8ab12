"""What the books tell Prometheus: names and labels are a promise, and what is not known has no number."""

from __future__ import annotations

import datetime as dt
import math

from infra.domain.forecast import DaysLeft, Forecast
from infra.domain.sla import bounds
from infra.store.ledger import Head
from monitoring.ledger import Standing
from monitoring.ledger_metrics import exposition, families

DAY = dt.date(2026, 11, 25)
NOW = dt.datetime(2026, 11, 26, 1, tzinfo=dt.UTC)
LEDGER = {
    "city_ledger_last_day_timestamp_seconds": (),
    "city_ledger_run_timestamp_seconds": (),
    "city_ledger_entries": (),
    "city_ledger_intact": (),
    "city_ledger_day_unknown_ratio": (),
    "city_forecast_days_left": ("resource_class", "scope", "bound"),
    "city_forecast_history_days": ("resource_class",),
    "city_forecast_error_ratio": ("resource_class",),
    "city_forecast_coverage_ratio": ("resource_class",),
}
LEFT = DaysLeft(100, 50, 40, math.inf)
VCPU = Forecast("VCPU", DAY, 90, 60, 100, growth=0.8, weeks=13, left=LEFT, error=0.02, coverage=0.9)
DISK = Forecast("DISK_GB", DAY, 3, 60, 100, "too little history: 3 of at least 28 days")
STANDING = Standing(DAY, 0.25, Head(12, "a" * 64), True, (DISK, VCPU))


def samples(standing: Standing, name: str) -> dict[tuple[str, ...], float]:
    return {
        tuple(sample.labels.values()): sample.value
        for family in families(standing, NOW)
        for sample in family.samples
        if sample.name == name
    }


def test_names_and_labels_are_the_promised_ones() -> None:
    found = {family.name: tuple(family._labelnames) for family in families(STANDING, NOW)}  # type: ignore[attr-defined]
    assert found == LEDGER


def test_the_end_of_the_last_day_is_midnight_in_vietnam() -> None:
    assert samples(STANDING, "city_ledger_last_day_timestamp_seconds") == {(): bounds(DAY)[1]}
    empty = Standing(None, 0.0, Head(0, "0" * 64), True, ())
    assert samples(empty, "city_ledger_last_day_timestamp_seconds") == {(): 0.0}


def test_never_is_infinite_and_too_little_history_has_no_number() -> None:
    assert samples(STANDING, "city_forecast_days_left") == {
        ("VCPU", "all", "likely"): 50, ("VCPU", "all", "earliest"): 40, ("VCPU", "all", "latest"): math.inf,
    }  # fmt: skip
    assert samples(STANDING, "city_forecast_history_days") == {("VCPU",): 90, ("DISK_GB",): 3}
    assert samples(STANDING, "city_forecast_error_ratio") == {("VCPU",): 0.02}


def test_prometheus_reads_it() -> None:
    text = exposition(STANDING, NOW)
    assert 'city_forecast_days_left{bound="latest",resource_class="VCPU",scope="all"} +Inf' in text

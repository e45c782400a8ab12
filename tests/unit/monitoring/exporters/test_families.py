"""The exporters' metrics: names and labels are a promise to rules and dashboards, values in base units."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.core import CollectorRegistry, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from monitoring.exporters.snapshot import Exposition
from tests.unit.monitoring.exporters.capacity_sample import ALWAYS, CAPACITY, capacity_families
from tests.unit.monitoring.exporters.uptime_sample import BEFORE, UPTIME, uptime_families


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
    assert named_labels(capacity_families(read=False)) == ALWAYS
    assert named_labels(uptime_families(read=False)) == BEFORE


@settings(deadline=None)
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

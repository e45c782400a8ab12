"""The portal's metrics: names and labels are a promise to rules; a database that is silent has no figures."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from infra.domain.deployment import DeploymentState
from infra.domain.request import RequestState
from infra.errors import InfraError
from infra.portal.metrics import BUCKETS, PortalMetrics
from infra.store.notice import Unmailed
from infra.store.portal_figures import PortalFigures

NOW = datetime(2026, 11, 27, 2, tzinfo=UTC)
OF_ANSWERS = {
    "city_portal_answers": ("part", "status"),
    "city_portal_answer_duration_seconds": ("part",),
}
OF_DATABASE = {
    "city_portal_requests": ("state",),
    "city_portal_deployments": ("state",),
    "city_portal_oldest_waiting_request_age_seconds": (),
    "city_portal_oldest_approved_request_age_seconds": (),
    "city_portal_unmailed_notices": ("tried",),
    "city_portal_oldest_unmailed_notice_age_seconds": (),
}
OF_WORKER = {
    "city_portal_worker_last_look_timestamp_seconds": (),
    "city_portal_worker_troubled_agencies": (),
}
PORTAL = {**OF_ANSWERS, "city_portal_database_up": (), **OF_DATABASE, **OF_WORKER}
FIGURES = PortalFigures(
    {**dict.fromkeys(map(str, RequestState), 0), "submitted": 3, "approved": 1},
    {**dict.fromkeys(map(str, DeploymentState), 0), "active": 40},
    datetime(2026, 11, 24, 2, tzinfo=UTC),
    None,
    Unmailed({"waiting": 2, "refused": 1, "given_up": 0}, datetime(2026, 11, 26, 20, tzinfo=UTC)),
)


class Silent(InfraError):
    """The database does not answer."""

    code = "silent"


@dataclass
class SomeWorker:
    last_look: datetime | None = NOW
    in_trouble: int = 2

    def troubled(self) -> int:
        return self.in_trouble


def make_metrics(figures: object = FIGURES) -> PortalMetrics:
    def read() -> PortalFigures:
        if isinstance(figures, PortalFigures):
            return figures
        raise Silent("no answer")

    made = PortalMetrics(read, NOW.timestamp)
    made.worker = SomeWorker()
    return made


def named_labels(families: Iterable[Metric]) -> dict[str, tuple[str, ...]]:
    return {family.name: tuple(family._labelnames) for family in families}  # type: ignore[attr-defined]


def values(metrics: PortalMetrics) -> dict[tuple[str, ...], float]:
    """By name and labels' values in their order, as Prometheus reads them."""
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(metrics.exposition().decode())
        for sample in family.samples
    }


def test_names_and_labels_are_the_promised_ones() -> None:
    assert named_labels(make_metrics().families()) == PORTAL


def test_every_state_is_counted_also_where_nothing_is_in_it() -> None:
    found = values(make_metrics())
    assert {key[1] for key in found if key[0] == "city_portal_requests"} == set(RequestState)
    assert {key[1] for key in found if key[0] == "city_portal_deployments"} == set(DeploymentState)
    assert found["city_portal_requests", "submitted"] == 3
    assert found["city_portal_requests", "rejected"] == 0


def test_an_age_is_that_of_the_oldest_and_zero_where_none_waits() -> None:
    found = values(make_metrics())
    assert found["city_portal_oldest_waiting_request_age_seconds",] == 3 * 86400
    assert found["city_portal_oldest_approved_request_age_seconds",] == 0


def test_unmailed_notices_are_counted_by_how_far_their_mail_is() -> None:
    found = values(make_metrics())
    assert found["city_portal_unmailed_notices", "refused"] == 1
    assert found["city_portal_unmailed_notices", "given_up"] == 0
    assert found["city_portal_oldest_unmailed_notice_age_seconds",] == 6 * 3600


def test_a_database_that_fails_is_told_and_has_no_figures() -> None:
    silent = make_metrics(figures=None)
    assert named_labels(silent.families()) == {
        **OF_ANSWERS, "city_portal_database_up": (), **OF_WORKER,
    }  # fmt: skip
    assert values(silent)["city_portal_database_up",] == 0


def test_a_database_that_hangs_keeps_no_scrape_and_holds_one_thread() -> None:
    go_on, asked = threading.Event(), []

    def hangs() -> PortalFigures:
        asked.append(1)
        go_on.wait(30)
        return FIGURES

    metrics = PortalMetrics(hangs, NOW.timestamp)
    for _ in range(3):
        assert set(named_labels(metrics.families(limit=1.01))) == {*OF_ANSWERS, "city_portal_database_up"}
    assert asked == [1]
    go_on.set()
    assert {*OF_DATABASE} <= set(named_labels(metrics.families()))


def test_answers_are_counted_by_class_and_their_seconds_cumulated() -> None:
    metrics = PortalMetrics()
    before = values(metrics)
    assert before["city_portal_answers_total", "5xx", "api"] == 0
    for status, seconds in ((200, 0.004), (302, 0.05), (404, 0.3), (503, 99.0)):
        metrics.answered("pages", status, seconds)
    found = values(metrics)
    for name in ("2xx", "3xx", "4xx", "5xx"):
        assert found["city_portal_answers_total", name, "pages"] == 1
        assert found["city_portal_answers_total", name, "api"] == 0
    bucket = "city_portal_answer_duration_seconds_bucket"
    told = [found[bucket, str(bound), "pages"] for bound in (*BUCKETS, "+Inf")]
    assert told == [1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 4]
    assert found["city_portal_answer_duration_seconds_count", "pages"] == 4
    assert found["city_portal_answer_duration_seconds_sum", "pages"] == pytest.approx(99.354)


def test_a_worker_that_never_looked_says_zero() -> None:
    metrics = make_metrics()
    metrics.worker = SomeWorker(last_look=None)
    assert values(metrics)["city_portal_worker_last_look_timestamp_seconds",] == 0


def test_a_portal_whose_worker_is_elsewhere_says_nothing_of_it() -> None:
    metrics = make_metrics()
    metrics.worker = None
    assert not set(OF_WORKER) & set(named_labels(metrics.families()))


def test_every_metric_says_what_it_is() -> None:
    for family in make_metrics().families():
        assert family.documentation.endswith((".", ")")), family.name

"""What the portal counts of its own answers over HTTP, and what it says to a scrape."""

from __future__ import annotations

import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from infra.domain.person import Person
from infra.portal.metrics import PortalMetrics
from infra.store.portal_figures import PortalFigures
from tests.functional.portal.memory import PEOPLE
from tests.functional.portal.portal import ORIGIN, Client, Stand

LIMIT = b"X-Prometheus-Scrape-Timeout-Seconds"
ANSWERS, TOOK = "city_portal_answers_total", "city_portal_answer_duration_seconds_count"


@pytest.fixture
def watched() -> Stand:
    """With metrics that no other test counts on."""
    return Stand(more={"metrics": PortalMetrics()})


def counted(client: Client) -> dict[tuple[str, ...], float]:
    """What is not 0, by metric and labels' values."""
    text = client.get("/-/metrics").text
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name in (ANSWERS, TOOK) and sample.value
    }


def test_pages_and_calls_are_counted_by_class_and_what_machines_watch_is_not(watched: Stand) -> None:
    with watched.client() as client:
        for path in ("/-/healthy", "/static/portal.css", "/status", "/", "/nowhere"):
            client.get(path)
        for path in ("/api/v1/status", "/api/v1/requests"):
            client.get(path)
        assert counted(client) == {
            (ANSWERS, "2xx", "pages"): 1, (ANSWERS, "3xx", "pages"): 1, (ANSWERS, "4xx", "pages"): 1,
            (ANSWERS, "2xx", "api"): 1, (ANSWERS, "4xx", "api"): 1, (TOOK, "pages"): 3, (TOOK, "api"): 2,
        }  # fmt: skip


def test_a_defect_counts_as_an_answer_that_failed(watched: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(person: Person) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr(watched.services, "home", broken)
    with watched.as_person("u-hoa") as client:
        with pytest.raises(ZeroDivisionError):
            client.get("/")
        assert counted(client) == {(ANSWERS, "5xx", "pages"): 1, (TOOK, "pages"): 1}


def test_a_stream_is_not_counted_for_it_lasts_as_long_as_somebody_looks(watched: Stand) -> None:
    with watched.as_person("u-hoa") as client:
        answer = client.get("/api/v1/requests/r13/events")
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert counted(client) == {}


def test_a_scrape_is_answered_within_the_time_that_prometheus_waits() -> None:
    go_on = threading.Event()

    def hangs() -> PortalFigures:
        go_on.wait(30)
        raise AssertionError

    stand = Stand(more={"metrics": PortalMetrics(hangs)})
    with stand.client() as client:
        answer = client.get("/-/metrics", headers={"X-Prometheus-Scrape-Timeout-Seconds": "1.2"})
    go_on.set()
    assert answer.status_code == 200
    assert "\ncity_portal_database_up 0.0\n" in answer.text
    assert "city_portal_requests" not in answer.text


@pytest.mark.parametrize("said", ["", "soon", "-1", "1.2.3", "²"])
def test_a_time_limit_that_is_none_is_not_used(watched: Stand, said: str) -> None:
    with watched.client() as client:
        answer = client.get("/-/metrics", headers=[(LIMIT, said.encode("latin-1"))])
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain")
        assert PEOPLE["u-hoa"].display_name not in answer.text


@pytest.mark.parametrize("path", ["//-/metrics", "/%2F-/metrics"])
def test_no_other_spelling_of_the_path_leads_past_the_load_balancer(watched: Stand, path: str) -> None:
    with watched.client() as client:
        assert client.get(ORIGIN + path).status_code == 404

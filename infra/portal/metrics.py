"""What the portal tells Prometheus: its answers, what waits in its database, and how its worker does.

Figures of the database are read when they are asked for, whole or not at all: while the database does not
answer in time, `city_portal_database_up` is 0 and none of them is there.
"""

from __future__ import annotations

import logging
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.errors import InfraError
from infra.portal.joined import Joined
from infra.store.portal_figures import PortalFigures

log = logging.getLogger(__name__)
PARTS = ("pages", "api")
CLASSES = ("2xx", "3xx", "4xx", "5xx")
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds."""
UNSEEN = ("/-/", "/static/")
"""Paths that no person asks for as a page: what machines watch, and files that cost nothing."""
LEFT_SECONDS = 1.0
"""Of a scrape's time limit, for everything that is not the database."""
LONGEST_SECONDS = 8.0


class WorkerView(Protocol):
    """`last_look`: when the worker last knew what there is to do, None before the first time."""

    @property
    def last_look(self) -> datetime | None: ...

    def troubled(self) -> int:
        """Agencies whose work failed when it was last tried."""
        ...


class PortalMetrics:
    """One for a process. `figures` reads the database; without it nothing is said of the database. `worker`
    is set where the worker runs in this process.
    """

    def __init__(
        self, figures: Callable[[], PortalFigures] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self.worker: WorkerView | None = None
        self._figures = Joined(figures, "figures") if figures else None
        self._clock = clock
        self._lock = threading.Lock()
        self._answers: Counter[tuple[str, str]] = Counter()
        self._counts = {part: [0] * (len(BUCKETS) + 1) for part in PARTS}
        self._seconds = dict.fromkeys(PARTS, 0.0)

    def answered(self, part: str, status: int, seconds: float) -> None:
        """Count an answer: `part` of PARTS, its HTTP status, and the time until it began."""
        with self._lock:
            self._answers[part, f"{status // 100}xx"] += 1
            self._counts[part][bisect_left(BUCKETS, seconds)] += 1
            self._seconds[part] += seconds

    def exposition(self, limit: float = LONGEST_SECONDS) -> bytes:
        """All of it in Prometheus' text form, within `limit` seconds."""
        return exposition(lambda: self.families(limit))

    def families(self, limit: float = LONGEST_SECONDS) -> Iterator[Metric]:
        yield from self._of_answers()
        if self._figures is not None:
            yield from self._of_database(max(0.0, min(limit, LONGEST_SECONDS) - LEFT_SECONDS))
        if self.worker is not None:
            yield from worker_families(self.worker)

    def _of_answers(self) -> Iterator[Metric]:
        with self._lock:
            answers, seconds = Counter(self._answers), dict(self._seconds)
            counts = {part: list(found) for part, found in self._counts.items()}
        answered = CounterMetricFamily(
            "city_portal_answers", "Answers of the portal by HTTP class; streams are not counted.",
            labels=("part", "status"),
        )  # fmt: skip
        for part in PARTS:
            for status in CLASSES:
                answered.add_metric((part, status), answers[part, status])
        took = HistogramMetricFamily(
            "city_portal_answer_duration_seconds",
            "Time until an answer of the portal began.",
            labels=("part",),
        )
        for part in PARTS:
            took.add_metric((part,), _buckets(counts[part]), sum_value=seconds[part])
        yield from (answered, took)

    def _of_database(self, limit: float) -> Iterator[Metric]:
        found = self._read(limit)
        yield _gauge(
            "city_portal_database_up", "Whether the portal's database answered this scrape in time.",
            found is not None,
        )  # fmt: skip
        if found is None:
            return
        now = self._clock()
        yield _by(
            "state", "city_portal_requests", "Requests by state (the portal's database).", found.requests
        )
        yield _by(
            "state", "city_portal_deployments", "Deployments by state (the portal's database).",
            found.deployments,
        )  # fmt: skip
        yield _gauge(
            "city_portal_oldest_waiting_request_age_seconds",
            "Time since the oldest request that waits for a decision was handed in, 0 where none waits.",
            _age(found.waiting_since, now),
        )
        yield _gauge(
            "city_portal_oldest_approved_request_age_seconds",
            "Time since the oldest request that waits to be made was approved or tried again, 0 for none.",
            _age(found.approved_since, now),
        )
        yield _by(
            "tried", "city_portal_unmailed_notices",
            "Notices that no mail server has taken, by how far their mail is.", found.unmailed.counts,
        )  # fmt: skip
        yield _gauge(
            "city_portal_oldest_unmailed_notice_age_seconds",
            "Time since the oldest notice whose mail is still being tried was written, 0 for none.",
            _age(found.unmailed.since, now),
        )

    def _read(self, limit: float) -> PortalFigures | None:
        assert self._figures is not None
        try:
            return self._figures.start().result(limit)
        except TimeoutError:
            log.warning("the database has not answered a scrape in %.1f s", limit)
        except InfraError as error:
            log.warning("figures for a scrape: %s", error)
        return None


class Measured:
    """ASGI middleware around everything else: counts what people get, and how long they waited for it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(UNSEEN):
            await self._app(scope, receive, send)
            return
        metrics: PortalMetrics = scope["app"].state.wiring.metrics
        part = "api" if scope["path"].startswith("/api/") else "pages"
        began, answered = time.perf_counter(), False

        async def counted(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start" and not answered:
                answered = True
                if not _streams(message):
                    metrics.answered(part, message["status"], time.perf_counter() - began)
            await send(message)

        try:
            await self._app(scope, receive, counted)
        except Exception:
            if not answered:  # the server outside of this turns it into a 500
                metrics.answered(part, 500, time.perf_counter() - began)
            raise


def worker_families(worker: WorkerView) -> Iterator[Metric]:
    """A worker's own, in the portal's process or in one of its own."""
    looked = worker.last_look
    yield _gauge(
        "city_portal_worker_last_look_timestamp_seconds",
        "When the portal's worker last knew what there is to do, 0 for never.",
        looked.timestamp() if looked else 0.0,
    )
    yield _gauge(
        "city_portal_worker_troubled_agencies",
        "Agencies for which the worker's last try failed, and that wait to be tried again.",
        worker.troubled(),
    )


def exposition(families: Callable[[], Iterator[Metric]]) -> bytes:
    """Metrics in Prometheus' text form."""

    class Told:
        def collect(self) -> Iterator[Metric]:
            return families()

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Told())
    return generate_latest(registry)


def _streams(start: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/event-stream")
        for name, value in start["headers"]
    )


def _buckets(counts: list[int]) -> list[tuple[str, float]]:
    """Cumulated, as a histogram has them."""
    found, so_far = [], 0
    for bound, count in zip((*(str(bound) for bound in BUCKETS), "+Inf"), counts, strict=True):
        so_far += count
        found.append((bound, float(so_far)))
    return found


def _gauge(name: str, text: str, value: float) -> Metric:
    family = GaugeMetricFamily(name, text, labels=())
    family.add_metric((), float(value))
    return family


def _by(label: str, name: str, text: str, counts: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=(label,))
    for value, count in counts.items():
        family.add_metric((value,), count)
    return family


def _age(since: datetime | None, now: float) -> float:
    return max(0.0, now - since.timestamp()) if since else 0.0

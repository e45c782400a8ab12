"""Snapshots: facts of the cloud, read in laps by one worker each, kept with their age."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from infra.errors import InfraError

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass
class Standing:
    """How a collector does. Times are seconds; `last_success` is of the epoch, 0.0 for never."""

    success: bool = False
    duration: float = 0.0
    last_success: float = 0.0
    laps: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    def note(self, began: float, duration: float, code: str = "") -> None:
        """Count a lap; `code` is the error's, "" for a good one. Facts are as old as their lap's
        beginning.
        """
        self.laps += 1
        self.duration = duration
        self.success = not code
        if code:
            self.failures[code] += 1
        else:
            self.last_success = began

    def copy(self) -> Standing:
        return replace(self, failures=Counter(self.failures))


class Watched(Protocol):
    """Whatever reads in laps and says how it does."""

    name: str
    interval: float

    @property
    def standing(self) -> Standing: ...


class Collector(Generic[T]):
    """Reads one kind of facts every `interval` seconds and keeps the last good answer.

    One worker, so never two laps at once, however many scrapes come or however long a lap takes. `read` must
    bound its own time (`infra.cloud.reading`) and returns the whole truth or raises: the answer replaces the
    last one as a whole.
    """

    def __init__(
        self, name: str, read: Callable[[], T], interval: float,
        *, clock: Callable[[], float] = time.time, stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.name = name
        self.interval = interval
        self._read = read
        self._clock = clock
        self._stopwatch = stopwatch
        self._lock = threading.Lock()
        self._latest: T | None = None
        self._standing = Standing()
        self._trouble = ""

    @property
    def latest(self) -> T | None:
        """The last good answer, None before the first."""
        with self._lock:
            return self._latest

    @property
    def standing(self) -> Standing:
        """A copy of how the collector does now."""
        with self._lock:
            return self._standing.copy()

    def lap(self) -> None:
        """Read once. A failure is counted by its code and leaves the last good answer in place."""
        began, watch = self._clock(), self._stopwatch()
        answer: T | None = None
        trouble = code = ""
        try:
            answer = self._read()
        except InfraError as error:
            trouble, code = str(error), error.code
        except Exception as error:  # the worker's outermost loop: it must outlive a bug in a reader
            if not self._trouble:
                log.exception("%s: lap broke off", self.name)
            trouble, code = repr(error), "unexpected"
        with self._lock:
            self._standing.note(began, self._stopwatch() - watch, code)
            if not code:
                self._latest = answer
        self._tell(trouble)

    def run(self, stop: threading.Event) -> None:
        """Laps until `stop`, each `interval` after the last one began, or at once if that one took longer."""
        while not stop.is_set():
            began = self._stopwatch()
            self.lap()
            stop.wait(max(0.0, self.interval - (self._stopwatch() - began)))

    def start(self, stop: threading.Event) -> threading.Thread:
        """Run in a thread that does not keep the process alive."""
        thread = threading.Thread(target=self.run, args=(stop,), name=f"collector-{self.name}", daemon=True)
        thread.start()
        return thread

    def _tell(self, trouble: str) -> None:
        """Log the beginning and the end of trouble, not each lap of it."""
        if trouble and not self._trouble:
            log.warning("%s: %s; the last good answer stays in place", self.name, trouble)
        if self._trouble and not trouble:
            log.warning("%s: reads again", self.name)
        self._trouble = trouble


def standing_families(collectors: Iterable[Watched]) -> Iterator[Metric]:
    """The families that tell how fresh and how sound an exporter's facts are; the same in every exporter."""
    success = gauge(
        "city_exporter_collector_success", "Whether the collector's last lap read everything.", "collector"
    )
    duration = gauge(
        "city_exporter_collector_duration_seconds", "Time that the collector's last lap took.", "collector"
    )
    freshness = gauge(
        "city_exporter_collector_last_success_timestamp_seconds",
        "Beginning of the lap that is served, which gives the age of its metrics; 0 before the first.",
        "collector",
    )
    interval = gauge(
        "city_exporter_collector_interval_seconds",
        "Time from one lap's beginning to the next's.",
        "collector",
    )
    laps = counter("city_exporter_collector_laps", "Laps of the collector.", "collector")
    failures = counter(
        "city_exporter_collector_failures",
        "Laps that read nothing, by the error's code.",
        "collector",
        "code",
    )
    for collector in collectors:
        standing = collector.standing
        labels = [collector.name]
        success.add_metric(labels, standing.success)
        duration.add_metric(labels, standing.duration)
        freshness.add_metric(labels, standing.last_success)
        interval.add_metric(labels, collector.interval)
        laps.add_metric(labels, standing.laps)
        for code, count in sorted(standing.failures.items()):
            failures.add_metric([*labels, code], count)
    yield from (success, duration, freshness, interval, laps, failures)


def gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    """An empty gauge family."""
    return GaugeMetricFamily(name, text, labels=labels)


def counter(name: str, text: str, *labels: str) -> CounterMetricFamily:
    """An empty counter family; its samples are called `<name>_total`."""
    return CounterMetricFamily(name, text, labels=labels)


class Exposition:
    """What a registry asks at each scrape: families made anew, so that what vanished in the cloud vanishes
    here."""

    def __init__(self, families: Callable[[], Iterable[Metric]]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return [*self._families()]

    def describe(self) -> Iterable[Metric]:
        """Nothing: names are the golden list's to guard, and registering must not read."""
        return []

"""Snapshots: facts of the cloud, read in laps, kept with their age.

Two kinds of collectors. A `Collector` laps by itself in a worker. An `Asked` collector laps when a scrape
wants facts that are not older than its interval, and a `Snapshot` is what a scrape asks:

- A lap belongs to all who wait for it: a second scraper joins the lap that runs and costs the cloud nothing.
- A scrape waits until its deadline. Then it is answered with the last good facts and their age, and the lap
  goes on up to its own limit, for the scrape after: a cloud that is slower than a scrape's timeout gives
  facts late, not never.
- When the last client that waits for a lap hangs up, the lap is cancelled: its remaining calls are not made.
- A collector that does not keep a scrape waiting (`waits=False`: one call for each project or hypervisor) is
  started by the scrape, after the others, and read in its own time.
- A lap that failed leaves the last good facts in place, all of them. One collector's failure is no other's.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from infra.errors import InfraError

T = TypeVar("T")
log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.05  # how often a waiting scrape looks whether its client is still there
_RETRY_SECONDS = 60.0  # a slow collector that failed is asked again after this
_FRESH = 0.8  # of an interval: scrapes do not come to the millisecond
_LATER_SECONDS = 1.0  # until a lap that no scrape waits for begins: the answer goes first


@dataclass
class Standing:
    """How a collector does. Times are seconds; `last_success` is of the epoch, 0.0 for never. `age` is that
    of the facts by a clock that does not jump, None where the collector has none. `trouble` is the last lap's
    error in words.
    """

    success: bool = False
    duration: float = 0.0
    last_success: float = 0.0
    laps: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    age: float | None = None
    trouble: str = ""

    def note(self, began: float, duration: float, code: str = "", trouble: str = "") -> None:
        """Count a lap; `code` is the error's, "" for a good one. Facts are as old as their lap's
        beginning.
        """
        self.laps += 1
        self.duration = duration
        self.success = not code
        self.trouble = trouble
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

    One lap at a time, however many scrapes come or however long it takes. `read` must bound its own time
    (`infra.cloud.reading`) and returns the whole truth or raises: the answer replaces the last one as a
    whole.
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
        self._read_at = 0.0
        self._standing = Standing()

    @property
    def latest(self) -> T | None:
        """The last good answer, None before the first."""
        with self._lock:
            return self._latest

    @property
    def standing(self) -> Standing:
        """A copy of how the collector does now."""
        with self._lock:
            standing = self._standing.copy()
            if self._latest is not None:
                standing.age = self._stopwatch() - self._read_at
            return standing

    def lap(self) -> None:
        """Read once. A failure is counted by its code and leaves the last good answer in place."""
        self._lap(self._read)

    def _lap(self, read: Callable[[], T]) -> None:
        began, watch = self._clock(), self._stopwatch()
        answer: T | None = None
        trouble = code = ""
        before = self._standing.trouble
        try:
            answer = read()
        except InfraError as error:
            trouble, code = str(error), error.code
        except Exception as error:  # the worker's outermost loop: it must outlive a bug in a reader
            if not before:
                log.exception("%s: lap broke off", self.name)
            trouble, code = repr(error), "unexpected"
        with self._lock:
            self._standing.note(began, self._stopwatch() - watch, code, trouble)
            if not code:
                self._latest, self._read_at = answer, watch
        self._tell(before, trouble)

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

    def _tell(self, before: str, trouble: str) -> None:
        """Log the beginning and the end of trouble, not each lap of it."""
        if trouble and not before:
            log.warning("%s: %s; the last good answer stays in place", self.name, trouble)
        if before and not trouble:
            log.warning("%s: reads again", self.name)


@dataclass
class Lap:
    """One lap's leave to go on: at most `seconds`, and only until it is cancelled. `waiting` are the scrapes
    that wait for it; `kept` says that one of them was answered at its deadline, so the next is to find it
    done."""

    seconds: float
    cancelled: bool = False
    done: bool = False
    waiting: int = 0
    kept: bool = False


class Asked(Collector[T]):
    """A collector that laps when a `Snapshot` wants it to. `read` gets the lap, whose limit and cancellation
    it must heed."""

    def __init__(
        self, name: str, read: Callable[[Lap], T], interval: float,
        *, limit: float = 0.0, waits: bool = True,
        clock: Callable[[], float] = time.time, stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        super().__init__(name, lambda: read(Lap(self.limit)), interval, clock=clock, stopwatch=stopwatch)
        self.limit = limit or max(30.0, interval)
        self.waits = waits
        self.running: Lap | None = None
        self._read_in = read
        self._begun: float | None = None

    def due(self) -> bool:
        """Whether it is time for a lap: a failed one is tried again sooner than a slow interval."""
        if self._begun is None:
            return True
        failed = not self._standing.success
        interval = min(self.interval, _RETRY_SECONDS) if failed else self.interval
        return self._stopwatch() - self._begun >= interval * _FRESH

    def begin(self) -> Lap:
        """Note a lap that is about to be run."""
        self._begun = self._stopwatch()
        self.running = Lap(self.limit)
        return self.running

    def run_lap(self, lap: Lap) -> None:
        """Read once, within the lap."""
        self._lap(lambda: self._read_in(lap))

    def end(self, lap: Lap) -> None:
        """Note that a lap is over. One that was cancelled may have been followed by another already; after it
        whoever asks next is not to wait for the interval."""
        if self.running is lap:
            self.running = None
            self._begun = None if lap.cancelled else self._begun


class Snapshot:
    """What all scrapes of an exporter ask together."""

    def __init__(
        self, collectors: Iterable[Asked[Any]],
        *, stopwatch: Callable[[], float] = time.monotonic, later: float = _LATER_SECONDS,
    ) -> None:  # fmt: skip
        self._collectors = tuple(collectors)
        self._later = later
        self._changed = threading.Condition()
        self._stopwatch = stopwatch

    def ask(self, seconds: float, gone: Callable[[], bool] = lambda: False) -> bool:
        """Have every collector's facts as fresh as its interval, or wait for that as long as the deadline
        allows. False when the client hung up meanwhile: nobody is there to be answered."""
        ends = self._stopwatch() + seconds
        with self._changed:
            laps = self._begin(waits=True)
            for lap in laps:
                lap.waiting += 1
            here = self._wait(laps, ends, gone)
            for lap in laps:
                lap.waiting -= 1
                lap.kept |= here
                if not (lap.waiting or lap.kept or lap.done):
                    lap.cancelled = True
            if here:
                self._begin(waits=False)
        return here

    def _begin(self, *, waits: bool) -> list[Lap]:
        """The laps that run, begun now where one is due."""
        laps = []
        for collector in self._collectors:
            if collector.waits is not waits:
                continue
            running = collector.running
            if (running is None and collector.due()) or (running is not None and running.cancelled):
                running = collector.begin()
                threading.Thread(
                    target=self._run, args=(collector, running), name=f"lap-{collector.name}", daemon=True
                ).start()
            if running is not None:
                laps.append(running)
        return laps

    def _wait(self, laps: list[Lap], ends: float, gone: Callable[[], bool]) -> bool:
        while not all(lap.done for lap in laps):
            left = ends - self._stopwatch()
            if left <= 0:
                return True
            self._changed.wait(min(_LOOK_SECONDS, left))
            if gone():
                return False
        return True

    def _run(self, collector: Asked[Any], lap: Lap) -> None:
        try:
            if not collector.waits:
                time.sleep(self._later)
            collector.run_lap(lap)
        finally:
            with self._changed:
                lap.done = True
                collector.end(lap)
                self._changed.notify_all()


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
    age = gauge(
        "city_exporter_collector_age_seconds",
        "Age of the facts that are served; absent before the first.",
        "collector",
    )
    interval = gauge(
        "city_exporter_collector_interval_seconds",
        "Time from one lap's beginning to the next's.",
        "collector",
    )
    awaited = gauge(
        "city_exporter_collector_awaited",
        "Whether a scrape waits for the collector's lap; 0: it finds what was read last.",
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
        old = time.time() - standing.last_success if standing.age is None else standing.age
        if standing.last_success:
            age.add_metric(labels, max(0.0, old))
        interval.add_metric(labels, collector.interval)
        awaited.add_metric(labels, getattr(collector, "waits", False))
        laps.add_metric(labels, standing.laps)
        for code, count in sorted(standing.failures.items()):
            failures.add_metric([*labels, code], count)
    yield from (success, duration, freshness, age, interval, awaited, laps, failures)


def standing_rows(collectors: Iterable[Watched]) -> Iterator[tuple[str, str]]:
    """The same in words, for the landing page."""
    for collector in collectors:
        standing = collector.standing
        age = "never read" if standing.age is None else f"read {standing.age:.0f} s ago"
        took = f", the last lap took {standing.duration:.1f} s" if standing.laps else ""
        yield collector.name, f"{age}{took}. {standing.trouble}".strip()


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

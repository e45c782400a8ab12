"""Collectors: the last good answer stays, with its age, whatever the cloud does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from infra.cloud.errors import GivenUp, Unavailable
from monitoring.exporters.snapshot import Asked, Collector, Lap, Snapshot, standing_families


class Source:
    """Answers with `answer`, or raises it."""

    def __init__(self) -> None:
        self.answer: object = "first"

    def __call__(self) -> object:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def collector(source: Source, clock: Clock) -> Collector[object]:
    return Collector("things", source, 10.0, clock=clock, stopwatch=clock)


def test_before_the_first_lap_there_is_no_answer_and_no_success(collector: Collector[object]) -> None:
    assert collector.latest is None
    assert (collector.standing.success, collector.standing.last_success) == (False, 0.0)


def test_a_failed_lap_leaves_the_last_good_answer_and_its_age(
    collector: Collector[object], source: Source, clock: Clock
) -> None:
    collector.lap()
    source.answer, clock.now = Unavailable("nova is away"), 1060.0
    collector.lap()
    assert collector.latest == "first"
    standing = collector.standing
    assert (standing.success, standing.last_success, standing.laps) == (False, 1000.0, 2)
    assert standing.failures == {"unavailable": 1}


def test_facts_are_as_old_as_the_beginning_of_their_lap(clock: Clock) -> None:
    def slow() -> str:
        clock.now += 30.0
        return "slow"

    collector = Collector("things", slow, 10.0, clock=clock, stopwatch=clock)
    collector.lap()
    assert (collector.standing.last_success, collector.standing.duration) == (1000.0, 30.0)


def test_a_fault_of_the_reader_is_counted_and_does_not_end_the_worker(
    collector: Collector[object], source: Source
) -> None:
    source.answer = KeyError("missing")
    collector.lap()
    source.answer = "again"
    collector.lap()
    assert collector.latest == "again"
    assert collector.standing.failures == {"unexpected": 1}


def test_a_worker_never_runs_two_laps_at_once() -> None:
    stop, running, most = threading.Event(), [0], [0]

    def read() -> int:
        running[0] += 1
        most[0] = max(most[0], running[0])
        stop.wait(0.01)
        running[0] -= 1
        if laps.standing.laps > 3:
            stop.set()
        return 1

    laps: Collector[int] = Collector("things", read, 0.0)
    laps.start(stop).join(60)
    assert most[0] == 1


def test_each_collector_tells_how_it_does(collector: Collector[object], source: Source) -> None:
    source.answer = Unavailable("away")
    collector.lap()
    samples = {sample.name: sample for family in standing_families([collector]) for sample in family.samples}
    assert samples["city_exporter_collector_success"].value == 0
    assert samples["city_exporter_collector_last_success_timestamp_seconds"].value == 0
    assert samples["city_exporter_collector_failures_total"].labels == {
        "collector": "things",
        "code": "unavailable",
    }


class Lane:
    """A lap that a test holds until it lets it end."""

    def __init__(self) -> None:
        self.began, self.end = threading.Event(), threading.Event()
        self.laps: list[Lap] = []

    def read(self, lap: Lap) -> int:
        self.laps.append(lap)
        self.began.set()
        self.end.wait(60)
        if lap.cancelled:
            raise GivenUp("nobody waits")
        return len(self.laps)


@pytest.fixture
def lane() -> Iterator[Lane]:
    lane = Lane()
    yield lane
    lane.end.set()


def make_asked(lane: Lane, clock: Callable[[], float] = time.monotonic, **how: Any) -> Asked[int]:
    return Asked("things", lane.read, 10.0, stopwatch=clock, **how)


def asking(snapshot: Snapshot, seconds: float, gone: Callable[[], bool] = lambda: False) -> Future[bool]:
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(snapshot.ask, seconds, gone)
    finally:
        pool.shutdown(wait=False)


def test_two_scrapes_at_once_share_one_lap(lane: Lane) -> None:
    snapshot = Snapshot([make_asked(lane)])
    both = [asking(snapshot, 10.0) for _ in range(2)]
    lane.began.wait(60)
    lane.end.set()
    assert [one.result(10) for one in both] == [True, True]
    assert len(lane.laps) == 1


def test_facts_that_are_young_enough_are_not_read_again_and_old_ones_are(lane: Lane, clock: Clock) -> None:
    snapshot = Snapshot([make_asked(lane, clock)])
    lane.end.set()
    for clock.now in (1000.0, 1004.0, 1009.0):
        assert asking(snapshot, 10.0).result(10)
    assert len(lane.laps) == 2


def test_at_its_deadline_a_scrape_is_answered_and_the_lap_goes_on_for_the_next(lane: Lane) -> None:
    collector = make_asked(lane)
    snapshot = Snapshot([collector])
    assert snapshot.ask(0.01)
    assert (collector.latest, lane.laps[0].cancelled) == (None, False)
    following = asking(snapshot, 10.0)
    lane.end.set()
    assert following.result(10)
    assert (collector.latest, len(lane.laps)) == (1, 1)


def test_a_lap_is_cancelled_when_the_last_client_that_waits_for_it_has_gone(lane: Lane) -> None:
    collector = make_asked(lane)
    snapshot = Snapshot([collector])
    left = [threading.Event(), threading.Event()]
    both = [asking(snapshot, 10.0, one.is_set) for one in left]
    lane.began.wait(60)
    left[0].set()
    assert both[0].result(10) is False
    assert not lane.laps[0].cancelled
    left[1].set()
    assert both[1].result(10) is False
    assert lane.laps[0].cancelled


def test_after_a_cancelled_lap_the_next_scrape_reads_anew_even_while_it_winds_down(lane: Lane) -> None:
    collector = make_asked(lane)
    snapshot = Snapshot([collector])
    assert snapshot.ask(10.0, lambda: True) is False
    following = asking(snapshot, 10.0)
    while len(lane.laps) < 2:
        time.sleep(0.001)
    lane.end.set()
    assert following.result(10)
    assert [lap.cancelled for lap in lane.laps] == [True, False]
    assert collector.latest == 2


def test_a_collector_that_failed_is_asked_again_sooner_than_a_slow_interval(clock: Clock) -> None:
    def fail(lap: Lap) -> int:
        raise Unavailable("away")

    collector: Asked[int] = Asked("quotas", fail, 900.0, stopwatch=clock)
    snapshot = Snapshot([collector])
    for clock.now in (1000.0, 1010.0, 1055.0):
        asking(snapshot, 10.0).result(10)
    assert collector.standing.failures == {"unavailable": 2}


def test_one_collectors_failure_is_no_others(lane: Lane) -> None:
    def fail(lap: Lap) -> int:
        raise Unavailable("away")

    lane.end.set()
    bad: Asked[int] = Asked("bad", fail, 10.0)
    good = make_asked(lane)
    assert Snapshot([bad, good]).ask(10.0)
    assert (bad.latest, good.latest, good.standing.success) == (None, 1, True)


def test_no_scrape_waits_for_a_slow_collector_and_nobody_leaving_ends_it(lane: Lane) -> None:
    slow = make_asked(lane, waits=False)
    snapshot = Snapshot([slow], later=0.0)
    assert snapshot.ask(10.0)
    lane.began.wait(60)
    assert snapshot.ask(10.0, lambda: True)
    assert (len(lane.laps), lane.laps[0].cancelled) == (1, False)


def test_a_client_that_left_starts_no_slow_lap(lane: Lane) -> None:
    fast, slow = Lane(), make_asked(lane, waits=False)
    snapshot = Snapshot([make_asked(fast), slow], later=0.0)
    assert snapshot.ask(10.0, lambda: True) is False
    fast.end.set()
    assert slow.running is None


def test_age_is_told_by_a_clock_that_does_not_jump(clock: Clock) -> None:
    wall = Clock()
    collector = Collector("things", lambda: 1, 10.0, clock=wall, stopwatch=clock)
    collector.lap()
    clock.now += 30.0
    wall.now -= 86400.0
    samples = {sample.name: sample for family in standing_families([collector]) for sample in family.samples}
    assert samples["city_exporter_collector_age_seconds"].value == 30.0

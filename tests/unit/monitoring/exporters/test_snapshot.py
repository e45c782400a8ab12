"""Collectors: the last good answer stays, with its age, whatever the cloud does."""

from __future__ import annotations

import threading

import pytest

from infra.cloud.errors import Unavailable
from monitoring.exporters.snapshot import Collector, standing_families


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
    laps.start(stop).join(5)
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

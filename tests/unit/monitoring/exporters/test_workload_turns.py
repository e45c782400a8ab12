"""Turns: no agency's slow targets delay another's."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from monitoring.exporters.workload_turns import Turns


def begun(turns: Turns[int], now: float = 0.0) -> list[str]:
    found = []
    while (one := turns.begin(now)) is not None:
        found.append(one[0])
    return found


def test_an_agency_has_no_more_open_than_its_share() -> None:
    turns: Turns[int] = Turns(at_once=100, per_agency=4)
    for job in range(50):
        turns.wait("slow", job, 0.0)
    turns.wait("quick", 0, 0.0)
    assert Counter(begun(turns)) == {"slow": 4, "quick": 1}


def test_places_are_shared_evenly_between_agencies_that_wait() -> None:
    turns: Turns[int] = Turns(at_once=9, per_agency=9, reserved=0)
    for agency in ("a", "b", "c"):
        for job in range(20):
            turns.wait(agency, job, 0.0)
    assert Counter(begun(turns)) == {"a": 3, "b": 3, "c": 3}


def test_when_everything_of_others_hangs_an_agency_still_begins() -> None:
    turns: Turns[int] = Turns(at_once=8, per_agency=4, reserved=2)
    for agency in ("a", "b"):
        for job in range(20):
            turns.wait(agency, job, 0.0)
    assert len(begun(turns)) == 8
    for job in range(5):
        turns.wait("late comer", job, 0.0)
    assert begun(turns) == ["late comer", "late comer"]


def test_a_place_that_is_free_goes_to_who_waits() -> None:
    turns: Turns[int] = Turns(at_once=1, per_agency=1, reserved=0)
    turns.wait("a", 1, 0.0)
    turns.wait("a", 2, 0.0)
    assert begun(turns) == ["a"]
    turns.end("a")
    assert turns.begin(5.0) == ("a", 2)


def test_lateness_is_told_of_who_waits_and_forgotten_after_a_minute() -> None:
    turns: Turns[int] = Turns(at_once=1, per_agency=1, reserved=0)
    turns.wait("a", 1, 0.0)
    turns.wait("b", 2, 0.0)
    begun(turns)
    assert turns.lateness(7.0) == {"a": 0.0, "b": 7.0}
    turns.end("a")
    begun(turns, 9.0)
    assert turns.lateness(10.0) == {"a": 0.0, "b": 9.0}
    assert turns.lateness(100.0) == {"a": 0.0, "b": 0.0}
    assert turns.lateness(100.0) == {}


@given(
    st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=60),
    st.integers(1, 10),
    st.integers(1, 6),
    st.integers(0, 3),
)
def test_bounds_hold_and_nothing_is_lost(
    agencies: list[str], at_once: int, per_agency: int, reserved: int
) -> None:
    turns: Turns[int] = Turns(at_once, per_agency, reserved)
    for job, agency in enumerate(agencies):
        turns.wait(agency, job, 0.0)
    done: list[int] = []
    running: list[tuple[str, int]] = []
    while True:
        while (one := turns.begin(0.0)) is not None:
            running.append(one)
        counts = Counter(agency for agency, _ in running)
        assert all(count <= per_agency for count in counts.values())
        shares = sum(max(reserved, at_once // others) for others in range(1, len(counts) + 1))
        assert len(running) <= at_once + shares
        if not running:
            break
        agency, job = running.pop(0)
        turns.end(agency)
        done.append(job)
    assert sorted(done) == list(range(len(agencies)))

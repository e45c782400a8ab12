"""A workload's day: every second of it is something, and gaps are what the counters say they were."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.domain.maintenance import union
from infra.domain.sla import DAY_SECONDS, Seconds
from infra.domain.sla_day import STEP_SECONDS, Look, day_seconds

DAY = DAY_SECONDS // STEP_SECONDS
UP, DOWN, NOT_EXPECTED, UNKNOWN = range(4)


def make_looks(*parts: tuple[int, int], stopped: bool = False, start: float = 5000.0) -> list[Look]:
    """Looks of a workload that was so many minutes in each condition, one after the other."""
    counted = [start, 0.0, 0.0, 0.0]
    looks = [Look(True, (start, 0.0, 0.0, 0.0))]
    for condition, minutes in parts:
        for _ in range(minutes):
            counted[condition] += STEP_SECONDS
            looks.append(Look(True, tuple(counted), stopped and condition == NOT_EXPECTED))  # type: ignore[arg-type]
    return looks


def unseen(looks: list[Look], first: int, last: int, *, watched: bool = False) -> list[Look]:
    """The same, but nobody saw the workload from one minute to another."""
    return [Look(watched) if first <= number < last else look for number, look in enumerate(looks)]


def found(looks: list[Look], *windows: tuple[float, float], known_before: bool = True) -> Seconds:
    return day_seconds(0.0, looks, 0, windows, known_before=known_before)[0]


def test_a_day_that_was_up_is_up() -> None:
    assert found(make_looks((UP, DAY))) == Seconds(up=DAY_SECONDS)


def test_each_condition_has_its_seconds() -> None:
    looks = make_looks((UP, 1000), (DOWN, 100), (NOT_EXPECTED, 300), (UNKNOWN, 40))
    assert found(looks) == Seconds(up=60000, down=6000, not_expected=18000, unknown=2400)


def test_a_stop_by_the_agency_is_told_from_what_else_is_not_expected() -> None:
    looks = make_looks((UP, 1000), (NOT_EXPECTED, 440), stopped=True)
    assert found(looks) == Seconds(up=60000, stopped=26400)


def test_maintenance_takes_its_seconds_from_whatever_they_were() -> None:
    looks = make_looks((UP, 720), (DOWN, 60), (UP, 660))
    assert found(looks, (43200.0, 46800.0)) == Seconds(up=82800, maintenance=3600)
    assert found(looks, (43200.0 - 30, 43200.0 + 30)).maintenance == 60


def test_the_counters_tell_how_a_gap_in_scraping_was() -> None:
    looks = unseen(make_looks((UP, 500), (DOWN, 10), (UP, 930)), 400, 600)
    assert found(looks) == Seconds(up=DAY_SECONDS - 600, down=600)


def test_time_in_which_the_exporter_did_not_run_is_unknown() -> None:
    looks = make_looks((UP, DAY - 120))
    gap = [Look(False)] * 120
    assert found(looks[:500] + gap + looks[500:]) == Seconds(up=DAY_SECONDS - 7200, unknown=7200)


@pytest.mark.parametrize(("late", "condition"), [(2, "down"), (5, "stopped")])
def test_seconds_that_are_counted_late_belong_to_the_minutes_in_which_they_are_missing(
    late: int, condition: str
) -> None:
    counted = DOWN if condition == "down" else NOT_EXPECTED
    looks = make_looks((UP, 500), (counted, 30), (UP, 910), stopped=True)
    for number in range(501, 500 + late):
        looks[number] = looks[500]
    assert found(looks) == Seconds(up=DAY_SECONDS - 1800, **{condition: 1800})
    window = (500 * 60.0, 530 * 60.0)
    assert found(looks, window) == Seconds(up=DAY_SECONDS - 1800, maintenance=1800)


def test_counters_that_began_anew_leave_the_gap_unknown() -> None:
    looks = make_looks((UP, 600)) + [Look(False)] * 239
    fresh = make_looks((UP, 600), start=0.0)
    assert found(looks + fresh) == Seconds(up=72000, unknown=14400)


def test_a_server_that_was_made_in_the_day_was_absent_before() -> None:
    looks = [Look(True)] * 700 + make_looks((UP, DAY - 700), start=0.0)
    assert found(looks, known_before=False) == Seconds(up=(DAY - 700) * 60, absent=42000)


def test_a_server_that_was_deleted_in_the_day_is_absent_after() -> None:
    seconds, lasting = day_seconds(
        0.0, make_looks((UP, 700)) + [Look(True)] * (DAY - 700), 0, (), known_before=True
    )
    assert seconds == Seconds(up=42000, absent=DAY_SECONDS - 42000)
    assert not lasting


def test_nobody_who_looks_at_the_days_end_leaves_it_unknown_and_the_server_there() -> None:
    seconds, lasting = day_seconds(
        0.0, make_looks((UP, 700)) + [Look(False)] * (DAY - 700), 0, (), known_before=True
    )
    assert seconds == Seconds(up=42000, unknown=DAY_SECONDS - 42000)
    assert lasting


def test_a_day_of_which_nothing_is_known_is_unknown_for_a_server_that_was_there() -> None:
    assert day_seconds(0.0, [Look(False)] * (DAY + 1), 0, (), known_before=True) == (
        Seconds(unknown=DAY_SECONDS),
        True,
    )


def test_looks_before_and_after_the_day_close_gaps_at_its_edges() -> None:
    looks = unseen(make_looks((UP, DAY + 120)), 50, 80)
    looks = unseen(looks, DAY + 50, DAY + 70)
    assert day_seconds(0.0, looks, 60, (), known_before=True)[0] == Seconds(up=DAY_SECONDS)


@pytest.mark.parametrize("period", [5, 10, 15, 30])
def test_looks_and_counts_that_do_not_fall_together_are_no_unknown_time(period: int) -> None:
    looks = [
        Look(True, ((minute * 60 + 7 * minute % 13) // period * period + 900.0, 0.0, 0.0, 0.0))
        for minute in range(DAY + 1)
    ]
    assert found(looks).unknown <= period


conditions = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 500)), min_size=1, max_size=8)
spans = st.lists(st.tuples(st.integers(0, DAY + 60), st.integers(0, 400), st.booleans()), max_size=4)
windows = st.lists(st.tuples(st.integers(-4000, 90000), st.integers(0, 20000)), max_size=4)


@settings(max_examples=60, deadline=None)
@given(conditions, spans, windows, st.booleans(), st.booleans())
def test_whatever_was_seen_a_day_has_its_seconds_and_maintenance_is_no_more_than_agreed(
    parts: list[tuple[int, int]], gaps: list[tuple[int, int, bool]], agreed: list[tuple[int, int]],
    stopped: bool, known_before: bool,
) -> None:  # fmt: skip
    looks = make_looks(*parts, (UP, DAY + 61), stopped=stopped)[: DAY + 61]
    for start, length, watched in gaps:
        looks = unseen(looks, start, start + length, watched=watched)
    joined = union((float(start), float(start + length)) for start, length in agreed)
    seconds, _ = day_seconds(0.0, looks, 30, joined, known_before=known_before)
    assert seconds.total == DAY_SECONDS
    assert min(vars(seconds).values()) >= 0
    within = sum(max(0.0, min(end, DAY_SECONDS) - max(start, 0.0)) for start, end in joined)
    assert seconds.maintenance <= within + 1
    if not seconds.absent:
        assert seconds.maintenance == pytest.approx(within, abs=1)

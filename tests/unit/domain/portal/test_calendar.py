"""Working days in Vietnam: holidays, days off that were moved, closing hours; and the clock of a decision."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.domain.calendar import CLOSES, ZONE, WorkCalendar

CALENDAR = WorkCalendar()


def at(day: str, time: str = "09:00") -> dt.datetime:
    """A moment in Hai Phong."""
    return dt.datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("day", "working"),
    [
        ("2026-11-27", True),  # a Friday
        ("2026-11-28", False),
        ("2026-02-17", False),  # the first day of the lunar year
        ("2026-04-27", False),  # for the Hung Kings' day, which fell on a Sunday
        ("2026-08-31", False),  # moved from Saturday the 22nd
        ("2026-08-22", True),
        ("2026-09-02", False),
        ("2026-04-30", False),
    ],
)
def test_holidays_and_moved_days_are_those_of_the_government(day: str, working: bool) -> None:
    assert CALENDAR.is_working(dt.date.fromisoformat(day)) is working


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        (at("2026-11-27"), 1, at("2026-11-30", "17:00")),  # from Friday to Monday
        (at("2026-11-27", "16:59"), 1, at("2026-11-30", "17:00")),
        (at("2026-11-27", "17:00"), 1, at("2026-12-01", "17:00")),  # after closing: as of Monday
        (at("2026-11-28"), 1, at("2026-12-01", "17:00")),
        (at("2026-02-13"), 1, at("2026-02-23", "17:00")),  # over Tet
        (at("2026-11-25"), 3, at("2026-11-30", "17:00")),
    ],
)
def test_a_deadline_is_the_end_of_a_working_day(start: dt.datetime, days: int, due: dt.datetime) -> None:
    assert CALENDAR.due(start, days) == due


def test_the_city_adds_days_off_and_days_of_work_of_its_own() -> None:
    friday, saturday = dt.date(2026, 11, 27), dt.date(2026, 11, 28)
    own = WorkCalendar.of(off=[friday], worked=[saturday])
    assert not own.is_working(friday)
    assert own.is_working(saturday)


@given(st.integers(0, 7 * 365 * 24 * 60), st.integers(1, 30))
def test_a_deadline_is_after_its_start_and_after_every_shorter_one(minutes: int, days: int) -> None:
    start = dt.datetime(2025, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=minutes)
    due = CALENDAR.due(start, days)
    assert due > start
    assert due > CALENDAR.due(start, days - 1)
    local = due.astimezone(ZONE)
    assert local.time() == CLOSES
    assert CALENDAR.is_working(local.date())

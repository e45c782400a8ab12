"""Forecasts: what grows runs out when it should, and what does not grow never does."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.domain.forecast import LEAST_DAYS, NEVER_DAYS, CapacityDay, Forecast, forecast, forecasts

FIRST = dt.date(2026, 1, 5)


def make_days(
    used: Callable[[int], float], count: int = 182, capacity: Callable[[int], float] = lambda day: 1000.0,
    name: str = "VCPU",
) -> list[CapacityDay]:  # fmt: skip
    return [
        CapacityDay(FIRST + dt.timedelta(day), name, used(day), capacity(day), capacity(day) * 0.75)
        for day in range(count)
    ]


def likely(found: Forecast) -> float:
    assert found.left is not None
    return found.left.likely


def test_steady_growth_runs_out_when_the_line_meets_the_capacity() -> None:
    found = forecast(make_days(lambda day: 100 + 2 * day))
    assert found.growth == pytest.approx(2)
    assert likely(found) == pytest.approx((1000 - 462) / 2)
    assert found.error == pytest.approx(0)
    assert found.coverage == 1


def test_the_loss_of_the_largest_hypervisor_comes_to_matter_earlier() -> None:
    found = forecast(make_days(lambda day: 100 + 2 * day))
    assert found.left_without_largest is not None
    assert found.left_without_largest.likely == pytest.approx((750 - 462) / 2)


@pytest.mark.parametrize("count", [1, 7, LEAST_DAYS - 1])
def test_with_too_little_history_no_number_is_given_and_it_is_said(count: int) -> None:
    found = forecast(make_days(lambda day: 100 + day, count))
    assert (found.left, found.left_without_largest, found.growth, found.error) == (None, None, None, None)
    assert found.reason == f"too little history: {count} of at least 28 days"


def test_few_days_over_a_long_time_are_too_little_too() -> None:
    days = make_days(lambda day: 100 + day, 200)[::30]
    assert forecast(days).reason.startswith("too little history: 7")


@pytest.mark.parametrize("used", [lambda day: 500.0, lambda day: 900.0 - day], ids=["flat", "falling"])
def test_what_does_not_grow_never_runs_out(used: Callable[[int], float]) -> None:
    found = forecast(make_days(used))
    assert found.left is not None
    assert found.left.likely == found.left.earliest == math.inf


def test_weekdays_are_not_taken_for_growth() -> None:
    found = forecast(make_days(lambda day: 500 - (200 if (FIRST.weekday() + day) % 7 >= 5 else 0), 45))
    assert found.growth == 0
    assert likely(found) == math.inf


def test_growth_under_a_weekly_cycle_is_seen() -> None:
    found = forecast(make_days(lambda day: 300 + day - (150 if day % 7 >= 5 else 0)))
    assert found.growth == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("day_of_step", range(160, 182, 7))
def test_a_single_step_is_no_trend_but_counts_from_then_on(day_of_step: int) -> None:
    found = forecast(make_days(lambda day: 300.0 if day < day_of_step else 500.0))
    assert found.used == 500
    assert likely(found) == math.inf


def test_steps_that_come_again_and_again_are_a_trend() -> None:
    found = forecast(make_days(lambda day: 200 + 40 * (day // 28), 364))
    assert found.growth == pytest.approx(40 / 28, rel=0.35)


def test_hardware_that_was_added_counts_from_its_day_on() -> None:
    usual = forecast(make_days(lambda day: 100 + 2 * day))
    more = forecast(make_days(lambda day: 100 + 2 * day, capacity=lambda day: 1000 if day < 175 else 1500))
    assert likely(more) - likely(usual) == pytest.approx(250)
    assert more.growth == usual.growth


def test_a_lower_ratio_shortens_what_is_left() -> None:
    found = forecast(make_days(lambda day: 100 + 2 * day, capacity=lambda day: 1000 if day < 181 else 500))
    assert likely(found) == pytest.approx((500 - 462) / 2)


def test_what_is_used_up_has_no_day_left() -> None:
    found = forecast(make_days(lambda day: 1000 + day))
    assert found.left is not None
    assert (found.left.earliest, found.left.likely) == (0, 0)


def test_what_lies_beyond_ten_years_is_never() -> None:
    found = forecast(make_days(lambda day: 100 + day * 0.01))
    assert NEVER_DAYS < (1000 - 102) / 0.01
    assert likely(found) == math.inf


def test_noise_widens_the_interval_and_most_of_what_came_lay_within() -> None:
    noise = random.Random(5)
    found = forecast(make_days(lambda day: 200 + day + noise.gauss(0, 20), 364))
    assert found.left is not None
    assert found.left.earliest < found.left.likely < found.left.latest
    assert found.left.earliest <= (1000 - 564) <= found.left.latest
    assert found.error is not None
    assert 0 < found.error < 0.05
    assert found.coverage is not None
    assert found.coverage >= 0.7


def test_days_of_which_nothing_is_known_do_not_bend_the_line() -> None:
    days = make_days(lambda day: 100 + 2 * day)
    assert forecast(days[:60] + days[100:]).growth == pytest.approx(2)


def test_each_resource_has_its_own() -> None:
    days = make_days(lambda day: 100 + day) + make_days(lambda day: 7.0, name="DISK_GB")
    assert [one.resource_class for one in forecasts(days)] == ["DISK_GB", "VCPU"]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1e15), min_size=1, max_size=120), st.floats(0, 1e15))
def test_any_history_gives_an_ordered_interval_or_a_reason(used: list[float], capacity: float) -> None:
    found = forecast(make_days(lambda day: used[day], len(used), lambda day: capacity))
    assert (found.left is None) == bool(found.reason)
    if found.left is not None:
        assert 0 <= found.left.earliest <= found.left.likely <= found.left.latest

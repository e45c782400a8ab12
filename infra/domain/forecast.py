"""Forecast: when a resource of the city will be used up, with an interval and the error of past forecasts.

From daily maxima the peak of each week is taken (weeks count back from the last day), so that weekdays and
nights do not look like growth. The trend is Theil and Sen's: the median of the slopes between all pairs of
weeks, with its distribution-free interval (Sen 1968). Up to 29 % of weeks may be anything, which neither a
least-squares line nor exponential smoothing stands: an agency that moves in over a week-end is a step and no
trend. A forecast begins at the peak of the last week and is held against the capacity of the last day, so
that hardware and ratios count from the day on which they are there. How many weeks are looked back is what
would have served best in the past (backtest).
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from statistics import median
from typing import Any

LEAST_DAYS = 28
"""With fewer, nothing is foretold: four weeks are the fewest of which a trend can be told from noise."""
WINDOWS = (8, 13, 26, 52)
"""Weeks that may be looked back."""
HORIZON_WEEKS = 4
"""How far ahead past forecasts are judged."""
CONFIDENCE = 0.9
NEVER_DAYS = 3650
"""What lies further ahead is said to be never: no hardware is planned for longer."""
_BACKTESTS = 26


@dataclass(frozen=True)
class CapacityDay:
    """Greatest figures of a day over the whole city. `without_largest` is the capacity that is left when the
    largest hypervisor is lost; None where the resource has no such thing.
    """

    day: dt.date
    resource_class: str
    used: float
    allocatable: float
    without_largest: float | None = None


@dataclass(frozen=True)
class DaysLeft:
    """Days until `capacity` is used up; infinite for never. `earliest` and `latest` are the interval."""

    capacity: float
    likely: float
    earliest: float
    latest: float


@dataclass(frozen=True)
class Forecast:
    """`left` and `left_without_largest` are None while `reason` says why nothing can be foretold. `growth` is
    per day. `error` is the median error of past forecasts as a share of the capacity, `coverage` the share of
    them whose interval held what came; None before there were any.
    """

    resource_class: str
    day: dt.date
    history_days: int
    used: float
    allocatable: float
    reason: str = ""
    growth: float | None = None
    weeks: int | None = None
    left: DaysLeft | None = None
    left_without_largest: DaysLeft | None = None
    error: float | None = None
    coverage: float | None = None

    def as_data(self) -> dict[str, Any]:
        """As JSON knows it: days that are None are never."""
        data = {**asdict(self), "day": self.day.isoformat()}
        for name in ("left", "left_without_largest"):
            if data[name] is not None:
                data[name] = {key: None if days == math.inf else days for key, days in data[name].items()}
        return data


@dataclass(frozen=True)
class _Trend:
    """Slopes per week with their interval, and how far peaks lie from the line (for the interval)."""

    slope: float
    low: float
    high: float
    spread: float


@dataclass(frozen=True)
class _Backtest:
    errors: tuple[float, ...]
    held: tuple[bool, ...]


def forecasts(days: Sequence[CapacityDay]) -> tuple[Forecast, ...]:
    """One for each resource class, in their order."""
    ordered = sorted(days, key=lambda one: (one.resource_class, one.day))
    return tuple(forecast(tuple(group)) for _, group in groupby(ordered, key=lambda one: one.resource_class))


def forecast(days: Sequence[CapacityDay]) -> Forecast:
    """The forecast of one resource class, of which there is at least one day."""
    ordered = sorted(days, key=lambda one: one.day)
    last = ordered[-1]
    span = (last.day - ordered[0].day).days + 1
    known = len(ordered)
    peaks = weekly_peaks(ordered)
    if known < LEAST_DAYS or span < LEAST_DAYS or len(peaks) < LEAST_DAYS // 7:
        reason = f"too little history: {known} of at least {LEAST_DAYS} days"
        return Forecast(last.resource_class, last.day, known, last.used, last.allocatable, reason)
    weeks, tried = _best_window(peaks)
    trend = _trend(peaks[-weeks:])
    level = peaks[-1][1]
    without = last.without_largest
    scale = last.allocatable
    return Forecast(
        last.resource_class, last.day, known, last.used, last.allocatable,
        growth=trend.slope / 7,
        weeks=min(weeks, len(peaks)),
        left=_days_left(level, trend, last.allocatable),
        left_without_largest=_days_left(level, trend, without) if without is not None else None,
        error=median(tried.errors) / scale if tried.errors and scale > 0 else None,
        coverage=sum(tried.held) / len(tried.held) if tried.held else None,
    )  # fmt: skip


def weekly_peaks(ordered: Sequence[CapacityDay]) -> tuple[tuple[int, float], ...]:
    """(week, greatest use) with 0 for the week that ends on the last day, -1 for the one before; weeks of
    which nothing is known are left out.
    """
    last = ordered[-1].day
    found: dict[int, float] = {}
    for one in ordered:
        week = -((last - one.day).days // 7)
        found[week] = max(one.used, found.get(week, -math.inf))
    return tuple(sorted(found.items()))


def _trend(peaks: Sequence[tuple[int, float]]) -> _Trend:
    from scipy import stats  # type: ignore[import-untyped]  # half a second, only where it is needed

    weeks, values = [float(week) for week, _ in peaks], [value for _, value in peaks]
    slope, intercept, low, high = (float(one) for one in stats.theilslopes(values, weeks, alpha=CONFIDENCE))
    away = sorted(abs(y - intercept - slope * x) for x, y in zip(weeks, values, strict=True))
    spread = away[min(len(away) - 1, math.ceil(CONFIDENCE * len(away)) - 1)]
    return _Trend(slope, min(low, slope), max(high, slope), spread)


def _best_window(peaks: Sequence[tuple[int, float]]) -> tuple[int, _Backtest]:
    """Of the windows that the history fills (or the shortest), the one whose past forecasts were nearest; of
    several the longest.
    """
    usable = [weeks for weeks in WINDOWS if weeks <= len(peaks)] or [WINDOWS[0]]
    tried = [(weeks, _backtest(peaks, weeks)) for weeks in usable]
    return min(tried, key=lambda one: (median(one[1].errors) if one[1].errors else 0.0, -one[0]))


def _backtest(peaks: Sequence[tuple[int, float]], weeks: int) -> _Backtest:
    errors, held = [], []
    for error, inside in _past(peaks, weeks):
        errors.append(error)
        held.append(inside)
    return _Backtest(tuple(errors), tuple(held))


def _past(peaks: Sequence[tuple[int, float]], weeks: int) -> Iterator[tuple[float, bool]]:
    """What would have been foretold at the end of each past week, against what came."""
    came = dict(peaks)
    least = LEAST_DAYS // 7
    for end in range(max(least, len(peaks) - HORIZON_WEEKS - _BACKTESTS), len(peaks) + 1):
        week, level = peaks[end - 1]
        then = came.get(week + HORIZON_WEEKS)
        if then is None:
            continue
        trend = _trend(peaks[max(0, end - weeks) : end])
        low = level + trend.low * HORIZON_WEEKS - trend.spread
        high = level + trend.high * HORIZON_WEEKS + trend.spread
        yield abs(level + trend.slope * HORIZON_WEEKS - then), low <= then <= high


def _days_left(level: float, trend: _Trend, capacity: float) -> DaysLeft:
    return DaysLeft(
        capacity,
        likely=_until(level, trend.slope, capacity),
        earliest=_until(level + trend.spread, trend.high, capacity),
        latest=_until(level - trend.spread, trend.low, capacity),
    )


def _until(level: float, slope: float, capacity: float) -> float:
    """Days from now; 0 where it is used up already."""
    if level >= capacity:
        return 0.0
    if slope <= 0:
        return math.inf
    days = (capacity - level) / (slope / 7)
    return days if days <= NEVER_DAYS else math.inf

"""Calendar: the working days and hours of Vietnamese offices, in which people have to decide.

Holidays and the Saturdays that are worked for a moved day off come from the library `holidays`, which follows
the government's decisions; what it does not know yet is given as `off` and `worked`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
OPENS, CLOSES = time(8), time(17)
REMIND_AFTER, ESCALATE_AFTER = 1, 3
"""Working days after which who has to decide is reminded, and others are told that it waits."""


@cache
def _known() -> holidays.HolidayBase:
    return holidays.country_holidays("VN")


@dataclass(frozen=True)
class WorkCalendar:
    """`off` are days off and `worked` working days beside those of the library, by the city's own
    decision.
    """

    off: frozenset[date] = field(default_factory=frozenset)
    worked: frozenset[date] = field(default_factory=frozenset)

    @classmethod
    def of(cls, off: Iterable[date] = (), worked: Iterable[date] = ()) -> WorkCalendar:
        return cls(frozenset(off), frozenset(worked))

    def is_working(self, day: date) -> bool:
        if day in self.worked:
            return True
        return day not in self.off and bool(_known().is_working_day(day))

    def due(self, start: datetime, days: int) -> datetime:
        """The end of the `days`-th working day after the day of `start`. What comes in after closing, or on
        a day off, counts as of the next working day. Aware, in UTC.
        """
        local = start.astimezone(ZONE)
        day = local.date()
        if not self.is_working(day) or local.time() >= CLOSES:
            day = self._next(day)
        for _ in range(days):
            day = self._next(day)
        return datetime.combine(day, CLOSES, ZONE).astimezone(_UTC)

    def _next(self, day: date) -> date:
        day += timedelta(days=1)
        while not self.is_working(day):
            day += timedelta(days=1)
        return day


_UTC = ZoneInfo("UTC")

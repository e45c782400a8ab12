"""Usage: how much of the time a deployment's server answered, and how busy it was, as monitoring has it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class UsageState(StrEnum):
    """`measured`; `empty`: nothing was measured yet; `unmeasured`: nothing of it can be, such as of a
    network; `unreachable`: monitoring does not answer now.
    """

    MEASURED = "measured"
    EMPTY = "empty"
    UNMEASURED = "unmeasured"
    UNREACHABLE = "unreachable"


class Span(StrEnum):
    """Up to now: 24 hours, 7 days, 30 days, and the city's calendar month from its first day."""

    DAY = "day"
    WEEK = "week"
    DAYS_30 = "days_30"
    MONTH = "month"


class MeasureKind(StrEnum):
    """`response` in seconds, of a probe; `processor`, `memory` and `disk` (of the fullest file system) as a
    share from 0 to 1; `received` and `sent` in bytes per second. All but the first are what the server tells
    of itself.
    """

    RESPONSE = "response"
    PROCESSOR = "processor"
    MEMORY = "memory"
    DISK = "disk"
    RECEIVED = "received"
    SENT = "sent"


@dataclass(frozen=True)
class Uptime:
    """`ratio` is the share of the time in which the server ought to answer and somebody looked, from 0 to 1;
    None where there was none. Agreed maintenance counts here as any other time: the SLA statement leaves it
    out.
    """

    span: Span
    ratio: float | None
    down_seconds: int
    unknown_seconds: int


@dataclass(frozen=True)
class UsageDay:
    day: date
    ratio: float | None


@dataclass(frozen=True)
class UsagePoint:
    at: datetime
    value: float


@dataclass(frozen=True)
class Measure:
    """`name` is the probe's, "" for what has no parts. Times without a value are left out."""

    kind: MeasureKind
    name: str
    points: tuple[UsagePoint, ...]


@dataclass(frozen=True)
class Usage:
    """`measures` are of 24 hours, from `since` to `until`; `days` of the 30 days before today, the oldest
    first."""

    state: UsageState
    since: datetime | None = None
    until: datetime | None = None
    uptime: tuple[Uptime, ...] = ()
    days: tuple[UsageDay, ...] = ()
    measures: tuple[Measure, ...] = ()

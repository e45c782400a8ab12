"""A server's usage as monitoring might have it: a working day, an interruption, a night without figures."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta

from infra.domain.calendar import ZONE
from infra.portal.usage import (
    Measure,
    MeasureKind,
    Span,
    Uptime,
    Usage,
    UsageDay,
    UsagePoint,
    UsageState,
)

UPTIME = (
    Uptime(Span.DAY, 1.0, 0, 0), Uptime(Span.WEEK, 0.99985, 92, 0),
    Uptime(Span.DAYS_30, 0.99731, 6980, 1800), Uptime(Span.MONTH, 0.99702, 6980, 1800),
)  # fmt: skip
DAYS = {3: None, 4: None, 11: 0.9192, 20: 0.9951, 26: 0.99985}


def usage_of(now: datetime) -> Usage:
    until = now.astimezone(ZONE).replace(minute=0, second=0, microsecond=0)
    since = until - timedelta(days=1)
    today = until.date()
    days = tuple(UsageDay(today - timedelta(days=30 - one), DAYS.get(one, 1.0)) for one in range(30))

    def measure(kind: MeasureKind, name: str, value: Callable[[float], float]) -> Measure:
        """`value` by the share of the day; from 2 to 4 o'clock nothing was measured."""
        moments = [since + timedelta(minutes=15 * number) for number in range(97)]
        return Measure(kind, name, tuple(
            UsagePoint(at, value(0.5 + 0.5 * math.cos((at.hour + at.minute / 60 - 10) / 12 * math.pi)))
            for at in moments if not 2 <= at.hour < 4
        ))  # fmt: skip

    return Usage(UsageState.MEASURED, since, until, UPTIME, days, (
        measure(MeasureKind.RESPONSE, "ssh", lambda busy: 0.012 + 0.02 * busy),
        measure(MeasureKind.RESPONSE, "web", lambda busy: 0.04 + 0.18 * busy**3),
        measure(MeasureKind.PROCESSOR, "", lambda busy: 0.04 + 0.7 * busy**2),
        measure(MeasureKind.MEMORY, "", lambda busy: 0.41 + 0.12 * busy),
        measure(MeasureKind.DISK, "", lambda busy: 0.6314),
        measure(MeasureKind.RECEIVED, "", lambda busy: 2e4 + 6e5 * busy**2),
        measure(MeasureKind.SENT, "", lambda busy: 3e4 + 2.5e6 * busy**2),
    ))  # fmt: skip

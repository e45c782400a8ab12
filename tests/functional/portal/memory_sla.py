"""Statements as the SLA ledger might have them: one server that was missed, one of which nothing counts."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from infra.domain.sla import DAY_SECONDS, Credit, Month, Seconds, Terms, Workload, WorkloadDay
from infra.portal.sla import Sla, sla_of
from infra.store.ledger import Head, LedgerMonth

MONTH = Month(2026, 10)
HEAD = Head(62, "ab" * 32)
TERMS = Terms("standard", Decimal("0.995"), "excluded", (Credit(Decimal("0.995"), Decimal("10")),))
DOWN, MAINTENANCE = 18_000, 7_200
"""Seconds: 5 hours in one day, and 2 in another's agreed maintenance."""


def day_of_web(day: dt.date, agency: str = "hongbang") -> WorkloadDay:
    down = DOWN if day.day == 12 else 0
    maintained = MAINTENANCE if day.day == 20 else 0
    return WorkloadDay(
        day, Workload(agency, "id-web", "web-01"),
        Seconds(up=DAY_SECONDS - down - maintained, down=down, maintenance=maintained), TERMS,
        windows=("2026-10-storage",) if maintained else (),
    )  # fmt: skip


def day_of_idle(day: dt.date) -> WorkloadDay:
    """A server that its agency keeps switched off."""
    return WorkloadDay(day, Workload("hongbang", "id-idle", "test-01"), Seconds(stopped=DAY_SECONDS), TERMS)


def month_of(*workload_days: WorkloadDay) -> LedgerMonth:
    return LedgerMonth(MONTH, workload_days, MONTH.days, HEAD)


OCTOBER = month_of(
    *(day_of_web(day) for day in MONTH.days), *(day_of_idle(day) for day in MONTH.days),
)  # fmt: skip
STATEMENTS: dict[tuple[str, str], Sla] = {("hongbang", "2026-10"): sla_of("hongbang", OCTOBER)}

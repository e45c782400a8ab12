"""SLO: a share of good events that is aimed at, and the alerts that tell that its error budget burns away.

Burn rate and windows are those of the Google SRE workbook, chapter 5, for a budget of 30 days: errors at
`factor` times what the objective allows, over a long and over a short window, so that an alert both means
something and ends soon after its cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BUDGET_WINDOW = "30d"
MINUTE_WINDOWS = ("5m", "30m", "1h", "6h")
"""Read from counts of a minute; the longer ones from counts of a quarter of an hour."""
QUARTER_WINDOWS = ("3d", BUDGET_WINDOW)


@dataclass(frozen=True)
class Burn:
    """An alert: when the budget burns `factor` times as fast as it may. `spent` is the share of the budget
    that is gone by then, in words.
    """

    alert: str
    severity: Literal["page", "notice"]
    factor: float
    long: str
    short: str
    hold: str
    spent: str


BURNS = (
    Burn("ErrorBudgetBurnsFast", "page", 14.4, "1h", "5m", "2m", "2 % of a month's error budget in an hour"),
    Burn("ErrorBudgetBurns", "page", 6, "6h", "30m", "5m", "5 % of a month's error budget in six hours"),
    Burn("ErrorBudgetBurnsSlowly", "notice", 1, "3d", "6h", "15m", "a tenth of a month's budget in 3 days"),
)
ABSENT_ALERT = "SloSeriesAbsent"


@dataclass(frozen=True)
class Fresh:
    """Facts of the exporter's `collector` count as long as they are no older than `seconds`."""

    collector: str
    seconds: int


@dataclass(frozen=True)
class Events:
    """Where events come from. `counters`: `good` and `total` are counters. `looks`: `good` is a gauge of 1 or
    0, each sample an event.
    """

    kind: Literal["counters", "looks"]
    good: str
    total: str = ""
    fresh: Fresh | None = None


@dataclass(frozen=True)
class Slo:
    """`per` are the labels of what the SLO is kept for, each with its own budget. `objective` holds where the
    expression `objective_from` gives none. With fewer than `minimum_events` in the longer window nothing is
    alerted. Without any event for `silence` the absence is, as long as `needed` (or nobody knows, unless it
    is of a part that is `optional`: not every site has it).
    """

    name: str
    title: str
    description: str
    owner: str
    per: tuple[str, ...]
    objective: float
    events: Events
    minimum_events: int
    silence: str
    objective_from: str = ""
    needed: str = ""
    optional: bool = False

"""Dashboards as data: rows, panels, queries. `grafana.py` makes Grafana's JSON of them.

Staff's dashboards have English titles, the agency's Vietnamese ones; every panel is described in both.
Units are Grafana's names. A query may use `$agency`, `$slo` and `$__rate_interval`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

STAT, TIME, TABLE, BARS, STATES = "stat", "timeseries", "table", "bargauge", "state-timeline"
KINDS = (STAT, TIME, TABLE, BARS, STATES)
GREEN, YELLOW, RED = "green", "yellow", "red"
Steps = tuple[tuple[float | None, str], ...]
"""Thresholds: from which value on a colour holds; the first holds from minus infinity (None)."""
BAD_ABOVE_ZERO: Steps = ((None, GREEN), (1, RED))
BAD_BELOW_ONE: Steps = ((None, RED), (1, GREEN))
FULL: Steps = ((None, GREEN), (0.85, YELLOW), (0.95, RED))
LEFT: Steps = ((None, RED), (0.25, YELLOW), (0.5, GREEN))
UP_DOWN = {"0": "down", "1": "up"}


@dataclass(frozen=True)
class Query:
    """PromQL and what a series is called in the legend (`{{label}}`)."""

    expression: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """`runbooks` are alerts whose pages the panel links to; `values` words for values. `may_be_empty` says
    why the panel has no data on a site that is well, "" where that would be a fault."""

    title: str
    english: str
    vietnamese: str
    kind: str
    queries: tuple[Query, ...]
    unit: str = "short"
    steps: Steps = ((None, GREEN),)
    width: int = 12
    height: int = 8
    decimals: int | None = None
    runbooks: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    may_be_empty: str = ""


@dataclass(frozen=True)
class Row:
    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Dashboard:
    """`variables` of `agency` and `slo` that its queries use; `past` is the time that it shows, as in 6h."""

    uid: str
    title: str
    english: str
    vietnamese: str
    rows: tuple[Row, ...]
    variables: tuple[str, ...] = ()
    past: str = "6h"
    refresh: str = "30s"

    @property
    def panels(self) -> tuple[Panel, ...]:
        return tuple(panel for row in self.rows for panel in row.panels)


def query(expression: str, legend: str = "") -> tuple[Query, ...]:
    """A panel's only query, its lines joined."""
    return (Query(" ".join(expression.split()), legend),)

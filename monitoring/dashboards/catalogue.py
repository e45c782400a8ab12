"""All dashboards, and their queries as Grafana would send them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from monitoring.dashboards.agency import AGENCY
from monitoring.dashboards.capacity import CAPACITY
from monitoring.dashboards.operations import OPERATIONS
from monitoring.dashboards.panel import Panel
from monitoring.dashboards.slo import SLO
from monitoring.prometheus import Prometheus

DASHBOARDS = (OPERATIONS, CAPACITY, AGENCY, SLO)
RATE_INTERVAL = "5m"


@dataclass(frozen=True)
class PanelQuery:
    """A query of a panel with its variables filled in; `may_be_empty` is the panel's reason."""

    dashboard: str
    panel: str
    expression: str
    may_be_empty: str


def queries(agency: str, slo: str = ".*") -> Iterator[PanelQuery]:
    """Every query of every panel, for the agency of that code and SLOs that match."""
    for dashboard in DASHBOARDS:
        for panel in dashboard.panels:
            for expression in filled(panel, agency, slo):
                yield PanelQuery(dashboard.uid, panel.title, expression, panel.may_be_empty)


def filled(panel: Panel, agency: str, slo: str) -> Iterator[str]:
    """A panel's queries with Grafana's variables replaced."""
    for query in panel.queries:
        yield (
            query.expression.replace("$__rate_interval", RATE_INTERVAL)
            .replace("$agency", agency)
            .replace("$slo", slo)
        )


def without_data(prometheus: Prometheus, agency: str) -> tuple[PanelQuery, ...]:
    """Queries to which a Prometheus has no answer, but those that may be empty. Raises QueryRefused for one
    that it does not take."""
    return tuple(
        entry
        for entry in queries(agency)
        if not prometheus.query(entry.expression) and not entry.may_be_empty
    )

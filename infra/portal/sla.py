"""What pages and API show of an agency's SLA statement: a month of its servers as the ledger has it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from infra.domain.sla import CONDITIONS, Month, WorkloadStatement, day_of, statement
from infra.store.ledger import LedgerMonth


class SlaState(StrEnum):
    """UNREACHABLE: the ledger does not answer now; EMPTY: it has no day of the month yet."""

    KNOWN = "known"
    EMPTY = "empty"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True)
class SlaServer:
    """`availability` and `objective` are shares; the first is None, and `met` too, where nothing counts.
    `seconds` are by condition, `unknown_counts` says that unknown time counts as down. `windows` are agreed
    maintenance, `corrections` what was corrected and why.
    """

    id: str
    name: str
    availability: float | None
    objective: float
    met: bool | None
    credit_percent: float
    seconds: Mapping[str, int]
    unknown_counts: bool
    windows: tuple[str, ...]
    corrections: tuple[str, ...]

    @property
    def shown(self) -> float:
        """The availability in hundredths of a percent, rounded down: what was missed never looks kept."""
        return math.floor(round((self.availability or 0.0) * 1e6) / 100) / 1e4

    def lasted(self, condition: str) -> timedelta:
        return timedelta(seconds=self.seconds[condition])


@dataclass(frozen=True)
class Sla:
    """`month` is YYYY-MM; `entry` the ledger entry that it rests on, by which it can be proved later.
    `days_missing` are days of the month that are not in the ledger (yet).
    """

    month: str
    state: SlaState = SlaState.UNREACHABLE
    entry: str = ""
    days_missing: int = 0
    servers: tuple[SlaServer, ...] = ()


def last_month(now: datetime) -> Month:
    """The month of the last day that is over."""
    return Month.of(day_of(now) - timedelta(1))


def sla_of(agency: str, found: LedgerMonth) -> Sla:
    """The statement of this agency and of no other, whatever the ledger's answer has."""
    told = statement(agency, found.month, found.days, found.written)
    return Sla(
        str(found.month), SlaState.KNOWN if found.written else SlaState.EMPTY, str(found.head),
        len(told.days_missing), tuple(_server(one) for one in told.workloads),
    )  # fmt: skip


def _server(one: WorkloadStatement) -> SlaServer:
    return SlaServer(
        one.workload.id, one.workload.name, None if one.availability is None else float(one.availability),
        float(one.terms.objective), one.met, float(one.credit_percent),
        {name: getattr(one.seconds, name) for name in CONDITIONS}, one.terms.unknown == "counts_down",
        one.windows, one.corrections,
    )  # fmt: skip

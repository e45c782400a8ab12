"""The journal of workers: a step is written as running before it is done, and its end after.

`table` is whose steps they are: of requests (STEP), of rebuilds (REBUILD_STEP). Its first column names the
one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from infra.domain.audit import moment
from infra.domain.step import JournalStep, StepState
from infra.domain.words import NOTHING, Words
from infra.store.lease import Lease, fence
from infra.store.portal_database import Transaction
from infra.store.portal_schema import STEP


def begin(
    tx: Transaction, lease: Lease, owner: str, *, name: str, now: datetime, anew: bool = False,
    table: sa.Table = STEP,
) -> int:  # fmt: skip
    """Write that the step begins, in the last attempt or (`anew`) in a new one; returns its place. Raises
    LeaseLost.
    """
    fence(tx, lease)
    before = steps(tx.connection, owner, table)
    attempt = max((one.attempt for one in before), default=0) + (1 if anew or not before else 0)
    place = sum(one.attempt == attempt for one in before)
    tx.connection.execute(
        sa.insert(table).values({
            _owner(table).name: owner, "attempt": attempt, "place": place, "name": name,
            "state": StepState.RUNNING, "token": lease.token, "started": moment(now), "ended": "",
            "note_vi": "", "note_en": "",
        })
    )  # fmt: skip
    return place


def end(
    tx: Transaction, lease: Lease, owner: str, place: int, *, state: StepState, now: datetime,
    note: Words = NOTHING, table: sa.Table = STEP,
) -> None:  # fmt: skip
    """Write how the step of the last attempt ended. Raises LeaseLost."""
    fence(tx, lease)
    tx.connection.execute(
        sa.update(table)
        .where(_owner(table) == owner, table.c.attempt == _last(owner, table), table.c.place == place)
        .values(state=state, ended=moment(now), note_vi=note.vi, note_en=note.en)
    )


def steps(connection: sa.Connection, owner: str, table: sa.Table = STEP) -> tuple[JournalStep, ...]:
    """Those of the last attempt, in their order."""
    asked = sa.select(table).where(_owner(table) == owner, table.c.attempt == _last(owner, table))
    return tuple(
        JournalStep(
            row.attempt, row.place, row.name, StepState(row.state), datetime.fromisoformat(row.started),
            datetime.fromisoformat(row.ended) if row.ended else None, Words(row.note_vi, row.note_en),
        )
        for row in connection.execute(asked.order_by(table.c.place))
    )  # fmt: skip


def failure(told: Sequence[JournalStep]) -> Words:
    """Why an attempt failed first; NOTHING if none of its steps did."""
    return next((one.note for one in told if one.state == StepState.FAILED), NOTHING)


def _owner(table: sa.Table) -> sa.Column[str]:
    return table.columns.values()[0]


def _last(owner: str, table: sa.Table) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.max(table.c.attempt)).where(_owner(table) == owner).scalar_subquery()

"""The journal of workers: a step is written as running before it is done, and its end after."""

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
    tx: Transaction, lease: Lease, request: str, *, name: str, now: datetime, anew: bool = False
) -> int:
    """Write that the step begins, in the last attempt or (`anew`) in a new one; returns its place. Raises
    LeaseLost.
    """
    fence(tx, lease)
    before = steps(tx.connection, request)
    attempt = max((one.attempt for one in before), default=0) + (1 if anew or not before else 0)
    place = sum(one.attempt == attempt for one in before)
    tx.connection.execute(
        sa.insert(STEP).values(
            request=request, attempt=attempt, place=place, name=name, state=StepState.RUNNING,
            token=lease.token, started=moment(now), ended="", note_vi="", note_en="",
        )
    )  # fmt: skip
    return place


def end(
    tx: Transaction, lease: Lease, request: str, place: int, *, state: StepState, now: datetime,
    note: Words = NOTHING,
) -> None:  # fmt: skip
    """Write how the step of the last attempt ended. Raises LeaseLost."""
    fence(tx, lease)
    attempt = sa.select(sa.func.max(STEP.c.attempt)).where(STEP.c.request == request).scalar_subquery()
    tx.connection.execute(
        sa.update(STEP)
        .where(STEP.c.request == request, STEP.c.attempt == attempt, STEP.c.place == place)
        .values(state=state, ended=moment(now), note_vi=note.vi, note_en=note.en)
    )


def steps(connection: sa.Connection, request: str) -> tuple[JournalStep, ...]:
    """Those of the last attempt, in their order."""
    attempt = sa.select(sa.func.max(STEP.c.attempt)).where(STEP.c.request == request).scalar_subquery()
    asked = sa.select(STEP).where(STEP.c.request == request, STEP.c.attempt == attempt).order_by(STEP.c.place)
    return tuple(
        JournalStep(
            row.attempt, row.place, row.name, StepState(row.state), datetime.fromisoformat(row.started),
            datetime.fromisoformat(row.ended) if row.ended else None, Words(row.note_vi, row.note_en),
        )
        for row in connection.execute(asked)
    )  # fmt: skip


def failure(told: Sequence[JournalStep]) -> Words:
    """Why an attempt failed first; NOTHING if none of its steps did."""
    return next((one.note for one in told if one.state == StepState.FAILED), NOTHING)

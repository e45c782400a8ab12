"""Snapshots as rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from infra.domain.audit import moment
from infra.domain.snapshot import SHOWN, Snapshot, SnapshotState
from infra.domain.words import NOTHING, Words
from infra.store.portal_database import Transaction
from infra.store.portal_schema import SNAPSHOT


def insert(
    tx: Transaction, deployment: str, name: str, who_name: str, now: datetime, *, archive: bool = False
) -> str:
    """A new one that is wanted; its id."""
    id_ = str(uuid4())
    tx.connection.execute(
        sa.insert(SNAPSHOT).values(
            id=id_, deployment=deployment, name=name, state=SnapshotState.WANTED, archive=archive,
            who_name=who_name, created=moment(now), image="", size=0, note_vi="", note_en="",
        )
    )  # fmt: skip
    return id_


def find(connection: sa.Connection, id_: str) -> Snapshot | None:
    row = connection.execute(sa.select(SNAPSHOT).where(SNAPSHOT.c.id == id_)).first()
    return _snapshot(row) if row is not None else None


def of_deployment(connection: sa.Connection, deployment: str) -> tuple[Snapshot, ...]:
    """Those that are not gone, the newest first."""
    asked = sa.select(SNAPSHOT).where(SNAPSHOT.c.deployment == deployment, SNAPSHOT.c.state.in_(SHOWN))
    rows = connection.execute(asked.order_by(SNAPSHOT.c.created.desc(), SNAPSHOT.c.id))
    return tuple(_snapshot(row) for row in rows)


def in_states(connection: sa.Connection, states: Sequence[SnapshotState]) -> tuple[Snapshot, ...]:
    """The oldest first, of all deployments."""
    asked = sa.select(SNAPSHOT).where(SNAPSHOT.c.state.in_(states))
    rows = connection.execute(asked.order_by(SNAPSHOT.c.created, SNAPSHOT.c.id))
    return tuple(_snapshot(row) for row in rows)


def move(
    tx: Transaction, before: Snapshot, state: SnapshotState, note: Words = NOTHING, **changes: Any
) -> bool:
    """False where it is no longer as it was: somebody has deleted it meanwhile, or made it."""
    done = tx.connection.execute(
        sa.update(SNAPSHOT)
        .where(SNAPSHOT.c.id == before.id, SNAPSHOT.c.state == before.state)
        .values(state=state, note_vi=note.vi, note_en=note.en, **changes)
    )
    return done.rowcount == 1


def all_gone(tx: Transaction, deployment: str) -> None:
    """They went with their deployment."""
    mine = sa.update(SNAPSHOT).where(SNAPSHOT.c.deployment == deployment)
    tx.connection.execute(mine.values(state=SnapshotState.GONE))


def _snapshot(row: sa.Row[Any]) -> Snapshot:
    return Snapshot(
        row.id, row.deployment, row.name, SnapshotState(row.state), row.who_name,
        datetime.fromisoformat(row.created), row.archive, row.image, row.size,
        Words(row.note_vi, row.note_en),
    )  # fmt: skip

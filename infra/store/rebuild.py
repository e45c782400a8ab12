"""Rebuilds as rows, and their steps."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from infra.domain.audit import moment
from infra.domain.rebuild import Rebuild, RebuildState
from infra.domain.words import NOTHING, Words
from infra.store.portal_database import Transaction
from infra.store.portal_schema import REBUILD


def insert(tx: Transaction, deployment: str, snapshot: str, now: datetime) -> str:
    """A new one that is wanted; its id."""
    id_ = str(uuid4())
    tx.connection.execute(
        sa.insert(REBUILD).values(
            id=id_, deployment=deployment, snapshot=snapshot, state=RebuildState.WANTED, created=moment(now),
            note_vi="", note_en="",
        )
    )  # fmt: skip
    return id_


def last(connection: sa.Connection, deployment: str) -> Rebuild | None:
    asked = sa.select(REBUILD).where(REBUILD.c.deployment == deployment)
    newest = asked.order_by(REBUILD.c.created.desc(), REBUILD.c.state.desc(), REBUILD.c.id).limit(1)
    row = connection.execute(newest).first()
    return _rebuild(row) if row is not None else None


def wanted(connection: sa.Connection) -> tuple[Rebuild, ...]:
    """The oldest first, of all deployments."""
    asked = sa.select(REBUILD).where(REBUILD.c.state == RebuildState.WANTED)
    return tuple(_rebuild(row) for row in connection.execute(asked.order_by(REBUILD.c.created)))


def is_wanted(connection: sa.Connection, deployment: str) -> bool:
    """Whether the disk of the deployment is to be made new, or is being made."""
    found = last(connection, deployment)
    return found is not None and found.state == RebuildState.WANTED


def end(tx: Transaction, rebuild: str, state: RebuildState, note: Words = NOTHING) -> bool:
    """False where it had ended before."""
    done = tx.connection.execute(
        sa.update(REBUILD)
        .where(REBUILD.c.id == rebuild, REBUILD.c.state == RebuildState.WANTED)
        .values(state=state, note_vi=note.vi, note_en=note.en)
    )
    return done.rowcount == 1


def _rebuild(row: sa.Row[Any]) -> Rebuild:
    return Rebuild(
        row.id, row.deployment, row.snapshot, RebuildState(row.state), datetime.fromisoformat(row.created),
        Words(row.note_vi, row.note_en),
    )  # fmt: skip

"""Delegations as rows: who signs for whom, from when until when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from infra.domain.approval import Delegation, Stage
from infra.domain.audit import moment
from infra.store.portal_database import Transaction
from infra.store.portal_schema import DELEGATION


def insert(tx: Transaction, given: Delegation, now: datetime) -> str:
    """Its new id."""
    id_ = str(uuid4())
    tx.connection.execute(
        sa.insert(DELEGATION).values(
            id=id_, giver=given.giver, giver_name=given.giver_name, taker=given.taker,
            taker_name=given.taker_name, agency=given.agency, stage=given.stage, start=moment(given.start),
            end=moment(given.end), made=moment(now), revoked="",
        )
    )  # fmt: skip
    return id_


def revoke(tx: Transaction, id_: str, now: datetime) -> bool:
    """End it now; whether it had not ended already."""
    ended = sa.update(DELEGATION).where(
        DELEGATION.c.id == id_, DELEGATION.c.revoked == "", DELEGATION.c.end > moment(now)
    )
    return tx.connection.execute(ended.values(revoked=moment(now))).rowcount == 1


def find(connection: sa.Connection, id_: str) -> Delegation | None:
    row = connection.execute(sa.select(DELEGATION).where(DELEGATION.c.id == id_)).first()
    return _delegation(row) if row is not None else None


def to(connection: sa.Connection, taker: str, now: datetime) -> tuple[Delegation, ...]:
    """Those to the person that are in force, whatever has become of their givers: see `upheld`."""
    asked = sa.select(DELEGATION).where(
        DELEGATION.c.taker == taker, DELEGATION.c.start <= moment(now), DELEGATION.c.end > moment(now),
        DELEGATION.c.revoked == "",
    )  # fmt: skip
    return tuple(_delegation(row) for row in connection.execute(asked))


def of(connection: sa.Connection, person: str, limit: int) -> Sequence[Delegation]:
    """Those that the person gave or took, ended ones too, the latest first."""
    asked = (
        sa.select(DELEGATION)
        .where(sa.or_(DELEGATION.c.giver == person, DELEGATION.c.taker == person))
        .order_by(DELEGATION.c.start.desc(), DELEGATION.c.id)
        .limit(limit)
    )
    return [_delegation(row) for row in connection.execute(asked)]


def _delegation(row: sa.Row[Any]) -> Delegation:
    return Delegation(
        row.giver, row.giver_name, row.taker, row.agency, Stage(row.stage),
        datetime.fromisoformat(row.start), datetime.fromisoformat(row.end), row.id,
        row.taker_name or row.taker, datetime.fromisoformat(row.revoked) if row.revoked else None,
    )  # fmt: skip

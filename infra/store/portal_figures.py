"""What monitoring counts in the portal's database: one query of little cost for each figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from infra.domain.deployment import DeploymentState
from infra.domain.request import RequestState
from infra.store import notice
from infra.store.notice import TRIED, Unmailed
from infra.store.portal_database import PortalDatabase
from infra.store.portal_schema import AUDIT, DEPLOYMENT, REQUEST

_DECIDED = ("request.approve", "request.retry", "request.allow")
"""Audit records after which a request may be in the state approved."""


@dataclass(frozen=True)
class PortalFigures:
    """Counts have every state, with 0 where there is none. `waiting_since` is when the oldest request that
    waits for a decision was handed in, `approved_since` when the oldest that waits for a worker was approved
    or tried again; None where none waits. `unmailed` are notices that wait for a mail server; none where the
    portal sends no mails.
    """

    requests: Mapping[str, int]
    deployments: Mapping[str, int]
    waiting_since: datetime | None
    approved_since: datetime | None
    unmailed: Unmailed


def read(database: PortalDatabase, now: datetime, *, mails: bool) -> PortalFigures:
    """One state of the database. `mails`: whether the portal sends any. Raises StoreUnreachable."""
    with database.reading() as connection:
        return PortalFigures(
            _by_state(connection, REQUEST, tuple(RequestState)),
            _by_state(connection, DEPLOYMENT, tuple(DeploymentState)),
            _moment(connection.execute(_WAITING).scalar()),
            _moment(connection.execute(_APPROVED).scalar()),
            notice.unmailed(connection, now) if mails else _NO_MAILS,
        )


_NO_MAILS = Unmailed(dict.fromkeys(TRIED, 0), None)
_WAITING = sa.select(sa.func.min(REQUEST.c.submitted)).where(REQUEST.c.state == RequestState.SUBMITTED)
_LAST_DECISION = (
    sa.select(sa.func.max(AUDIT.c.at).label("at"))
    .join(REQUEST, REQUEST.c.id == AUDIT.c.about)
    .where(REQUEST.c.state == RequestState.APPROVED, AUDIT.c.action.in_(_DECIDED))
    .group_by(REQUEST.c.id)
    .subquery()
)
_APPROVED = sa.select(sa.func.min(_LAST_DECISION.c.at))


def _by_state(connection: sa.Connection, table: sa.Table, states: tuple[str, ...]) -> dict[str, int]:
    counted = sa.select(table.c.state, sa.func.count()).group_by(table.c.state)
    found = {str(state): int(count) for state, count in connection.execute(counted)}
    return {str(state): found.get(str(state), 0) for state in states}


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None

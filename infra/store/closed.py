"""Whether an agency is closed: its lease is held for ever by its closure, so that no worker gets it and one
that slept past its own is fenced off. `infra.store.closure` closes and reopens.
"""

from __future__ import annotations

import sqlalchemy as sa

from infra.domain.estate import AgencyClosed
from infra.store.lease import OF_AGENCY, of_agency
from infra.store.portal_schema import LEASE

CLOSURE = "citycloud:closure"
"""Holder of the lease of an agency that is closed, and who its audit records are by."""


def is_closed(connection: sa.Connection, agency: str) -> bool:
    asked = sa.select(LEASE.c.name).where(LEASE.c.name == of_agency(agency), LEASE.c.holder == CLOSURE)
    return connection.execute(asked).first() is not None


def closed_agencies(connection: sa.Connection) -> frozenset[str]:
    rows = connection.execute(sa.select(LEASE.c.name).where(LEASE.c.holder == CLOSURE))
    return frozenset(row.name.removeprefix(OF_AGENCY) for row in rows)


def must_be_open(connection: sa.Connection, agency: str) -> None:
    """Raises AgencyClosed."""
    if is_closed(connection, agency):
        raise AgencyClosed(agency)


def is_open(agency: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """The same of a column with agencies' codes, as part of a question."""
    name = sa.literal(OF_AGENCY) + agency
    return ~sa.exists().where(LEASE.c.name == name, LEASE.c.holder == CLOSURE)

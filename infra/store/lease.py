"""Leases: which worker may act on a thing, until when, and a token that fences off who had it before.

A worker that slept past its lease still believes that it holds it. Each write names the token, and one that
is no longer the newest is refused in the transaction of the write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from infra.domain.audit import moment
from infra.errors import InfraError
from infra.store.portal_database import PortalDatabase, Transaction
from infra.store.portal_schema import LEASE

OF_AGENCY = "agency:"
FOREVER = timedelta(days=365_000)
"""How long a lease lasts that is not given back by itself."""


class LeaseLost(InfraError):
    """Another worker has taken this over; leave it alone."""

    code = "lease_lost"


@dataclass(frozen=True)
class Lease:
    """`holder` is unique to one run of one worker. `token` is above every token of before."""

    name: str
    holder: str
    token: int


def of_agency(code: str) -> str:
    """The name of the lease of all that is worked on for an agency."""
    return f"{OF_AGENCY}{code}"


def acquire(
    database: PortalDatabase, name: str, holder: str, *, now: datetime, lasts: timedelta
) -> Lease | None:  # fmt: skip
    """The lease, if nobody else holds it; one's own is made longer."""
    with database.touching() as connection:
        return acquire_in(connection, name, holder, now=now, lasts=lasts)


def acquire_in(
    connection: sa.Connection, name: str, holder: str, *, now: datetime, lasts: timedelta
) -> Lease | None:  # fmt: skip
    """As `acquire`, as part of a transaction."""
    if connection.execute(sa.select(LEASE.c.name).where(LEASE.c.name == name)).first() is None:
        _first(connection, name)
    until = moment(now + lasts)
    mine = sa.and_(LEASE.c.holder == holder, LEASE.c.until > moment(now))
    kept = connection.execute(sa.update(LEASE).where(LEASE.c.name == name, mine).values(until=until))
    if kept.rowcount == 0:
        taken = connection.execute(
            sa.update(LEASE)
            .where(LEASE.c.name == name, LEASE.c.until <= moment(now))
            .values(holder=holder, until=until, token=LEASE.c.token + 1)
        )
        if taken.rowcount == 0:
            return None
    token = connection.execute(sa.select(LEASE.c.token).where(LEASE.c.name == name)).scalar_one()
    return Lease(name, holder, token)


def held(connection: sa.Connection, now: datetime) -> Mapping[str, str]:
    """Name -> holder of every agency's lease that somebody holds now."""
    mine = LEASE.c.name.startswith(OF_AGENCY, autoescape=True)
    asked = sa.select(LEASE.c.name, LEASE.c.holder).where(mine, LEASE.c.until > moment(now))
    return {row.name: row.holder for row in connection.execute(asked)}


def renew(database: PortalDatabase, lease: Lease, *, now: datetime, lasts: timedelta) -> None:
    """Raises LeaseLost where another one holds it by now. One that ran out and that nobody took goes on."""
    with database.touching() as connection:
        done = connection.execute(
            sa.update(LEASE)
            .where(LEASE.c.name == lease.name, LEASE.c.token == lease.token, LEASE.c.holder == lease.holder)
            .values(until=moment(now + lasts))
        )
    if done.rowcount != 1:
        raise LeaseLost(f"{lease.name} is held by another worker than {lease.holder} now")


def give_back(database: PortalDatabase, lease: Lease, *, now: datetime) -> None:
    """Let the next one have it at once; nothing happens if another one has it already."""
    with database.touching() as connection:
        connection.execute(
            sa.update(LEASE)
            .where(LEASE.c.name == lease.name, LEASE.c.token == lease.token)
            .values(until=moment(now))
        )


def fence(tx: Transaction, lease: Lease) -> None:
    """Raises LeaseLost unless the lease's token is the newest; nobody takes it before `tx` ends."""
    token = tx.connection.execute(
        sa.select(LEASE.c.token).where(LEASE.c.name == lease.name).with_for_update()
    ).scalar()
    if token != lease.token:
        raise LeaseLost(f"{lease.name} is held by another worker than {lease.holder} now; leave it alone")


def _first(connection: sa.Connection, name: str) -> None:
    """Nobody's lease, made once, however many workers ask for it at the same time."""
    values = {"name": name, "holder": "", "token": 0, "until": ""}
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        connection.execute(postgresql.insert(LEASE).values(values).on_conflict_do_nothing())
    else:
        connection.execute(sa.insert(LEASE).values(values))

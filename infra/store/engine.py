"""How a database is opened: SQLite in WAL mode, or PostgreSQL, by SQLAlchemy's URL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from infra.errors import InfraError


class StoreUnreachable(InfraError):
    """The store's database does not open or does not answer; the message says which and why."""

    code = "store_unreachable"


class StoreUrlInvalid(InfraError):
    """The store's URL is none; write sqlite:////var/lib/.../store.sqlite or
    postgresql+psycopg://user@host/database, without a password (set PGPASSWORD)."""

    code = "store_url_invalid"


def open_engine(url: str, *, make: bool, of: str, missing: str, pool: int = 1) -> sa.Engine:
    """`of` names what the database holds in errors, `missing` says who makes it. `pool` is how many
    connections are kept: to PostgreSQL one more may be opened; to SQLite as many as are asked for, and none
    is kept where `pool` is 1.
    """
    way_out = "write sqlite:////absolute/path or postgresql+psycopg://user@host/database"
    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() not in ("sqlite", "postgresql"):
            raise StoreUrlInvalid(f"{parsed.get_backend_name()!r} is no database of the {of}; {way_out}")
        if parsed.password is not None:
            raise StoreUrlInvalid(f"the {of}'s URL has a password in it; set PGPASSWORD instead")
        if parsed.get_backend_name() == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
            return sa.create_engine(
                parsed, pool_size=pool, max_overflow=1, connect_args={"connect_timeout": 10}
            )
        if not make and not Path(parsed.database or "").exists():
            raise StoreUnreachable(f"{parsed.database}: there is no {of}; {missing}")
        return _sqlite(parsed, pool)
    except (ArgumentError, NoSuchModuleError, ValueError) as wrong:
        raise StoreUrlInvalid(f"the {of}'s URL is none ({wrong}); {way_out}") from wrong


@contextmanager
def answering(place: str) -> Iterator[None]:
    """Turns what the driver raises into StoreUnreachable."""
    try:
        yield
    except DBAPIError as failed:
        raise StoreUnreachable(f"{place}: {_reason(failed)}") from failed


def _sqlite(url: sa.URL, pool: int) -> sa.Engine:
    """Opening a connection costs more than a page's questions, so a server keeps some."""
    engine = (
        sa.create_engine(url, poolclass=sa.QueuePool, pool_size=pool, max_overflow=-1)
        if pool > 1
        else sa.create_engine(url, poolclass=sa.NullPool)
    )

    @event.listens_for(engine, "connect")
    def opened(connection: sqlite3.Connection, record: object) -> None:
        connection.isolation_level = None  # sqlite3 would begin and commit by itself
        for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begins(connection: sa.Connection) -> None:
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _reason(failed: DBAPIError) -> str:
    original: Any = failed.orig
    return " ".join(str(original or failed).split())[:300]

"""The database behind the ledger: engine, schema and its version, and triggers that refuse to change what is
written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import sqlalchemy as sa

from infra.errors import InfraError
from infra.store.engine import StoreUnreachable, StoreUrlInvalid, answering, open_engine

__all__ = [
    "CAPACITY",
    "ENTRY",
    "METADATA",
    "Database",
    "SchemaUnknown",
    "StoreUnreachable",
    "StoreUrlInvalid",
]
SCHEMA_VERSION = 1
METADATA = sa.MetaData()

VERSION = sa.Table(
    "ledger_version", METADATA, sa.Column("version", sa.Integer, primary_key=True, autoincrement=False)
)
ENTRY = sa.Table(
    "ledger_entry",
    METADATA,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("agency", sa.String(63), nullable=False),
    sa.Column("workload", sa.String(63), nullable=False),
    sa.Column("corrects", sa.BigInteger, sa.ForeignKey("ledger_entry.seq"), nullable=True),
    sa.Column("written_at", sa.String(32), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
)
"""`kind` is day (a day was written whole) or workload; `content` is canonical JSON. `digest` is over all
other columns, `previous` that of the entry before: what changes, goes or comes between later is found."""
sa.Index("ledger_entry_day", ENTRY.c.day, ENTRY.c.agency)
sa.Index(
    "ledger_entry_once", ENTRY.c.kind, ENTRY.c.day, ENTRY.c.agency, ENTRY.c.workload, unique=True,
    sqlite_where=ENTRY.c.corrects.is_(None), postgresql_where=ENTRY.c.corrects.is_(None),
)  # fmt: skip
CAPACITY = sa.Table(
    "capacity_day",
    METADATA,
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("resource_class", sa.String(64), primary_key=True),
    sa.Column("used", sa.Double, nullable=False),
    sa.Column("allocatable", sa.Double, nullable=False),
    sa.Column("without_largest", sa.Double, nullable=True),
)
"""Greatest figures of a day over the whole city, in units or bytes."""

_SQLITE = [
    statement
    for table in ("ledger_entry", "capacity_day")
    for word in ("UPDATE", "DELETE")
    for statement in (
        f"CREATE TRIGGER IF NOT EXISTS {table}_no_{word.lower()} BEFORE {word} ON {table}"
        f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
    )
] + [
    # INSERT OR REPLACE deletes without asking the trigger above.
    "CREATE TRIGGER IF NOT EXISTS ledger_entry_in_order BEFORE INSERT ON ledger_entry"
    " WHEN NEW.seq <> (SELECT COALESCE(MAX(seq), 0) + 1 FROM ledger_entry)"
    " BEGIN SELECT RAISE(ABORT, 'ledger_entry is append-only'); END",
    "CREATE TRIGGER IF NOT EXISTS capacity_day_once BEFORE INSERT ON capacity_day"
    " WHEN EXISTS (SELECT 1 FROM capacity_day WHERE day = NEW.day AND resource_class = NEW.resource_class)"
    " BEGIN SELECT RAISE(ABORT, 'capacity_day is append-only'); END",
]
_POSTGRESQL = [
    "CREATE OR REPLACE FUNCTION citycloud_append_only() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only'; END $$",
    *(
        f"CREATE OR REPLACE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION citycloud_append_only()"
        for table in ("ledger_entry", "capacity_day")
    ),
]


class SchemaUnknown(InfraError):
    """The ledger was written by another release of City Cloud than can be read; update City Cloud."""

    code = "schema_unknown"


class Database:
    """One database. Reads and writes raise StoreUnreachable when it does not answer."""

    def __init__(self, url: str, *, make: bool = True) -> None:
        """`make` creates what is missing; without it a database that is not there is refused."""
        self._engine = open_engine(url, make=make, of="ledger", missing="the daily writer makes it")
        self.place = self._engine.url.render_as_string(hide_password=True)
        try:
            if make:
                self._prepare()
            self._check()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One transaction that sees one state of the database."""
        with answering(self.place), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction, and no other writer beside it; all of it is kept, or nothing."""
        with (
            answering(self.place),
            self._engine.connect().execution_options(writing=True) as connection,
            connection.begin(),
        ):
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("LOCK TABLE ledger_entry, capacity_day IN EXCLUSIVE MODE")
            yield connection

    def _prepare(self) -> None:
        """Tables, triggers and version where they are missing; a second time changes nothing."""
        with (
            answering(self.place),
            self._engine.connect().execution_options(writing=True) as connection,
            connection.begin(),
        ):
            postgresql = connection.dialect.name == "postgresql"
            if postgresql:
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7130451)")  # two servers' first run
            if sa.inspect(connection).has_table(VERSION.name):
                return
            METADATA.create_all(connection)
            for statement in _POSTGRESQL if postgresql else _SQLITE:
                connection.exec_driver_sql(statement)
            connection.execute(sa.insert(VERSION).values(version=SCHEMA_VERSION))

    def _check(self) -> None:
        with self.reading() as connection:
            if not sa.inspect(connection).has_table(VERSION.name):
                raise StoreUnreachable(f"{self.place}: holds no ledger; the daily writer makes it")
            found = connection.execute(sa.select(sa.func.max(VERSION.c.version))).scalar_one()
        if found != SCHEMA_VERSION:
            raise SchemaUnknown(
                f"{self.place}: its schema is {found}, this release knows {SCHEMA_VERSION}; use the release"
                " of City Cloud that wrote it, or a later one"
            )

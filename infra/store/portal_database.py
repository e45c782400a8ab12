"""The portal's database: transactions in which an effect and its audit record are one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa

from infra.domain.audit import (
    BEGINNING,
    AuditBroken,
    AuditRecord,
    Checkpoint,
    Fault,
    Seal,
    canonical,
    follow,
    moment,
)
from infra.domain.words import Words
from infra.errors import InfraError
from infra.store import migration
from infra.store.engine import answering, open_engine
from infra.store.portal_schema import AUDIT, AUDIT_HEAD

Connection = sa.Connection
"""What reads of one state of the database go through; upper layers hand it on and know no more of it."""
_BATCH = 1000
_MIGRATING = 7130452
"""PostgreSQL's advisory lock while tables are made: two servers may start at once."""


class PortalSchemaUnknown(InfraError):
    """The portal's database is of another release of City Cloud; run `citycloud portal migrate`, or use the
    release that wrote it.
    """

    code = "portal_schema_unknown"


class Transaction:
    """Everything in it is kept, or nothing. There is no other writer beside it, on either database."""

    def __init__(self, connection: sa.Connection, seal: Seal) -> None:
        self.connection = connection
        self._seal = seal

    def audit(
        self, *, at: datetime, who: str, who_name: str, agency: str, action: str, about: str, told: Words,
        facts: Mapping[str, Any] | None = None, address: str = "",
    ) -> AuditRecord:  # fmt: skip
        """Add a record; see `infra.domain.audit.AuditRecord`. Raises AuditBroken where the end of the chain
        is not as it was written: then nothing may be added to it.
        """
        head = _head(self.connection)
        if head is None or self._seal.head(head.seq, head.digest) != head.mac:
            raise AuditBroken("the note of the last audit record was changed; run `citycloud audit verify`")
        record = self._seal.sealed(
            AuditRecord(
                head.seq + 1, at, who, who_name, agency, action, about, told.vi, told.en,
                canonical(dict(facts or {})), address, head.digest,
            )
        )  # fmt: skip
        self.connection.execute(sa.insert(AUDIT).values(**_row(record)))
        self.connection.execute(
            sa.update(AUDIT_HEAD).values(
                seq=record.seq, digest=record.digest, mac=self._seal.head(record.seq, record.digest)
            )
        )
        return record


class PortalDatabase:
    """One database. Raises StoreUnreachable (of `infra.store.engine`) when it does not answer."""

    def __init__(self, url: str, *, key: bytes, make: bool = True, pool: int = 8) -> None:
        """`key` seals the audit chain and is kept outside the database. `make` makes or upgrades the tables;
        without it a database that is not of this release is refused.
        """
        self.seal = Seal(key)
        self._engine = open_engine(
            url, make=make, of="portal", missing="`citycloud portal migrate` makes it", pool=pool
        )
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
        with answering(self.place), self._engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def touching(self) -> Iterator[sa.Connection]:
        """A write that needs no audit record and waits for no other one: leases, sessions."""
        with answering(self.place), self._begun() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """The only writer: sums that are checked in it are still right when it commits."""
        with self.touching() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(AUDIT_HEAD.c.seq).with_for_update()).all()
            yield Transaction(connection, self.seal)

    def checkpoint(self) -> Checkpoint:
        """The chain's end now, to be kept off this host."""
        with self.reading() as connection:
            head = _head(connection)
        if head is None:
            raise AuditBroken(f"{self.place}: the note of the last audit record is gone")
        return head

    def verify(self, known: Sequence[Checkpoint] = ()) -> Fault | int:
        """Follow the whole audit chain: how many records there are, or the first that is not as it was
        written. `known` are checkpoints that were kept elsewhere.
        """
        with self.reading() as connection:
            return follow_chain(connection, self.seal, known)

    @contextmanager
    def _begun(self) -> Iterator[sa.Connection]:
        with (
            self._engine.connect().execution_options(writing=True) as connection,
            connection.begin(),
        ):
            yield connection

    def _check(self) -> None:
        with self.reading() as connection:
            found, known = migration.current(connection), migration.newest()
        if found != known:
            raise PortalSchemaUnknown(
                f"{self.place}: its tables are of version {found}, this release knows {known}; run"
                " `citycloud portal migrate`, or use the release that wrote it"
            )

    def _prepare(self) -> None:
        with answering(self.place), self._begun() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATING))).all()
            if migration.current(connection) != migration.newest():
                migration.upgrade(connection)
            written = connection.execute(sa.select(sa.func.count()).select_from(AUDIT)).scalar_one()
            if _head(connection) is None and not written:
                mac = self.seal.head(0, BEGINNING)
                connection.execute(sa.insert(AUDIT_HEAD).values(id=1, seq=0, digest=BEGINNING, mac=mac))


def follow_chain(
    connection: sa.Connection, seal: Seal, known: Sequence[Checkpoint] = ()
) -> Fault | int:  # fmt: skip
    """As `PortalDatabase.verify`, of the state that the connection sees."""
    asked = sa.select(AUDIT).order_by(AUDIT.c.seq).execution_options(yield_per=_BATCH)
    head = _head(connection)
    with connection.execute(asked) as rows:
        return follow((to_record(row) for row in rows), seal, head, known)


def to_record(row: sa.Row[Any]) -> AuditRecord:
    """A row of `audit_record`. A time that is not as the portal writes it becomes the least there is, which
    no digest is over.
    """
    held = dict(row._mapping)
    try:
        at = datetime.fromisoformat(held["at"])
        written = moment(at) == held["at"]
    except (ValueError, OverflowError):
        written = False
    return AuditRecord(**{**held, "at": at if written else datetime.min.replace(tzinfo=UTC)})


def _row(record: AuditRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in AUDIT.c.keys()} | {"at": moment(record.at)}  # noqa: SIM118


def _head(connection: sa.Connection) -> Checkpoint | None:
    row = connection.execute(sa.select(AUDIT_HEAD)).first()
    return Checkpoint(row.seq, row.digest, row.mac) if row is not None else None

"""Restoring: a backup into an empty database, whole or not at all; from SQLite to PostgreSQL as well, which
is the way to move.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from infra.domain.audit import AuditBroken, Fault, Seal
from infra.domain.words import Words
from infra.store import migration
from infra.store.backup import BackupRefused, Manifest, read_manifest, record, rows
from infra.store.engine import answering, open_engine
from infra.store.portal_database import Transaction, follow_chain
from infra.store.portal_schema import AUDIT_HEAD, METADATA

RESTORED = Words("Khôi phục cơ sở dữ liệu của cổng", "Restored the portal's database")


def restore(file: Path, url: str, key: bytes, now: datetime) -> Manifest:
    """Check the file, make the tables as they were, fill them, follow the audit chain, bring the tables to
    this release and add an audit record of it: one transaction. Raises BackupBroken,
    BackupRefused, AuditBroken and StoreUnreachable; then the database is as it was.
    """
    seal = Seal(key)
    manifest = read_manifest(file, seal)
    if not migration.knows(manifest.schema):
        raise BackupRefused(
            f"{file} is of version {manifest.schema}, which this release does not know; restore it with the"
            " release that wrote it, or a later one"
        )
    engine = open_engine(url, make=True, of="portal", missing="")
    made = engine.dialect.name == "sqlite" and _made(Path(engine.url.database or ""))
    place = engine.url.render_as_string(hide_password=True)
    try:
        with (
            answering(place),
            engine.connect().execution_options(writing=True) as connection,
            connection.begin(),
        ):
            _refuse_if_used(connection, place)
            _fill(connection, file, manifest)
            _follow(connection, seal, file)
            migration.upgrade(connection)
            record(Transaction(connection, seal), "portal.restore", file, RESTORED, now)
    except BaseException:
        engine.dispose()
        if made:
            _remove(Path(engine.url.database or ""))
        raise
    engine.dispose()
    return manifest


def _refuse_if_used(connection: sa.Connection, place: str) -> None:
    """Empty is a database without the portal's tables, or with tables in which nothing was ever written."""
    there = set(sa.inspect(connection).get_table_names())
    for table in METADATA.sorted_tables:
        if table.name not in there:
            continue
        used = sa.select(sa.literal(1)).select_from(table).limit(1)
        if table.name == AUDIT_HEAD.name:
            used = used.where(AUDIT_HEAD.c.seq > 0)
        if connection.execute(used).first() is not None:
            raise BackupRefused(
                f"{place} is in use: table {table.name} has rows; name an empty database, and keep this one"
            )


def _fill(connection: sa.Connection, file: Path, manifest: Manifest) -> None:
    """Rows go into tables of their own version: a column that a later release adds is not there yet."""
    if (now := migration.current(connection)) not in (None, manifest.schema):
        raise BackupRefused(
            f"the tables are of version {now}, those of {file} of {manifest.schema}; name a database that has"
            " no tables"
        )
    migration.upgrade(connection, manifest.schema)
    connection.execute(sa.delete(AUDIT_HEAD))
    filled = dict.fromkeys(manifest.rows, 0)
    for name, batch in rows(file):
        table = sa.table(name, *(sa.column(column) for column in batch[0]))
        connection.execute(sa.insert(table), batch)
        filled[name] += len(batch)
    if filled != dict(manifest.rows):
        raise BackupRefused(f"{file} was changed while it was read; nothing was restored")
    for name, count in manifest.rows.items():
        there = connection.execute(sa.select(sa.func.count()).select_from(sa.table(name))).scalar_one()
        if there != count:
            raise BackupRefused(f"table {name} took {there} of {count} rows; nothing was restored")


def _follow(connection: sa.Connection, seal: Seal, file: Path) -> None:
    found = follow_chain(connection, seal)
    if isinstance(found, Fault):
        raise AuditBroken(f"{file} holds audit records that are not as they were written: {found}")


def _made(database: Path) -> bool:
    """Make the file, for its owner's eyes only, where there is none; whether there was none."""
    try:
        os.close(os.open(database, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return False
    except OSError as failed:
        raise BackupRefused(f"{database} cannot be made: {failed.strerror}; name another place") from failed
    return True


def _remove(database: Path) -> None:
    """An empty file that was made for a restore that failed, with what stands beside it."""
    for suffix in ("", "-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)

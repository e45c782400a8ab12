"""Backup: the portal's whole database as one file, taken while people go on working, from SQLite and
PostgreSQL alike; and back into an empty database of either kind.

The file is gzip'd JSON lines. The first says what it is and of which version the tables are; then comes for
each table a line with its columns and a line for each row; the last says how many rows there are of each,
with a digest over all lines before it and a proof by the audit chain's key, so that nobody else can change
it. Sessions are left out: whoever is signed in when the backup is taken signs in again after it is restored.
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
import os
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from infra.domain.audit import Seal, moment
from infra.domain.words import Words
from infra.errors import InfraError
from infra.store import migration
from infra.store.portal_database import PortalDatabase, Transaction
from infra.store.portal_schema import METADATA
from infra.store.session import SESSION

FORMAT = "citycloud-portal-backup/1"
WHO = "citycloud:operations"
BACKED_UP = Words("Sao lưu cơ sở dữ liệu của cổng", "Backed up the portal's database")
LEFT_OUT = frozenset({SESSION.name})
_BATCH = 500
Line = dict[str, Any] | list[Any]


class BackupBroken(InfraError):
    """The file is no whole backup of the portal: it was cut short, changed, or made with another audit key.
    Use another backup; nothing was changed.
    """

    code = "backup_broken"


class BackupRefused(InfraError):
    """The backup cannot be written or restored there; the message says why. Nothing was changed."""

    code = "backup_refused"


@dataclass(frozen=True)
class Manifest:
    """What a backup holds: `schema` is the version of its tables, `made` when its one state was read, `rows`
    how many of each table, `digest` SHA-256 over its lines.
    """

    schema: str
    made: str
    rows: Mapping[str, int]
    digest: str


def back_up(database: PortalDatabase, file: Path, now: datetime) -> Manifest:
    """Write one state of the database to a new file, which only its owner can read; it has its name when it
    is whole and on the disk. That it was made is an audit record, which the file holds too. Raises
    BackupRefused where there is a file of this name.
    """
    if file.exists():
        raise BackupRefused(f"{file} is there already; name a new file")
    if not file.parent.is_dir():
        raise BackupRefused(f"there is no folder {file.parent}; make it first")
    with database.writing() as tx:
        record(tx, "portal.backup", file, BACKED_UP, now)
    partial = None
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
        partial = Path(name)
        with os.fdopen(descriptor, "wb") as target:
            with gzip.GzipFile(fileobj=target, mode="wb", compresslevel=6, mtime=0, filename="") as packed:
                manifest = _write(database, packed, now)
            target.flush()
            os.fsync(target.fileno())
        os.link(partial, file)  # unlike a rename it never replaces what appeared meanwhile
    except OSError as failed:
        raise BackupRefused(f"{file} cannot be written: {failed.strerror}; name another place") from failed
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)
    return manifest


def record(tx: Transaction, action: str, file: Path, told: Words, now: datetime) -> None:
    """The audit record of a backup that is made or restored."""
    words = Words(f"{told.vi}: {file.name}", f"{told.en}: {file.name}")
    tx.audit(at=now, who=WHO, who_name=WHO, agency="", action=action, about=file.name[:255], told=words)


def read_manifest(file: Path, seal: Seal) -> Manifest:
    """Read the whole file and check it. Raises BackupBroken."""
    digest, counts, table = hashlib.sha256(), dict[str, int](), ""
    head: Line = {}
    for number, (raw, line) in enumerate(_lines(file)):
        if isinstance(line, dict) and "end" in line:
            return _checked(file, head, line, counts, digest.hexdigest(), seal)
        digest.update(raw)
        if number == 0:
            head = _known(file, line)
        elif isinstance(line, dict):
            table = str(line.get("table"))
            counts[table] = 0
        elif table:
            counts[table] += 1
    raise BackupBroken(f"{file} is cut short: its last line is missing")


def rows(file: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """(table, some of its rows), in an order in which they can be inserted. Of a file that was checked."""
    table, columns, batch = "", list[str](), list[dict[str, Any]]()
    for _, line in _lines(file):
        if isinstance(line, list):
            batch.append(dict(zip(columns, line, strict=True)))
        if batch and (isinstance(line, dict) or len(batch) == _BATCH):
            yield table, batch
            batch = []
        if isinstance(line, dict) and "table" in line:
            table, columns = line["table"], line["columns"]


def _write(database: PortalDatabase, target: gzip.GzipFile, now: datetime) -> Manifest:
    digest, counts = hashlib.sha256(), dict[str, int]()

    def put(line: Line) -> None:
        raw = _raw(line)
        digest.update(raw)
        target.write(raw)

    with database.reading() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        schema = migration.current(connection) or ""
        made = moment(now)
        put({"format": FORMAT, "schema": schema, "made": made})
        for table in METADATA.sorted_tables:
            if table.name in LEFT_OUT:
                continue
            put({"table": table.name, "columns": [column.name for column in table.columns]})
            counts[table.name] = 0
            asked = sa.select(table).order_by(*table.primary_key.columns)
            with connection.execute(asked.execution_options(yield_per=_BATCH)) as found:
                for row in found:
                    put(list(row))
                    counts[table.name] += 1
    whole = digest.hexdigest()
    target.write(
        _raw({"end": True, "rows": counts, "digest": whole, "mac": database.seal.backup(whole)})
    )  # fmt: skip
    return Manifest(schema, made, counts, whole)


def _raw(line: Line) -> bytes:
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _lines(file: Path) -> Iterator[tuple[bytes, Line]]:
    """Raises BackupBroken."""
    try:
        with gzip.open(file, "rb") as source:
            for raw in source:
                line = json.loads(raw)
                if not isinstance(line, dict | list):
                    raise BackupBroken(f"{file} is no backup of the portal")
                yield raw, line
    except FileNotFoundError as error:
        raise BackupBroken(f"there is no file {file}") from error
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise BackupBroken(f"{file} is cut short or was changed: {error}") from error


def _known(file: Path, head: Line) -> Line:
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise BackupBroken(f"{file} is no backup of the portal, or of a later release")
    return head


def _checked(  # noqa: PLR0917 (the parts of a file in their order)
    file: Path, head: Line, end: Mapping[str, Any], counts: Mapping[str, int], digest: str, seal: Seal
) -> Manifest:
    if not isinstance(head, dict) or end.get("digest") != digest or end.get("rows") != counts:
        raise BackupBroken(f"{file} was changed: its lines are not those that its manifest is over")
    if not hmac.compare_digest(seal.backup(digest), str(end.get("mac"))):
        raise BackupBroken(f"{file} was made with another audit key, or changed by who does not have it")
    return Manifest(str(head["schema"]), str(head["made"]), dict(counts), digest)

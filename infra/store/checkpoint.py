"""Checkpoints of the audit chain in a file, a line of JSON each, to be carried off the host.

A line says up to which record the chain went, and proves it with the chain's key: whoever changes the
database later cannot make it agree with a line that is kept elsewhere.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

from infra.domain.audit import AuditBroken, Checkpoint, Fault, moment
from infra.domain.calendar import ZONE
from infra.store.portal_database import PortalDatabase

_LONGEST_TAIL = 4096


def line(one: Checkpoint, at: datetime) -> str:
    """The checkpoint as a line of JSON."""
    return json.dumps({"at": moment(at), "seq": one.seq, "digest": one.digest, "mac": one.mac})


def parse(text: str) -> tuple[Checkpoint, ...]:
    """Those of a file's text: lines of JSON as `line` writes them, or NUMBER:DIGEST:MAC. Raises
    AuditBroken.
    """
    return tuple(_parsed(one) for one in text.splitlines() if one.strip())


def write_daily(database: PortalDatabase, file: Path, now: datetime) -> str:
    """Follow the whole chain and add a line for it, unless the file has one of this day of the city; the
    line, "" where there was one. Raises AuditBroken where the chain, or what the file says of it, is not as
    it was written: then nothing is added. The last line alone is read again on other turns of the day.
    """
    last = _last_day(file)
    if last is not None and last == now.astimezone(ZONE).date().isoformat():
        return ""
    known = parse(_whole(file))
    # The end is noted first: what is written while the chain is followed is for the next line.
    end = database.checkpoint()
    found = database.verify([*known, end])
    if isinstance(found, Fault):
        raise AuditBroken(f"{found}; run `citycloud audit verify` and keep the database as it is")
    told = line(end, now)
    append(file, told)
    return told


def _parsed(text: str) -> Checkpoint:
    if not text.lstrip().startswith("{"):
        return Checkpoint.parse(text)
    try:
        held = json.loads(text)
        return Checkpoint.parse(f"{held['seq']}:{held['digest']}:{held['mac']}")
    except (ValueError, KeyError, TypeError) as wrong:
        raise AuditBroken(f"{text[:80]!r} is no line of a checkpoint file; give the file as it is") from wrong


def _last_day(file: Path) -> str | None:
    """The day of the city of the last whole line."""
    try:
        with file.open("rb") as source:
            source.seek(max(0, source.seek(0, os.SEEK_END) - _LONGEST_TAIL))
            tail = source.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return None
    for text in reversed(tail):
        day = _day(text)
        if day is not None:
            return day
    return None


def _day(text: str) -> str | None:
    try:
        return datetime.fromisoformat(json.loads(text)["at"]).astimezone(ZONE).date().isoformat()
    except (ValueError, KeyError, TypeError):
        return None


def _whole(file: Path) -> str:
    """Its text without a last line that a crash cut short: that one proves nothing."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return text[: text.rfind("\n") + 1]


def append(file: Path, text: str) -> None:
    """On the disk when this returns."""
    descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        os.ftruncate(descriptor, len(_whole(file).encode()))
        os.write(descriptor, f"{text}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

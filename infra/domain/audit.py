"""Audit: a record of everything that was decided, changed or read, in a keyed chain.

Each record's digest is an HMAC-SHA256 over all of it, its number and the digest of the one before it. Without
the key, which the database does not hold, nobody can make one; so `follow` can name the first record that was
changed, dropped, swapped, inserted or cut off. A checkpoint kept elsewhere finds also what somebody with the
key, or with an old copy of the database, wrote anew.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain

from infra.errors import InfraError

BEGINNING = "0" * 64
"""`previous` of the first record."""
SHORTEST_KEY = 32
"""Bytes."""


@dataclass(frozen=True)
class AuditRecord:
    """`seq` counts from 1 without gaps. `who` is a person's id, or a program's name after `citycloud:`;
    `agency` whose matter it is ("" for the city's own). `action` is a noun and a verb (request.approve),
    `about` what it was done to, `told_*` a sentence for people, `facts` canonical JSON of what matters for a
    later judgement. `at` is in UTC, to the microsecond.
    """

    seq: int
    at: datetime
    who: str
    who_name: str
    agency: str
    action: str
    about: str
    told_vi: str
    told_en: str
    facts: str
    address: str
    previous: str
    digest: str = ""


class AuditBroken(InfraError):
    """The audit records are not as they were written; keep the database and compare it with a backup."""

    code = "audit_broken"


class AuditKeyInvalid(InfraError):
    """The key of the audit chain is too short; make one of 32 random bytes or more."""

    code = "audit_key_invalid"


def canonical(value: object) -> str:
    """JSON with one form for one value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def moment(at: datetime) -> str:
    """The one text of a time, which digests are over."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


class Seal:
    """Makes and checks digests with the key; the key shows in no repr."""

    def __init__(self, key: bytes) -> None:
        if len(key) < SHORTEST_KEY:
            raise AuditKeyInvalid(f"the audit key has {len(key)} bytes; it needs {SHORTEST_KEY} random ones")
        self._key = key

    def sealed(self, record: AuditRecord) -> AuditRecord:
        return replace(record, digest=self._digest(record))

    def is_whole(self, record: AuditRecord) -> bool:
        return hmac.compare_digest(self._digest(record), record.digest)

    def head(self, seq: int, digest: str) -> str:
        """What proves that record `seq` was the last one: kept beside the chain, and in checkpoints."""
        return self._mac(["head", seq, digest])

    def backup(self, digest: str) -> str:
        """What proves that a backup of this digest was made by who has the key."""
        return self._mac(["backup", digest])

    def _digest(self, record: AuditRecord) -> str:
        return self._mac(
            ["record", record.seq, moment(record.at), record.who, record.who_name, record.agency,
             record.action, record.about, record.told_vi, record.told_en, record.facts, record.address,
        record.previous] )  # fmt: skip

    def _mac(self, parts: list[str | int]) -> str:
        return hmac.new(self._key, canonical(parts).encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Checkpoint:
    """Record `seq` as it was at a time, to be kept off the host."""

    seq: int
    digest: str
    mac: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.digest}:{self.mac}"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Raises AuditBroken."""
        found = re.fullmatch(r"([0-9]{1,18}):([0-9a-f]{64}):([0-9a-f]{64})", text.strip())
        if found is None:
            raise AuditBroken(f"{text[:80]!r} is no checkpoint; it is written NUMBER:DIGEST:MAC")
        return cls(int(found[1]), found[2], found[3])


class Harm(StrEnum):
    CHANGED = "changed"
    DROPPED = "dropped"
    SWAPPED = "swapped"
    INSERTED = "inserted"
    CUT_OFF = "cut off"
    REWRITTEN = "rewritten"


@dataclass(frozen=True)
class Fault:
    """The first record, by its number, that is not as it was written, and what was done. `reason` says from
    what it is known. Of a swap and a drop it is the lower number.
    """

    seq: int
    harm: Harm
    reason: str

    def __str__(self) -> str:
        return f"audit record {self.seq} was {self.harm}: {self.reason}"


def follow(
    records: Iterable[AuditRecord], seal: Seal, head: Checkpoint | None, known: Sequence[Checkpoint] = ()
) -> Fault | int:
    """Follow the chain; the number of records if all are as they were written, else the first fault.

    `records` are in the order of their numbers. `head` is what the database says of its own end, `known`
    checkpoints from elsewhere.
    """
    for one in (*([head] if head else []), *known):
        if not hmac.compare_digest(seal.head(one.seq, one.digest), one.mac):
            return Fault(one.seq, Harm.REWRITTEN, "a checkpoint of it was not made with this key")
    kept = {one.seq: one.digest for one in known}
    stream = _ahead(records)
    seq, previous = 0, BEGINNING
    for record, after in stream:
        seq += 1
        if fault := _judge(record, after, seq, previous, seal):
            return fault
        if kept.get(seq, record.digest) != record.digest:
            return Fault(seq, Harm.REWRITTEN, "it differs from the checkpoint that was kept of it elsewhere")
        previous = record.digest
    return _ending(seq, previous, head, known)


def _ahead(records: Iterable[AuditRecord]) -> Iterator[tuple[AuditRecord, AuditRecord | None]]:
    before: AuditRecord | None = None
    for record in records:
        if before is not None:
            yield before, record
        before = record
    if before is not None:
        yield before, None


def _judge(
    record: AuditRecord, after: AuditRecord | None, seq: int, previous: str, seal: Seal
) -> Fault | None:
    """What was done at place `seq`, where `record` stands and `after` follows."""
    if record.seq == seq and record.previous == previous and seal.is_whole(record):
        return None
    if record.seq > seq:
        return Fault(seq, Harm.DROPPED, f"the next one that is there is {record.seq}")
    if after is not None and _is_at(after, seq, previous, seal):
        if _place(record, seq, seal) == seq + 1:
            return Fault(seq, Harm.SWAPPED, f"it stands where {seq + 1} was, and {seq + 1} where it was")
        return Fault(seq, Harm.INSERTED, "the one after it is the one that was written here")
    original = _place(record, seq, seal)
    if original is not None and original > seq:
        moved_up = (after is None and original == seq + 1) or (
            after is not None and after.previous == record.digest and _place(after, seq, seal) == original + 1
        )
        harm = Harm.DROPPED if moved_up else Harm.SWAPPED
        return Fault(seq, harm, f"what stands in its place was written as {original}")
    return Fault(seq, Harm.CHANGED, "its digest is not that of what it says")


def _is_at(record: AuditRecord, seq: int, previous: str, seal: Seal) -> bool:
    return record.previous == previous and seal.is_whole(replace(record, seq=seq))


_SEARCHED = 10_000
"""Places ahead in which a record that was moved is looked for."""


def _place(record: AuditRecord, seq: int, seal: Seal) -> int | None:
    """The number under which the record, as it stands, was sealed; None if under none of those near."""
    for place in chain(range(seq, seq + _SEARCHED), range(max(1, seq - _SEARCHED), seq)):
        if seal.is_whole(replace(record, seq=place)):
            return place
    return None


def _ending(seq: int, digest: str, head: Checkpoint | None, known: Sequence[Checkpoint]) -> Fault | int:
    noted = head or Checkpoint(0, BEGINNING, "")
    furthest = max((one.seq for one in (noted, *known)), default=0)
    if furthest > seq:
        return Fault(seq + 1, Harm.CUT_OFF, f"{furthest} records are known to have been, {seq} are left")
    if noted.seq < seq:
        return Fault(noted.seq + 1, Harm.INSERTED, f"the last record that was noted is {noted.seq}")
    if noted.digest != digest:
        return Fault(seq, Harm.REWRITTEN, "the database's note of the last record differs from it")
    return seq

"""The SLA ledger: one entry for each workload and day, written once and never changed.

Entries are only added. A correction is a new entry that refers to the one that it takes the place of. Each
entry holds the digest of the one before it, so whatever is changed, removed or put between later is found by
`verify`; a tail that was cut off is found by a head that was written down elsewhere: in a statement, or in
Prometheus.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from infra.domain.sla import Month, Statement, WorkloadDay, statement
from infra.errors import InfraError
from infra.store.database import ENTRY, Database

DAY, WORKLOAD = "day", "workload"
BEGINNING = "0" * 64
"""`previous` of the first entry."""
_BATCH = 1000


class LedgerBroken(InfraError):
    """The ledger was changed after it was written; keep it as it is, and compare it with a backup."""

    code = "ledger_broken"


class HeadInvalid(InfraError):
    """This is no entry's number and digest; copy them from a statement, as NUMBER:DIGEST."""

    code = "head_invalid"


class CorrectionInvalid(InfraError):
    """A correction moves seconds of a workload's day from one condition to another, with a reason."""

    code = "correction_invalid"


class EntryUnknown(InfraError):
    """The ledger has no such entry to correct; `citycloud sla show --output json` lists what it holds."""

    code = "entry_unknown"


@dataclass(frozen=True)
class Head:
    """The last entry: its number (0 for none) and digest. Written down elsewhere, it proves all before it."""

    seq: int
    digest: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.digest}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """Raises HeadInvalid."""
        found = re.fullmatch(r"([0-9]{1,18}):([0-9a-f]{64})", text.strip())
        if found is None:
            raise HeadInvalid(f"{text[:80]!r} is no entry's number and digest; copy them from a statement")
        return cls(int(found[1]), found[2])


@dataclass(frozen=True)
class LedgerMonth:
    """What the ledger says of a month, corrections applied: the days of workloads, and which days it holds.
    `head` is the last entry that any of it came from.
    """

    month: Month
    days: tuple[WorkloadDay, ...]
    written: tuple[dt.date, ...]
    head: Head

    def as_data(self) -> dict[str, Any]:
        """As it travels from a monitoring server to the deploy host."""
        return {
            "month": str(self.month), "written": [str(day) for day in self.written], "head": str(self.head),
            "days": [{"day": str(one.day), **one.as_data()} for one in self.days],
        }  # fmt: skip

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> LedgerMonth:
        days = (WorkloadDay.from_data(dt.date.fromisoformat(one["day"]), one) for one in data["days"])
        written = (dt.date.fromisoformat(day) for day in data["written"])
        return cls(Month.parse(data["month"]), tuple(days), tuple(written), Head.parse(data["head"]))


class Ledger:
    """The ledger in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def days(self) -> tuple[dt.date, ...]:
        """Days that were written, oldest first."""
        asked = sa.select(ENTRY.c.day).where(ENTRY.c.kind == DAY).order_by(ENTRY.c.day)
        with self._database.reading() as connection:
            return tuple(dt.date.fromisoformat(day) for (day,) in connection.execute(asked))

    def write_day(
        self, day: dt.date, entries: Sequence[WorkloadDay], source: Mapping[str, Any], now: dt.datetime
    ) -> bool:
        """Write a day whole. False, and nothing written, if the ledger has the day. `source` says what the
        figures come from.
        """
        with self._database.writing() as connection:
            if _first(connection, DAY, day, "", "") is not None:
                return False
            head = _head(connection)
            for one in sorted(entries, key=lambda one: (one.workload.agency, one.workload.id)):
                head = _append(connection, head, _row(WORKLOAD, one, now), None)
            marker = {"workloads": len(entries), **source}
            fields = {"kind": DAY, "day": day.isoformat(), "agency": "", "workload": ""}
            fields |= {"written_at": _moment(now), "content": _canonical(marker)}
            _append(connection, head, fields, None)
            return True

    def correct(self, corrected: WorkloadDay, now: dt.datetime) -> Head:
        """Add an entry that takes the place of the workload's day; `corrected.reason` says why and by whom.

        Raises EntryUnknown, and CorrectionInvalid where the seconds are not as many as before.
        """
        if not corrected.reason.strip():
            raise CorrectionInvalid("a correction needs a reason; say why and who agreed")
        with self._database.writing() as connection:
            agency, workload = corrected.workload.agency, corrected.workload.id
            found = _last(connection, corrected.day, agency, workload)
            if found is None:
                raise EntryUnknown(f"the ledger has no entry of {agency}/{workload} on {corrected.day}")
            before = _workload_day(found)
            if before.seconds.total != corrected.seconds.total:
                raise CorrectionInvalid(f"a correction keeps the day's {before.seconds.total} seconds")
            return _append(connection, _head(connection), _row(WORKLOAD, corrected, now), found.seq)

    def entry(self, day: dt.date, agency: str, workload: str) -> WorkloadDay | None:
        """A workload's day as it stands now; `workload` is an id."""
        with self._database.reading() as connection:
            found = _last(connection, day, agency, workload)
        return _workload_day(found) if found is not None else None

    def day(self, day: dt.date) -> tuple[WorkloadDay, ...]:
        """All workloads of a day, corrections applied."""
        return self._between(day, day, None).days

    def month(self, month: Month, agency: str) -> LedgerMonth:
        """A month of one agency, and of no other."""
        return self._between(month.days[0], month.days[-1], agency)

    def agencies(self, month: Month) -> tuple[str, ...]:
        """Agencies that have an entry in the month."""
        asked = sa.select(ENTRY.c.agency).distinct().where(
            ENTRY.c.kind == WORKLOAD, ENTRY.c.day >= str(month.days[0]), ENTRY.c.day <= str(month.days[-1])
        )  # fmt: skip
        with self._database.reading() as connection:
            return tuple(sorted(code for (code,) in connection.execute(asked)))

    def head(self) -> Head:
        with self._database.reading() as connection:
            return _head(connection)

    def verify(self, known: Head | None = None) -> Head:
        """Read every entry and follow the chain; returns its head. Raises LedgerBroken at the first entry
        that is not as it was written, or when `known` (a head of before) is not in the chain.
        """
        asked = sa.select(ENTRY).order_by(ENTRY.c.seq)
        with (
            self._database.reading() as connection,
            connection.execute(asked, execution_options={"yield_per": _BATCH}) as rows,
        ):
            return _followed(rows, known)

    def _between(self, first: dt.date, last: dt.date, agency: str | None) -> LedgerMonth:
        asked = sa.select(ENTRY).where(ENTRY.c.day >= str(first), ENTRY.c.day <= str(last))
        if agency is not None:
            asked = asked.where(ENTRY.c.agency.in_(("", agency)))
        with self._database.reading() as connection:
            rows = connection.execute(asked.order_by(ENTRY.c.seq)).all()
        current: dict[tuple[str, str, str], Any] = {}
        for row in rows:
            if row.kind == WORKLOAD:
                current[row.day, row.agency, row.workload] = row  # a later entry takes the place
        written = tuple(dt.date.fromisoformat(row.day) for row in rows if row.kind == DAY)
        head = Head(rows[-1].seq, rows[-1].digest) if rows else Head(0, BEGINNING)
        days = tuple(_workload_day(current[key]) for key in sorted(current))
        return LedgerMonth(Month.of(first), days, tuple(sorted(written)), head)


def agency_statement(ledger: Ledger, agency: str, month: Month) -> tuple[Statement, Head]:
    """What one agency may see of a month: its own workloads, and the entry up to which the ledger was read.
    The same question gives the same answer, whatever Prometheus or the inventory say by then.
    """
    found = ledger.month(month, agency)
    return statement(agency, month, found.days, found.written), found.head


def _followed(rows: Iterable[Any], known: Head | None) -> Head:
    previous = Head(0, BEGINNING)
    seen = known is None or known == previous
    for row in rows:
        if row.seq != previous.seq + 1:
            raise LedgerBroken(f"entry {previous.seq + 1} of the ledger is missing")
        if row.previous != previous.digest or row.digest != _digest(row._mapping):
            raise LedgerBroken(f"entry {row.seq} of the ledger ({row.kind} {row.day}) is not as it was")
        previous = Head(row.seq, row.digest)
        seen = seen or previous == known
    if not seen and known is not None:
        raise LedgerBroken(
            f"the ledger ends at {previous.seq} and does not hold entry {known.seq} as it was: it was cut off"
            " or written anew"
        )
    return previous


def _append(connection: sa.Connection, head: Head, fields: Mapping[str, Any], corrects: int | None) -> Head:
    row = {**fields, "seq": head.seq + 1, "corrects": corrects, "previous": head.digest}
    row["digest"] = _digest(row)
    connection.execute(sa.insert(ENTRY).values(**row))
    return Head(row["seq"], row["digest"])


def _row(kind: str, one: WorkloadDay, now: dt.datetime) -> dict[str, Any]:
    return {
        "kind": kind, "day": one.day.isoformat(), "agency": one.workload.agency,
        "workload": one.workload.id, "written_at": _moment(now), "content": _canonical(one.as_data()),
    }  # fmt: skip


def _digest(row: Mapping[str, Any]) -> str:
    names = ("seq", "kind", "day", "agency", "workload", "corrects", "written_at", "content", "previous")
    return hashlib.sha256(_canonical([row[name] for name in names]).encode()).hexdigest()


def _canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _moment(now: dt.datetime) -> str:
    return now.astimezone(dt.UTC).isoformat(timespec="seconds")


def _workload_day(row: Any) -> WorkloadDay:
    try:
        return WorkloadDay.from_data(dt.date.fromisoformat(row.day), json.loads(row.content))
    except (ValueError, KeyError, TypeError, ArithmeticError) as wrong:
        raise LedgerBroken(f"entry {row.seq} of the ledger cannot be understood: {wrong!r}") from wrong


def _head(connection: sa.Connection) -> Head:
    found = connection.execute(
        sa.select(ENTRY.c.seq, ENTRY.c.digest).order_by(ENTRY.c.seq.desc()).limit(1)
    ).first()
    return Head(found.seq, found.digest) if found is not None else Head(0, BEGINNING)


def _of(kind: str, day: dt.date, agency: str, workload: str) -> Iterator[sa.ColumnElement[bool]]:
    yield ENTRY.c.kind == kind
    yield ENTRY.c.day == day.isoformat()
    yield ENTRY.c.agency == agency
    yield ENTRY.c.workload == workload


def _first(connection: sa.Connection, kind: str, day: dt.date, agency: str, workload: str) -> Any:
    asked = sa.select(ENTRY).where(*_of(kind, day, agency, workload)).order_by(ENTRY.c.seq).limit(1)
    return connection.execute(asked).first()


def _last(connection: sa.Connection, day: dt.date, agency: str, workload: str) -> Any:
    asked = sa.select(ENTRY).where(*_of(WORKLOAD, day, agency, workload))
    return connection.execute(asked.order_by(ENTRY.c.seq.desc()).limit(1)).first()

"""Looking through audit records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from infra.domain.audit import AuditRecord
from infra.store.portal_database import to_record
from infra.store.portal_schema import AUDIT

_BATCH = 500


@dataclass(frozen=True)
class AuditWanted:
    """Empty values do not narrow. `since` and `until` are moments as the records have them, `until` is no
    more in it. `text` is looked for in both languages, in the name and in what it is about, whatever its case
    as far as the database knows it. `agencies` None stands for all; `below` is the number to begin under.
    """

    agencies: Sequence[str] | None = None
    who: str = ""
    action: str = ""
    about: str = ""
    text: str = ""
    since: str = ""
    until: str = ""
    below: int = 0
    limit: int = 50


def search(connection: sa.Connection, wanted: AuditWanted) -> tuple[AuditRecord, ...]:
    """The newest first."""
    asked = _narrowed(wanted).order_by(AUDIT.c.seq.desc()).limit(wanted.limit)
    if wanted.below:
        asked = asked.where(AUDIT.c.seq < wanted.below)
    return tuple(to_record(row) for row in connection.execute(asked))


def export(connection: sa.Connection, wanted: AuditWanted) -> Iterator[AuditRecord]:
    """All of them, the oldest first, some at a time."""
    above = 0
    while True:
        asked = _narrowed(wanted).where(AUDIT.c.seq > above).order_by(AUDIT.c.seq).limit(_BATCH)
        rows = connection.execute(asked).all()
        yield from (to_record(row) for row in rows)
        if len(rows) < _BATCH:
            return
        above = rows[-1].seq


def _narrowed(wanted: AuditWanted) -> sa.Select[tuple[object, ...]]:
    asked = sa.select(AUDIT)
    if wanted.agencies is not None:
        asked = asked.where(AUDIT.c.agency.in_(wanted.agencies))
    if wanted.who:
        asked = asked.where(
            sa.or_(AUDIT.c.who == wanted.who, AUDIT.c.who_name.icontains(wanted.who, autoescape=True))
        )
    if wanted.action:
        asked = asked.where(AUDIT.c.action.startswith(wanted.action, autoescape=True))
    if wanted.about:
        asked = asked.where(AUDIT.c.about == wanted.about)
    if wanted.text:
        columns = (AUDIT.c.told_vi, AUDIT.c.told_en, AUDIT.c.about, AUDIT.c.who_name)
        asked = asked.where(sa.or_(*(one.icontains(wanted.text, autoescape=True) for one in columns)))
    if wanted.since:
        asked = asked.where(AUDIT.c.at >= wanted.since)
    if wanted.until:
        asked = asked.where(AUDIT.c.at < wanted.until)
    return asked

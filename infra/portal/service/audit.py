"""The auditor's view: search, export, and records of what the web part does itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from infra.domain.audit import AuditRecord, moment
from infra.domain.calendar import ZONE
from infra.domain.person import SEES_ALL, Person, Role
from infra.domain.words import Words
from infra.portal.interface import AuditEntry, AuditFilter, Page
from infra.portal.service.ground import Ground, Refused
from infra.store.audit import AuditWanted, export, search

LONGEST_LIST = 500


class AuditService:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def audit(
        self, person: Person, wanted: AuditFilter, *, after: str = "", limit: int = 50
    ) -> Page[AuditEntry]:
        size = max(1, min(limit, LONGEST_LIST))
        below = int(after) if after.isascii() and after.isdecimal() and len(after) < 19 else 0
        with self._ground.reading() as connection:
            found = search(connection, self._wanted(person, wanted, below=below, limit=size + 1))
        rows = tuple(_entry(one) for one in found[:size])
        return Page(rows, str(found[size - 1].seq) if len(found) > size else "")

    def audit_export(self, person: Person, wanted: AuditFilter) -> Iterator[AuditEntry]:
        """The record of the export is written before the first line of it goes out."""
        narrowed = self._wanted(person, wanted)
        told = Words("Xuất nhật ký kiểm toán", "Exported audit records")
        facts = {name: str(value) for name, value in vars(wanted).items() if value}
        with self._ground.database.writing() as tx:
            self._ground.audit(
                tx, person, person.agency, action="audit.export", about="audit", told=told, facts=facts
            )  # fmt: skip
        return self._exported(narrowed)

    def record(self, person: Person | None, action: str, about: str, told: Words, address: str) -> None:
        with self._ground.database.writing() as tx:
            tx.audit(
                at=self._ground.clock(), who=person.id if person else "",
                who_name=(person.display_name or person.name) if person else "",
                agency=person.agency if person else "", action=action[:64], about=about[:255], told=told,
                address=address[:64],
            )  # fmt: skip

    def _exported(self, wanted: AuditWanted) -> Iterator[AuditEntry]:
        with self._ground.reading() as connection:
            for one in export(connection, wanted):
                yield _entry(one)

    def _wanted(
        self, person: Person, wanted: AuditFilter, *, below: int = 0, limit: int = 50
    ) -> AuditWanted:  # fmt: skip
        """Raises Refused. Who sees one agency only is shown nothing of another, and nothing of the city's."""
        if person.roles & SEES_ALL:
            agencies = [wanted.agency] if wanted.agency else None
        elif Role.APPROVER in person.roles:
            agencies = [person.agency] if wanted.agency in ("", person.agency) else []
        else:
            raise Refused(_NOT_YOURS)
        return AuditWanted(
            agencies, wanted.who, wanted.action, "", wanted.text, _start(wanted.since),
            _start(wanted.until + timedelta(days=1)) if wanted.until and wanted.until < date.max else "",
            below, limit,
        )  # fmt: skip


def _start(day: date | None) -> str:
    """The moment in which the day begins in the city."""
    if day is None or day.year < 2:
        return ""
    return moment(datetime.combine(day, time(), ZONE))


def _entry(one: AuditRecord) -> AuditEntry:
    return AuditEntry(
        one.seq, one.at, one.who_name or one.who, one.agency, one.action, one.about,
        Words(one.told_vi, one.told_en), one.address, one.digest,
    )  # fmt: skip


_NOT_YOURS = Words(
    "Chỉ kiểm toán viên, tổ vận hành và người duyệt của cơ quan xem được nhật ký.",
    "Only auditors, the city's cloud team and an agency's approvers may read audit records.",
)

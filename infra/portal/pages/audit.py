"""The audit log: search, and export as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from infra.portal import ability, api
from infra.portal.interface import AuditEntry, AuditFilter
from infra.portal.view import render
from infra.portal.visitor import Visitor, may, wiring

router = APIRouter()
Auditing = Annotated[Visitor, Depends(may(ability.AUDIT))]
COLUMNS = ("number", "at", "who", "agency", "action", "about", "told_vi", "told_en", "address", "digest")
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
Text = Annotated[str, Query(max_length=200)]


def _wanted(
    agency: api.Short = "", who: api.Short = "", action: api.Short = "", text: Text = "", since: Text = "",
    until: Text = "",
) -> AuditFilter:  # fmt: skip
    return AuditFilter(agency, who.strip(), action.strip(), text.strip(), _day(since), _day(until))


Wanted = Annotated[AuditFilter, Depends(_wanted)]


@router.get("/audit")
def audit(request: Request, visitor: Auditing, wanted: Wanted, after: api.After = "") -> Response:
    services = wiring(request).services
    page = services.audit(visitor.known, wanted, after=after, limit=50)
    seen = services.agencies(visitor.known)
    return render(request, visitor, "audit.html", page=page, wanted=wanted, after=after, seen=seen)


@router.get("/audit/export.csv")
def export(request: Request, visitor: Auditing, wanted: Wanted) -> Response:
    entries = wiring(request).services.audit_export(visitor.known, wanted)
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    return StreamingResponse(_csv(entries), media_type="text/csv; charset=utf-8", headers=headers)


def _csv(entries: Iterator[AuditEntry]) -> Iterator[str]:
    yield "\ufeff" + _row(COLUMNS)  # the mark by which spreadsheets know UTF-8
    for one in entries:
        yield _row((
            str(one.number), one.at.isoformat(), one.who, one.agency, one.action, one.about, one.told.vi,
            one.told.en, one.address, one.digest,
        ))  # fmt: skip


def _row(values: tuple[str, ...]) -> str:
    made = io.StringIO()
    # A cell that begins like a formula would be run by the spreadsheet of who opens the file.
    csv.writer(made).writerow(f"'{one}" if one.startswith(FORMULAS) else one for one in values)
    return made.getvalue()


def _day(text: str) -> date | None:
    """A day; what is none does not narrow."""
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError:
        return None

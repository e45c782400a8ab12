"""Agencies with what they hold."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from infra.domain.sla import Month
from infra.portal import ability, api
from infra.portal.sla import last_month
from infra.portal.view import render
from infra.portal.visitor import Visitor, may, wiring

router = APIRouter()
Reading = Annotated[Visitor, Depends(may(ability.READ))]


@router.get("/agencies")
def agencies(request: Request, visitor: Reading) -> Response:
    """Who sees one agency only is led to it."""
    if not visitor.may(ability.OVERSEE):
        return RedirectResponse(f"/agencies/{visitor.known.agency}", HTTPStatus.SEE_OTHER)
    return render(request, visitor, "agencies.html", found=api.agencies(request, visitor))


@router.get("/agencies/{id}")
def agency(request: Request, visitor: Reading, id: str) -> Response:
    return render(request, visitor, "agency.html", agency=api.agency(request, visitor, id))


@router.get("/agencies/{id}/sla")
def sla(request: Request, visitor: Reading, id: str, month: api.MonthText = "") -> Response:
    found = api.sla(request, visitor, id, month)
    this = Month.parse(found.month)
    return render(
        request, visitor, "sla.html", code=id, sla=found, before=Month.of(this.days[0] - timedelta(1)),
        after=Month.of(this.days[-1] + timedelta(1)) if this < last_month(wiring(request).clock()) else None,
    )  # fmt: skip

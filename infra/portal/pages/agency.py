"""Agencies with what they hold."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from infra.portal import ability, api
from infra.portal.view import render
from infra.portal.visitor import Visitor, may

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

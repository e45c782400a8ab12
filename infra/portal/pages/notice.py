"""Notices: what the reader was told, and going to where something can be done about it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from infra.portal import ability, api
from infra.portal.view import render
from infra.portal.visitor import Posted, Visitor, may, posts, wiring

router = APIRouter()
Sent = Annotated[Posted, Depends(posts(ability.READ))]


@router.get("/notices")
def notices(
    request: Request, visitor: Annotated[Visitor, Depends(may(ability.READ))], unread: bool = False,
    after: api.After = "",
) -> Response:  # fmt: skip
    page = api.notices(request, visitor, unread, after, 25)
    return render(request, visitor, "notices.html", page=page, unread=unread, after=after)


@router.post("/notices/read")
def read(request: Request, sent: Sent) -> Response:
    wiring(request).services.read_notices(sent.visitor.known, None)
    return RedirectResponse("/notices", HTTPStatus.SEE_OTHER)


@router.post("/notices/{id}/open")
def opened(request: Request, sent: Sent, id: str) -> Response:
    """To what it is about; it counts as read."""
    place = wiring(request).services.open_notice(sent.visitor.known, id)
    return RedirectResponse(place, HTTPStatus.SEE_OTHER)

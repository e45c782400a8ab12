"""Delegations: the reader's own, a new one, and ending one."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from infra.domain.words import Words
from infra.portal import ability, api
from infra.portal.delegation import NewDelegation
from infra.portal.interface import InputRefused
from infra.portal.request_form import read_day
from infra.portal.view import render
from infra.portal.visitor import Posted, Visitor, may, posts, wiring

router = APIRouter()
PLACE = "/approvals/delegations"
FIELDS = ("taker", "stage", "first", "last")
NEEDED = Words("Hãy nhập mục này.", "This is needed.")


@router.get(PLACE)
def delegations(request: Request, visitor: Annotated[Visitor, Depends(may(ability.DECIDE))]) -> Response:
    wired = wiring(request)
    today = wired.clock().astimezone(wired.zone).date().isoformat()
    return _page(request, visitor, {"first": today})


@router.post(PLACE)
def delegate(request: Request, sent: Annotated[Posted, Depends(posts(ability.SIGN))]) -> Response:
    entered = {name: sent.text(name) for name in FIELDS}
    first, unread = read_day(entered["first"], "first")
    last, also = read_day(entered["last"], "last")
    wrong = {one.field: one.told for one in (*unread, *also)}
    missing = {name: NEEDED for name in FIELDS if not entered[name]}
    if wrong or missing or first is None or last is None:
        return _page(request, sent.visitor, entered, {**missing, **wrong}, HTTPStatus.UNPROCESSABLE_ENTITY)
    wanted = NewDelegation(entered["taker"], entered["stage"], first, last)
    try:
        wiring(request).services.delegate(sent.visitor.known, wanted, sent.text("key"))
    except InputRefused as refused:
        wrong = {one.field: one.told for one in refused.problems}
        return _page(request, sent.visitor, entered, wrong, HTTPStatus.UNPROCESSABLE_ENTITY)
    return RedirectResponse(f"{PLACE}?done=1", HTTPStatus.SEE_OTHER)


@router.post(f"{PLACE}/{{id}}/revoke")
def revoke(request: Request, sent: Annotated[Posted, Depends(posts(ability.DECIDE))], id: str) -> Response:
    api.revoke_delegation(request, sent.visitor, id, sent.text("key"))
    return RedirectResponse(f"{PLACE}?done=1", HTTPStatus.SEE_OTHER)


def _page(
    request: Request, visitor: Visitor, entered: Mapping[str, str], wrong: Mapping[str, Words] | None = None,
    status: int = HTTPStatus.OK,
) -> Response:  # fmt: skip
    found = wiring(request).services.delegations(visitor.known)
    known = {name: entered.get(name, "") for name in FIELDS}
    return render(request, visitor, "delegations.html", status, found=found, entered=known, wrong=wrong or {})

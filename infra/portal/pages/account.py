"""One's own account: tokens for the API, and ending sessions."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from infra.domain.session import Scope
from infra.domain.words import Words
from infra.portal import ability
from infra.portal.interface import InputRefused, NotFound
from infra.portal.session import FEDERATED_TOKEN_DAYS, KEYSTONE, TOKEN_DAYS
from infra.portal.view import render
from infra.portal.visitor import Posted, SignInNeeded, Visitor, may, posts, wiring

router = APIRouter()
Sent = Annotated[Posted, Depends(posts(ability.READ))]


@router.get("/account")
def account(request: Request, visitor: Annotated[Visitor, Depends(may(ability.READ))]) -> Response:
    return _page(request, visitor)


@router.post("/account/tokens")
def issue(request: Request, sent: Sent) -> Response:
    """The token, shown once: only its digest is kept."""
    wired, visitor = wiring(request), sent.visitor
    if visitor.session is None:
        raise SignInNeeded("a token is made by a person, not by a program")
    scopes = frozenset(one for one in Scope if one in sent.form.getlist("scopes"))
    days = sent.text("days")
    try:
        token, secret = wired.access.issue(
            visitor.session, sent.text("name"), scopes, int(days) if days.isdecimal() and len(days) < 6 else 0
        )
    except InputRefused as refused:
        wrong = {one.field: one.told for one in refused.problems}
        return _page(request, visitor, HTTPStatus.UNPROCESSABLE_ENTITY, wrong=wrong)
    told = Words(
        f"{visitor.known.name} tạo mã truy cập {token.name}",
        f"{visitor.known.name} made the token {token.name}",
    )
    wired.services.record(visitor.known, "token.issue", token.id, told, visitor.address)
    return _page(request, visitor, secret=secret)


@router.post("/account/tokens/{id}/revoke")
def revoke(request: Request, sent: Sent, id: str) -> Response:
    wired, person = wiring(request), sent.visitor.known
    if not wired.access.revoke(person.id, id):
        raise NotFound(f"token {id}: there is none")
    told = Words(f"{person.name} thu hồi mã truy cập", f"{person.name} revoked a token")
    wired.services.record(person, "token.revoke", id, told, sent.visitor.address)
    return RedirectResponse("/account", HTTPStatus.SEE_OTHER)


def _page(request: Request, visitor: Visitor, status: int = HTTPStatus.OK, **more: Any) -> Response:
    federated = visitor.session is not None and visitor.session.source != KEYSTONE
    facts: dict[str, Any] = {"secret": "", "wrong": {}, **more}
    return render(
        request, visitor, "account.html", status, tokens=wiring(request).access.tokens(visitor.known.id),
        scopes=list(Scope), longest=FEDERATED_TOKEN_DAYS if federated else TOKEN_DAYS, **facts,
    )  # fmt: skip

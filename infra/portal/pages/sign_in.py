"""Signing in and out: by a password that the directory checks, or at the OpenID provider."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from infra.domain.person import Person
from infra.domain.words import Words
from infra.portal import session
from infra.portal.identity import DirectoryUnreachable, NoRoleHere, SignInRefused
from infra.portal.interface import NotFound
from infra.portal.language import N_, VIETNAMESE
from infra.portal.oidc import Begun, OpenId
from infra.portal.rates import TooMany
from infra.portal.view import drop_secret, render, set_secret
from infra.portal.visitor import SESSION_COOKIE, VISIT_COOKIE, Posted, Visitor, anyone, posts, wiring
from infra.portal.wiring import Wiring

router = APIRouter()
OIDC_COOKIE, OIDC_SECONDS = "__Host-oidc", 600
Any_ = Annotated[Visitor, Depends(anyone)]
Sent = Annotated[Posted, Depends(posts(None))]


@router.get("/sign-in")
def form(request: Request, visitor: Any_, next: str = "/") -> Response:
    if visitor.person is not None:
        return RedirectResponse(_inside(next), HTTPStatus.SEE_OTHER)
    return _page(request, visitor, next)


@router.post("/sign-in")
def sign_in(request: Request, sent: Sent) -> Response:
    wired, visitor = wiring(request), sent.visitor
    agency, name, password = sent.text("agency"), sent.text("name"), str(sent.form.get("password", ""))
    account, rates = f"{agency}/{name}", wired.rates
    refused, status = "", HTTPStatus.UNAUTHORIZED
    try:
        rates.count(rates.sign_in, "sign_in", visitor.address)
        rates.check(rates.account, "account", account)
        person = wired.directory.sign_in(agency, name, password)
    except SignInRefused:
        rates.count(rates.account, "account", account)
        told = Words(f"Đăng nhập bị từ chối: {account}", f"Sign-in refused: {account}")
        wired.services.record(None, "session.refuse", account[:200], told, visitor.address)
        refused = N_("Agency, name or password is not right")
    except TooMany:
        refused, status = N_("Too many attempts; wait a few minutes"), HTTPStatus.TOO_MANY_REQUESTS
    except DirectoryUnreachable:
        refused = N_("Signing in does not work now; try later")
        status = HTTPStatus.SERVICE_UNAVAILABLE
    if refused:
        return _page(request, visitor, sent.text("next"), refused, status, agency=agency, name=name)
    secret = wired.access.begin(person, session.KEYSTONE, visitor.address)
    answer = _begin(wired, visitor, person, secret, sent.text("next"))
    answer.set_cookie("agency", agency, max_age=31536000, httponly=True, secure=True, samesite="lax")
    return answer


@router.post("/sign-out")
def sign_out(request: Request, sent: Sent) -> Response:
    """Ends this session, or with `all` every session of the person; and that at the OpenID provider, by
    sending the browser there: from a page of its own, for a form may lead to no other site (form-action).
    """
    wired, visitor = wiring(request), sent.visitor
    person = visitor.known
    there = wired.access.id_token(visitor.session, visitor.secret) if visitor.session else ""
    if sent.text("all"):
        wired.access.end_all(person.id)
    else:
        wired.access.end(visitor.secret)
    told = Words(f"{person.name} đăng xuất", f"{person.name} signed out")
    wired.services.record(person, "session.end", person.id, told, visitor.address)
    place = _end_there(request, there)
    if place:
        nobody = replace(visitor, person=None, session=None, secret="")
        headers = {"Refresh": f"0; url={place}"}
        answer: Response = render(request, nobody, "signed_out.html", HTTPStatus.OK, headers, place=place)
    else:
        answer = RedirectResponse("/sign-in", HTTPStatus.SEE_OTHER)
    drop_secret(answer)
    return answer


@router.get("/oidc/start")
def oidc_start(request: Request, next: str = "/") -> Response:
    begun = _openid(request).begin(str(request.url_for("oidc_callback")))
    answer = RedirectResponse(begun.url, HTTPStatus.SEE_OTHER)
    kept = json.dumps([begun.state, begun.nonce, begun.verifier, next]).encode()
    value = base64.urlsafe_b64encode(kept).decode()
    answer.set_cookie(
        OIDC_COOKIE, value, max_age=OIDC_SECONDS, httponly=True, secure=True, samesite="lax", path="/"
    )
    return answer


@router.get("/oidc/callback")
def oidc_callback(request: Request, visitor: Any_) -> Response:
    wired, openid = wiring(request), _openid(request)
    try:
        wired.rates.count(wired.rates.sign_in, "sign_in", visitor.address)
        state, nonce, verifier, place = _kept(request.cookies.get(OIDC_COOKIE, ""))
        begun = Begun("", state, nonce, verifier)
        vouched = openid.finish(str(request.url_for("oidc_callback")), begun, str(request.url))
    except SignInRefused as refused:
        told = Words(f"Đăng nhập OIDC bị từ chối: {refused}", f"OIDC sign-in refused: {refused}")
        wired.services.record(None, "session.refuse", "oidc", told, visitor.address)
        answer = _refused(request, visitor, refused)
    else:
        answer = _begin(
            wired, visitor, vouched.person, wired.access.begin_vouched(vouched, visitor.address), place
        )
    drop_secret(answer, OIDC_COOKIE)
    return answer


def _refused(request: Request, visitor: Visitor, refused: SignInRefused) -> Response:
    """Whom the provider knows and the portal does not can leave there, to sign in as somebody else."""
    if isinstance(refused, NoRoleHere):
        why = N_(
            "Your account has no agency or no role in this portal; ask your agency's administrator for one"
        )
        other = _end_there(request, refused.id_token)
    else:
        why, other = (
            N_("The sign-in was not finished: it took too long, or began in another window; sign in again"),
            "",
        )
    return _page(request, visitor, "/", why, HTTPStatus.UNAUTHORIZED, other=other)


def _end_there(request: Request, id_token: str) -> str:
    """Where the browser ends its session at the provider and comes back to the sign-in; "" where it has none,
    or where the provider cannot say: who signs out here is signed out here in any case.
    """
    openid = wiring(request).openid
    if openid is None or not id_token:
        return ""
    try:
        return openid.end_url(id_token, f"{request.base_url}sign-in")
    except DirectoryUnreachable:
        return ""


def _begin(wired: Wiring, visitor: Visitor, person: Person, secret: str, place: str) -> Response:
    told = Words(f"{person.name} đăng nhập", f"{person.name} signed in")
    wired.services.record(person, "session.begin", person.id, told, visitor.address)
    answer = RedirectResponse(_inside(place), HTTPStatus.SEE_OTHER)
    # A new secret with each sign-in: one that was planted before is worth nothing after.
    set_secret(answer, SESSION_COOKIE, secret)
    if visitor.reader.code != VIETNAMESE:  # which a browser has without a choice
        wired.services.choose_language(person, visitor.reader.code)
    drop_secret(answer, VISIT_COOKIE)
    return answer


def _page(
    request: Request, visitor: Visitor, next: str, refused: str = "", status: int = HTTPStatus.OK,
    other: str = "", **entered: Any,
) -> Response:  # fmt: skip
    known = {"agency": request.cookies.get("agency", ""), "name": "", **entered}
    return render(
        request, visitor, "sign_in.html", status, next=_inside(next), refused=refused, entered=known,
        openid=wiring(request).openid is not None, other=other,
    )  # fmt: skip


def _inside(place: str) -> str:
    """A path of ours, or home: a link must not lead a person who signs in to another site."""
    ours = place.startswith("/") and not place.startswith(("//", "/\\")) and place.isprintable()
    return place if ours and "\\" not in place else "/"


def _openid(request: Request) -> OpenId:
    """Raises NotFound where the site has no provider."""
    found = wiring(request).openid
    if found is None:
        raise NotFound("no OpenID provider is set up")
    return found


def _kept(cookie: str) -> tuple[str, str, str, str]:
    """Raises SignInRefused."""
    try:
        state, nonce, verifier, place = json.loads(base64.urlsafe_b64decode(cookie))
    except ValueError as wrong:
        raise SignInRefused("the browser did not bring back what it left with") from wrong
    return str(state), str(nonce), str(verifier), str(place)

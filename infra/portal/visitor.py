"""Who asks: the person behind a cookie or a token, their language, and whether the question is their own.

A page's change is theirs when it carries the token of their session and comes from a page of ours; a
program's when it has a bearer token, which no browser sends by itself.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.datastructures import FormData

from infra.domain.person import Person
from infra.domain.session import Scope, Session
from infra.errors import InfraError
from infra.portal.ability import Ability
from infra.portal.interface import NotAllowed
from infra.portal.language import LANGUAGES, VIETNAMESE, Reader
from infra.portal.session import csrf_token
from infra.portal.wiring import Wiring

SESSION_COOKIE, VISIT_COOKIE = "__Host-session", "__Host-visit"
SAFE = {"GET", "HEAD"}


class SignInNeeded(InfraError):
    """Nobody is signed in, or the session has ended; sign in."""

    code = "sign_in_needed"


class Forged(InfraError):
    """The form is not one of this session's own; open the page again and send it from there."""

    code = "forged"


@dataclass(frozen=True)
class Visitor:
    """`scopes` is None for a browser: all that the person's roles allow. Forms are bound to `secret`."""

    person: Person | None
    reader: Reader
    address: str
    secret: str = ""
    session: Session | None = None
    scopes: frozenset[Scope] | None = None
    theme: str = ""

    @property
    def csrf(self) -> str:
        return csrf_token(self.secret)

    @property
    def known(self) -> Person:
        """Raises SignInNeeded."""
        if self.person is None:
            raise SignInNeeded("sign in first")
        return self.person

    def may(self, ability: Ability) -> bool:
        return (
            self.person is not None
            and bool(self.person.roles & ability.roles)
            and (self.scopes is None or ability.scope in self.scopes)
        )


@dataclass(frozen=True)
class Posted:
    """A form that a visitor sent, proven to be their own."""

    visitor: Visitor
    form: FormData

    def text(self, name: str) -> str:
        """A field as text, "" where it is missing or a file; line ends as Unix has them, without NUL, which
        no database keeps."""
        value = self.form.get(name, "")
        return value.replace("\r\n", "\n").replace("\0", "").strip() if isinstance(value, str) else ""


def wiring(request: Request) -> Wiring:
    found: Wiring = request.app.state.wiring
    return found


def anyone(request: Request) -> Visitor:
    """Whoever asks, signed in or not."""
    wired = wiring(request)
    address = request.client.host if request.client else ""
    bearer = _bearer(request)
    look: dict[str, Any] = {"reader": reader(request), "address": address, "theme": theme(request)}
    if bearer:
        wired.rates.count(wired.rates.read, "read", address)
        if (token := wired.access.token(bearer)) is None:
            raise SignInNeeded("the token is unknown, revoked or expired; make a new one in the portal")
        return Visitor(token.person, scopes=token.scopes, **look)
    secret = request.cookies.get(SESSION_COOKIE, "")
    session = wired.access.session(secret)
    wired.rates.count(wired.rates.read, "read", session.person.id if session else address)
    if session is None:
        secret = request.cookies.get(VISIT_COOKIE, "") or secrets.token_urlsafe(16)
        return Visitor(None, secret=secret, **look)
    return Visitor(session.person, secret=secret, session=session, **look)


async def _form(request: Request) -> FormData:
    return await request.form(max_files=0, max_fields=500)


def count_read(request: Request) -> None:
    """One more read by this address, where nobody has to say who they are. Raises TooMany."""
    rates = wiring(request).rates
    rates.count(rates.read, "read", request.client.host if request.client else "")


Anyone = Annotated[Visitor, Depends(anyone)]
Form = Annotated[FormData, Depends(_form)]


def may(ability: Ability) -> Callable[..., Visitor]:
    """A dependency: a visitor whose roles, and whose token's scopes, allow it. A change by cookie, which only
    scripts of our own pages send this way, carries the session's token in a header."""

    def checked(request: Request, visitor: Anyone) -> Visitor:
        _allowed(visitor, ability)
        if request.method not in SAFE:
            if visitor.scopes is None:
                _own(request, visitor, request.headers.get("x-csrf-token", ""))
            _count_change(request, visitor)
        return visitor

    return checked


def posts(ability: Ability | None) -> Callable[..., Any]:
    """A dependency: a form of a page, sent by a visitor who may; None lets anybody send it."""

    def checked(request: Request, visitor: Anyone, form: Form) -> Posted:
        if ability is not None:
            _allowed(visitor, ability)
        if visitor.scopes is not None:
            raise NotAllowed("tokens are for the API; pages are for people")
        given = form.get("csrf", "")
        _own(request, visitor, given if isinstance(given, str) else "")
        _count_change(request, visitor)
        return Posted(visitor, form)

    return checked


def _allowed(visitor: Visitor, ability: Ability) -> None:
    person = visitor.known
    if not visitor.may(ability):
        roles = ", ".join(sorted(ability.roles))
        scope = f"a token with the scope {ability.scope}"
        held = scope if person.roles & ability.roles else f"one of the roles {roles}"
        raise NotAllowed(f"this needs {held}")


def _own(request: Request, visitor: Visitor, given: str) -> None:
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin", "")
    strange = origin and urlsplit(origin).netloc != request.headers.get("host", "")
    if site != "same-origin" or strange or not hmac.compare_digest(given.encode(), visitor.csrf.encode()):
        raise Forged("the form is not of this session; open the page again and send it from there")


def _count_change(request: Request, visitor: Visitor) -> None:
    rates = wiring(request).rates
    rates.count(rates.change, "change", visitor.person.id if visitor.person else visitor.address)


def _bearer(request: Request) -> str:
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if kind.lower() == "bearer" else ""


def reader(request: Request) -> Reader:
    """The language that is asked for here, or was before; the API's by Accept-Language."""
    asked = request.query_params.get("lang", "") or request.cookies.get("lang", "")
    if not asked and request.url.path.startswith("/api/"):
        asked = request.headers.get("accept-language", "")[:2].lower()
    return Reader(asked if asked in LANGUAGES else VIETNAMESE, wiring(request).zone)


def theme(request: Request) -> str:
    """light, dark, or "" for what the reader's system has."""
    asked = request.query_params.get("theme", request.cookies.get("theme", ""))
    return asked if asked in ("light", "dark") else ""

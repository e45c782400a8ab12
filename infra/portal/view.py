"""Pages from templates: what every page has, and the words and forms that templates write things in."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from infra.domain.opening import SERVICE_WORDS, SOURCE_WORDS
from infra.portal import ability
from infra.portal.language import (
    ACTIONS,
    DETAILED_ACTIONS,
    LANGUAGES,
    MAIN_RESOURCES,
    N_,
    ROLES,
    SCOPES,
    STAGES,
    STATES,
    catalog,
    deployment_state,
)
from infra.portal.visitor import SESSION_COOKIE, VISIT_COOKIE, Visitor, wiring

YEAR = 365 * 24 * 3600
SIGNS = {"good": "✔", "warn": "▲", "bad": "✘", "busy": "…"}
PLACES = (
    ("/", N_("Home"), ability.READ),
    ("/catalog", N_("Catalog"), ability.REQUEST),
    ("/requests", N_("Requests"), ability.READ),
    ("/approvals", N_("Approvals"), ability.SIGN),
    ("/deployments", N_("Deployments"), ability.READ),
    ("/agencies", N_("Agencies"), ability.OVERSEE),
    ("/operations", N_("Operations"), ability.OVERSEE),
    ("/audit", N_("Audit log"), ability.AUDIT),
    ("/notices", N_("Notices"), ability.READ),
)
"""The navigation: path, name, and what one must be able to do to see it."""
CAN = {"request": ability.REQUEST, "sign": ability.SIGN, "oversee": ability.OVERSEE}
"""What templates ask before they show a way to do it."""


def key() -> str:
    """An idempotency key, for a form: sent twice, it does its work once."""
    return secrets.token_urlsafe(18)


@cache
def environment(code: str) -> Environment:
    """The templates in a language."""
    made = Environment(
        loader=PackageLoader("infra.portal"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, extensions=["jinja2.ext.i18n"],
    )  # fmt: skip
    made.install_gettext_translations(catalog(code), newstyle=True)  # type: ignore[attr-defined]
    say = catalog(code).gettext

    def state(name: str) -> Markup:
        """A state: sign, word and colour."""
        word, grade = STATES.get(name, (name, ""))
        return Markup('<span class="state {}">{} {}</span>').format(grade, SIGNS.get(grade, "–"), say(word))

    made.globals.update(
        STATES=STATES, ROLES=ROLES, ACTIONS=ACTIONS, SCOPES=SCOPES, STAGES=STAGES, LANGUAGES=LANGUAGES,
        MAIN_RESOURCES=MAIN_RESOURCES, DETAILED_ACTIONS=DETAILED_ACTIONS, SERVICE_WORDS=SERVICE_WORDS,
        SOURCE_WORDS=SOURCE_WORDS, kept_query=kept_query, state=state, deployment_state=deployment_state,
    )  # fmt: skip
    return made


def kept_query(query: str, name: str, value: str) -> str:
    """A query with one parameter set to something else, or left out where that is ""."""
    kept = [(one, was) for one, was in parse_qsl(query) if one != name]
    return urlencode([*kept, (name, value)] if value else kept)


def fragment(request: Request, visitor: Visitor, template: str, /, **facts: Any) -> str:
    """A part of a page."""
    wired = wiring(request)
    shared = {
        "say": visitor.reader, "visitor": visitor, "person": visitor.person, "path": request.url.path,
        "query": request.url.query, "city": wired.city, "contact": wired.contact, "now": wired.clock(),
        "agencies": wired.agencies, "csrf": visitor.csrf, "key": key(),
        "places": [(path, name) for path, name, needed in PLACES if visitor.may(needed)],
        "can": {name: visitor.may(needed) for name, needed in CAN.items()},
    }  # fmt: skip
    return environment(visitor.reader.code).get_template(template).render({**shared, **facts})


def render(
    request: Request, visitor: Visitor, template: str, status: int = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None, /, **facts: Any,
) -> HTMLResponse:  # fmt: skip
    """A page, with the cookies that keep what the reader chose."""
    body = fragment(request, visitor, template, **facts)
    answer = HTMLResponse(body, status, {**(headers or {}), "Content-Language": visitor.reader.code})
    for name, chosen in (("lang", visitor.reader.code), ("theme", visitor.theme)):
        if name in request.query_params:
            answer.set_cookie(name, chosen, max_age=YEAR, httponly=True, samesite="lax", secure=True)
    if visitor.session is not None and "lang" in request.query_params:
        wiring(request).services.choose_language(visitor.known, visitor.reader.code)
    if visitor.session is None and request.cookies.get(VISIT_COOKIE) != visitor.secret and visitor.secret:
        set_secret(answer, VISIT_COOKIE, visitor.secret)
    return answer


def set_secret(answer: Any, name: str, value: str) -> None:
    """A cookie of this browser session that no script, no other host and no unencrypted page gets."""
    answer.set_cookie(name, value, httponly=True, secure=True, samesite="lax", path="/")


def drop_secret(answer: Any, name: str = SESSION_COOKIE) -> None:
    answer.delete_cookie(name, httponly=True, secure=True, samesite="lax", path="/")

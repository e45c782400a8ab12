"""Failures as HTTP says them: problem+json (RFC 9457) for programs, a page for people.

The one place that turns an error's class into a status. A `Problem` has the error's stable code, so a program
needs to read no sentence.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from infra.domain.words import Words
from infra.errors import InfraError
from infra.portal.identity import DirectoryUnreachable, SignInRefused
from infra.portal.interface import CloudAway, Conflict, FieldProblem, InputRefused, NotAllowed, NotFound
from infra.portal.language import N_, Reader
from infra.portal.rates import TooMany
from infra.portal.view import render
from infra.portal.visitor import Forged, SignInNeeded, Visitor, anyone, reader, theme
from infra.store.engine import StoreUnreachable

STATUS: tuple[tuple[type[InfraError], HTTPStatus, str], ...] = (
    (SignInNeeded, HTTPStatus.UNAUTHORIZED, N_("Please sign in")),
    (SignInRefused, HTTPStatus.UNAUTHORIZED, N_("Agency, name or password is not right")),
    (NotAllowed, HTTPStatus.FORBIDDEN, N_("Your role does not allow this")),
    (Forged, HTTPStatus.FORBIDDEN, N_("This form is out of date; open the page again")),
    (NotFound, HTTPStatus.NOT_FOUND, N_("There is no such page")),
    (Conflict, HTTPStatus.CONFLICT, N_("It has changed meanwhile; look again")),
    (InputRefused, HTTPStatus.UNPROCESSABLE_ENTITY, N_("Something that was entered is not right")),
    (TooMany, HTTPStatus.TOO_MANY_REQUESTS, N_("Too many requests in a short time; wait a little")),
    (DirectoryUnreachable, HTTPStatus.SERVICE_UNAVAILABLE, N_("Signing in does not work now; try later")),
    (CloudAway, HTTPStatus.SERVICE_UNAVAILABLE, N_("The cloud does not answer now; try again later")),
    (StoreUnreachable, HTTPStatus.SERVICE_UNAVAILABLE, N_("The portal does not work now; try later")),
)
"""Error, its status, and what people are told. A child counts as its parent."""
RETRY_SECONDS = 30
"""When to try again what failed because something behind the portal was away."""
_RETRY_AFTER = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
}
HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"description": "Bearer", "schema": {"type": "string"}}},
    429: _RETRY_AFTER,
    503: _RETRY_AFTER,
}
"""What an answer's documentation says of its headers."""
MEANS = {
    400: "What was sent cannot be read",
    401: "No token, or one that is unknown, revoked or expired",
    403: "The person's roles, or the token's scopes, do not allow it; `detail` says which are needed",
    404: "There is no such thing, or it belongs to another agency",
    409: "It has changed meanwhile, its state does not allow it, the quota would be passed, or the"
         " idempotency key was used for another call; `detail` says which",
    413: "The body is too large",
    422: "Something that was sent is not right; `problems` names each field",
    429: "Too many requests in a short time; `Retry-After` says how long to wait",
    503: "The database, the directory of people or the cloud does not answer; try again",
}  # fmt: skip
_LOG = logging.getLogger("infra.portal")
BROKEN = N_("Something went wrong here; the city's cloud team can see it in the log")


class WrongField(BaseModel):
    field: str = Field(examples=["items[0].values.size"])
    detail: str


class Problem(BaseModel):
    """RFC 9457. `code` never changes; `problems` are the fields that were refused."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    code: str
    problems: list[WrongField] = []


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route's documentation says of its failures; every route has those that any request can meet."""
    every = sorted({400, 401, 403, 413, 422, 429, 503, *statuses})
    shape = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        one: {
            "description": MEANS.get(one, HTTPStatus(one).phrase),
            "content": shape,
            **({"headers": HEADERS[one]} if one in HEADERS else {}),
        }
        for one in every
    }


def install(app: FastAPI) -> None:
    """How an app answers what goes wrong."""
    app.add_exception_handler(InfraError, _failed)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _broken)


def told(error: InfraError, say: Reader) -> tuple[HTTPStatus, str, str]:
    """(status, title, detail), in the reader's language."""
    for kind, status, title in STATUS:
        if isinstance(error, kind):
            detail = say.words(error.told) if isinstance(error, Conflict | NotAllowed) else ""
            return status, say.say(title), detail
    return HTTPStatus.INTERNAL_SERVER_ERROR, say.say(BROKEN), ""


def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, InfraError)
    say = reader(request)
    status, title, detail = told(error, say)
    headers = {"Retry-After": str(error.seconds)} if isinstance(error, TooMany) else {}
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOG.error("%s %s: %s [%s]", request.method, request.url.path, error, error.code)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_SECONDS)
    if not _program(request):
        if isinstance(error, SignInNeeded) and request.method == "GET":
            from urllib.parse import quote

            return RedirectResponse(f"/sign-in?next={quote(_here(request))}", HTTPStatus.SEE_OTHER)
        return _page(request, status, title, detail, headers)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    fields = error.problems if isinstance(error, InputRefused) else ()
    why = detail or (str(error) if isinstance(error, NotAllowed | SignInNeeded | Forged) else "")
    return _problem(status, title, why, error.code, fields, say, headers)


def _malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    say = reader(request)
    fields = [FieldProblem(_path(one["loc"]), Words(one["msg"], one["msg"])) for one in error.errors()]
    title = say.say(N_("Something that was entered is not right"))
    if not _program(request):
        return _page(request, HTTPStatus.UNPROCESSABLE_ENTITY, title, "", {})
    return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, title, "", "input_refused", fields, say, {})


def _http(request: Request, error: Exception) -> Response:
    """What the framework refuses by itself: no such path, no such method, a form that is none."""
    assert isinstance(error, HTTPException)
    say, status = reader(request), HTTPStatus(error.status_code)
    headers = dict(error.headers or {})
    missing = status == HTTPStatus.NOT_FOUND
    title = say.say(N_("There is no such page")) if missing else status.phrase
    if not _program(request):
        return _page(request, status, title, "", headers)
    code = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}.get(status, "bad_request")
    return _problem(status, title, "", code, (), say, headers)


def _gone(request: Request, error: Exception) -> Response:
    """The browser hung up while it was sending: nobody reads this, and nothing is wrong here."""
    return Response(status_code=HTTPStatus.BAD_REQUEST)


def _broken(request: Request, error: Exception) -> Response:
    """The traceback is in the log of the server, which raises it again; nobody else sees it."""
    say = reader(request)
    if _program(request):
        return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, say.say(BROKEN), "", "broken", (), say, {})
    return _page(request, HTTPStatus.INTERNAL_SERVER_ERROR, say.say(BROKEN), "", {})


def _problem(
    status: HTTPStatus, title: str, detail: str, code: str, fields: Sequence[FieldProblem], say: Reader,
    headers: dict[str, str],
) -> Response:  # fmt: skip
    wrong = [WrongField(field=one.field, detail=say.words(one.told)) for one in fields]
    body = Problem(title=title, status=status, detail=detail, code=code, problems=wrong)
    return JSONResponse(
        body.model_dump(), status, {**headers, "Content-Language": say.code},
        media_type="application/problem+json",
    )  # fmt: skip


def _page(request: Request, status: HTTPStatus, title: str, detail: str, headers: dict[str, str]) -> Response:
    try:
        visitor = anyone(request)
    except InfraError:  # the session itself is what failed: the page of a stranger
        visitor = Visitor(None, reader(request), "", theme=theme(request))
    return render(request, visitor, "error.html", status, headers, title=title, detail=detail)


def _program(request: Request) -> bool:
    return request.url.path.startswith("/api/")


def _here(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _path(place: Sequence[int | str]) -> str:
    """`("body", "items", 0, "count")` as `items[0].count`."""
    made = ""
    for part in place[1:]:
        made += f"[{part}]" if isinstance(part, int) else f".{part}" if made else part
    return made or str(place[0])

"""What every answer has and every request must keep, whatever its route: headers, and a limit on its size."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 256 * 1024
"""Bytes. The largest thing that anybody sends is a form with a few SSH keys."""
POLICY = "; ".join((
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "font-src 'self'",
    "connect-src 'self'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'",
))  # fmt: skip
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Strict-Transport-Security": "max-age=31536000",
}


class Guard:
    """ASGI middleware. Answers are not kept by caches, and other sites not told of their address, unless a
    route says so. `consoles` is the one other place to which an answer to a form may lead, "" for none.
    """

    def __init__(self, app: ASGIApp, consoles: str = "") -> None:
        self._app = app
        self._headers = {**HEADERS, "Content-Security-Policy": f"{POLICY} {consoles}".rstrip()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _announced(scope["headers"]) > LARGEST_BODY:
            told = f"at most {LARGEST_BODY} bytes"
            await _refused(413, "too_large", told)(scope, receive, self._guarded(send))
            return
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:  # no database keeps it, none has it
            await _refused(400, "bad_request", "an address has no NUL in it")(
                scope, receive, self._guarded(send)
            )
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > LARGEST_BODY:  # who announced no length is cut off where the limit is
                raise HTTPException(413)
            return message

        await self._app(scope, counted, self._guarded(send))

    def _guarded(self, send: Send) -> Send:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                headers.setdefault("Referrer-Policy", "same-origin")
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        return sent


def _announced(headers: Iterable[tuple[bytes, bytes]]) -> int:
    found = [value for name, value in headers if name == b"content-length"]
    return int(found[0]) if found and found[0].isdigit() else 0


def _refused(status: int, code: str, detail: str) -> JSONResponse:
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code,
            "detail": detail, "problems": []}  # fmt: skip
    return JSONResponse(body, status, media_type="application/problem+json")

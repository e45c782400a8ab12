"""The portal's REST API as commands call it: a token from a file, TLS, and calls that are safe to repeat.

A call that changes something has an idempotency key; when the connection is lost, it is sent again with the
same key, so it does its work once. The portal's own refusals become `PortalRefused` with the API's code.
"""

from __future__ import annotations

import os
import secrets
import ssl
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx

from infra.errors import InfraError, Problem, Problems

API = "/api/v1"
TRIES = 4
FIRST_WAIT = 0.5
"""Seconds before the second try; each further one waits twice as long."""
TIMEOUT = httpx.Timeout(60, connect=10)
"""Seconds. An open event stream sends something each 15 seconds at least."""
LARGEST_PAGE = 200
LARGEST_TOKEN = 4096
_AWAY = {502, 504}
"""What a load balancer answers while no portal stands behind it."""


class PortalUnreachable(InfraError):
    """The portal does not answer, or what answers is no portal; check --portal and --ca, and try again."""

    code = "portal_unreachable"


class PortalAddressInvalid(InfraError):
    """The portal's address is missing or would send the token in the clear; name an https:// address."""

    code = "portal_address_invalid"


class TokenFileRefused(InfraError):
    """The file of the token is missing, empty, or open to others; make a token on the portal's account page
    and write it into a file that only you can read (mode 0600).
    """

    code = "token_file_refused"


class PortalRefused(InfraError):
    """The portal answers no; `code` is the API's own and stable."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class DraftRefused(Problems):
    """The file of a request has mistakes; every field is named as it stands there."""

    code = "input_refused"


@dataclass(frozen=True)
class Source:
    """The file that a call's body was made from, for naming its mistakes."""

    file: str
    document: Mapping[str, Any]


class Portal:
    """One portal, as the person whose token it is. `wait` sleeps between tries."""

    def __init__(
        self, address: str, token: str, *, ca: Path | None = None, language: str = "en",
        wait: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self.address = checked_address(address)
        self._wait = wait
        self._client = httpx.Client(
            base_url=self.address, timeout=TIMEOUT, verify=_trusted(ca), follow_redirects=False,
            headers={"Authorization": f"Bearer {token}", "Accept-Language": language,
                     "User-Agent": "citycloud"},
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def read(self, *path: str, **query: str | int | bool) -> Any:
        """What stands at a place below the API's root. Raises PortalRefused, PortalUnreachable."""
        return self._answer(self._sent("GET", _place(path), query=query), None)

    def every(self, *path: str, **query: str | int | bool) -> Iterator[Mapping[str, Any]]:
        """The rows of a list, page after page, as long as the caller takes them. `size` is how many rows a
        page has.
        """
        size = min(int(query.pop("size", LARGEST_PAGE)), LARGEST_PAGE)
        after = ""
        while True:
            page = self.read(*path, **{**query, "after": after, "limit": size})
            yield from page["items"]
            after = page["next"]
            if not after:
                return

    def change(
        self, *path: str, body: Mapping[str, Any], key: str = "", method: str = "POST",
        source: Source | None = None,
    ) -> Any:  # fmt: skip
        """Change something, once for a key. Raises DraftRefused where the body came from `source`."""
        key = key or secrets.token_urlsafe(18)
        return self._answer(self._sent(method, _place(path), body=body, key=key), source)

    def events(self, *path: str) -> Iterator[Mapping[str, Any]]:
        """The data of each `progress` event until the stream says that nothing more will come. A stream that
        ends before is opened again.
        """
        place, failures = _place(path), 0
        while failures < TRIES:
            if failures:
                self._wait(FIRST_WAIT * 2 ** (failures - 1))
            try:
                for event, data in self._stream(place):
                    failures = 0
                    if event == "end":
                        return
                    yield data
                failures += 1  # at most a moment's pause, where the portal ends a long stream by itself
            except httpx.TransportError as failed:
                self._raise_untrusted(failed)
                failures += 1
        raise PortalUnreachable(f"{self.address}: its event stream broke off {TRIES} times; try again")

    def _stream(self, place: str) -> Iterator[tuple[str, Any]]:
        with self._client.stream("GET", place, headers={"Accept": "text/event-stream"}) as answer:
            if answer.status_code != httpx.codes.OK:
                answer.read()
                self._answer(answer, None)
            yield from _events(answer.iter_lines())

    def _sent(
        self, method: str, place: str, *, query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None, key: str = "",
    ) -> httpx.Response:  # fmt: skip
        why = ""
        for number in range(TRIES):
            if number:
                self._wait(FIRST_WAIT * 2 ** (number - 1))
            try:
                answer = self._client.request(
                    method, place, params=query, json=body,
                    headers={"Idempotency-Key": key} if key else {},
                )  # fmt: skip
            except httpx.TransportError as failed:
                self._raise_untrusted(failed)
                why = str(failed) or type(failed).__name__
                continue
            away = answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and not _is_problem(answer)
            if answer.status_code not in _AWAY and not away:
                return answer
            why = f"answers {answer.status_code}"
        way_out = "check --portal, and whether it serves"
        if key:
            way_out = f"whether it was done is not known: call again with --key {key}, which does it once"
        raise PortalUnreachable(f"{self.address}: {why}; {way_out}")

    def _answer(self, answer: httpx.Response, source: Source | None) -> Any:
        if answer.status_code == httpx.codes.NO_CONTENT:
            return None
        kind = _kind(answer)
        if answer.is_success and kind == "application/json":
            return answer.json()
        if _is_problem(answer):
            raise refusal(answer.json(), answer.headers, source)
        raise PortalUnreachable(
            f"{self.address}: answers {answer.status_code} with {kind or 'nothing'}, which no portal does;"
            " check --portal"
        )

    def _raise_untrusted(self, failed: Exception) -> None:
        if "CERTIFICATE_VERIFY_FAILED" in str(failed):
            raise PortalUnreachable(
                f"{self.address}: its certificate is not of an authority that this computer trusts; name the"
                " city's with --ca FILE"
            ) from failed


def _kind(answer: httpx.Response) -> str:
    return str(answer.headers.get("content-type", "")).partition(";")[0]


def _is_problem(answer: httpx.Response) -> bool:
    """Whether the portal itself says no; a load balancer before a portal that starts says it in HTML."""
    return _kind(answer) == "application/problem+json"


def checked_address(address: str) -> str:
    """The address without its slash at the end. Raises PortalAddressInvalid."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise PortalAddressInvalid(
            f"{address or 'no portal'}: set CITYCLOUD_PORTAL or --portal to https://its.name"
        )
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise PortalAddressInvalid(f"{address}: a token goes over https only; write https://{parts.netloc}")
    return address.rstrip("/")


def token_of(file: Path | None) -> str:
    """The token in a file that nobody else can read. Raises TokenFileRefused."""
    if file is None:
        raise TokenFileRefused(
            "no token: make one on the portal's account page, write it into a file of mode 0600 and name"
            " that file in CITYCLOUD_PORTAL_TOKEN_FILE"
        )
    try:
        with file.open("rb") as opened:
            held = os.fstat(opened.fileno())
            if not stat.S_ISREG(held.st_mode) or held.st_mode & 0o077 or held.st_uid not in (0, os.getuid()):
                raise TokenFileRefused(f"{file}: others can read or change it; run: chmod 600 {file}")
            token = opened.read(LARGEST_TOKEN).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as failed:
        raise TokenFileRefused(f"{file}: {failed}; write the portal's token into it") from failed
    if not token or not token.isprintable() or " " in token:
        raise TokenFileRefused(f"{file}: it holds no token; write the portal's token into it, and only that")
    return token


def refusal(problem: Mapping[str, Any], headers: Mapping[str, str], source: Source | None) -> InfraError:
    """What a problem (RFC 9457) is called here."""
    fields: Sequence[Mapping[str, str]] = problem.get("problems", ())
    if source is not None and fields:
        return draft_refused(source, [(one["field"], one["detail"]) for one in fields])
    said = [problem.get("detail") or problem.get("title", "")]
    said += [f"{one['field']}: {one['detail']}" for one in fields]
    if wait := headers.get("retry-after", ""):
        said.append(f"try again in {wait} s")
    code = str(problem.get("code", "error"))
    return PortalRefused(code, ": ".join(one.rstrip(".") for one in said if one) or code)


def draft_refused(source: Source, problems: Sequence[tuple[str, str]]) -> DraftRefused:
    """(field, what is wrong) as problems of the file, with the value that stands there."""
    found = []
    for field, told in problems:
        value = value_at(source.document, field)
        way_out = f"correct it in {source.file} and hand it in again"
        if ".values." in field or field.endswith(".item"):
            way_out = "`citycloud request catalog` says what can be asked for"
        found.append(Problem(source.file, field, value, told.rstrip("."), way_out))
    return DraftRefused(found)


def value_at(document: Any, field: str) -> str:
    """What stands at `items[0].values.size`, as text; "" where nothing does, or more than a value."""
    for part in field.replace("[", ".").replace("]", "").split("."):
        if isinstance(document, Mapping):
            document = document.get(part)
        elif isinstance(document, list) and part.isdecimal() and int(part) < len(document):
            document = document[int(part)]
        else:
            return ""
    return "" if document is None or isinstance(document, Mapping | list) else str(document)[:200]


def _events(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    """(event, data) of an event stream; comments and retry times are passed over."""
    import json

    name, data = "message", ""
    for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield name, json.loads(data)
            name, data = "message", ""
        elif field == "event":
            name = value
        elif field == "data":
            data += value


def _trusted(ca: Path | None) -> ssl.SSLContext:
    """Whom to trust: the system's authorities, or those of one file alone."""
    try:
        return ssl.create_default_context(cafile=str(ca) if ca else None)
    except (OSError, ssl.SSLError) as failed:
        raise PortalAddressInvalid(f"{ca}: no certificate in PEM ({failed}); name the city's CA") from failed


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _place(path: Sequence[str]) -> str:
    return "/".join([API, *(quote(one, safe="") for one in path)])

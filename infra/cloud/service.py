"""Calls to one service of the cloud: answers as plain dictionaries, failures by name, patience with a busy
cloud.

A call is sent again, after a growing pause with jitter (or the pause that the answer asks for), on 429 and
503, when its answer was lost (the connection fails, the answer is cut off, a load balancer says 502 or 504),
and on those 409s that say "try again"; a question (GET) also on 500, which is what a service says whose
database is just being taken over. A POST whose answer was lost is not sent again, for it may have been heard:
callers find what it made by its mark (see `infra.provider.resource`).
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Protocol

from infra.cloud import errors
from infra.cloud.bulk import Creates, Several, Single
from infra.cloud.listing import Listings

if TYPE_CHECKING:
    from infra.cloud.connection import Cloud

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Patience:
    """How long one call is waited for and how often it is sent, all in seconds but `attempts`.

    `call` is for an answer to begin; `first_pause` doubles up to `longest_pause`; a pause that the cloud asks
    for (Retry-After) is kept up to `longest_asked`.
    """

    attempts: int = 6
    call: float = 120.0
    first_pause: float = 0.5
    longest_pause: float = 8.0
    longest_asked: float = 60.0

    @classmethod
    def of(cls, retries: int | None) -> Patience:
        """The patience that sends a call again so often; None is the usual one."""
        return cls() if retries is None else cls(attempts=retries + 1)

    def pause_after(self, attempt: int, asked: str = "") -> float:
        """The pause after the attempt of this number, counted from 1; `asked` is a Retry-After header."""
        if asked.isdigit():
            return min(float(asked), self.longest_asked)
        longest = min(self.longest_pause, self.first_pause * 2 ** (attempt - 1))
        return random.uniform(longest / 2, longest)  # noqa: S311  (spreads load, keeps no secret)


# Neutron and nova answer 409 both for "this name is taken" and for "my database was busy": only the second is
# retried.
_TRY_AGAIN = re.compile(
    "try again|retry|deadlock|concurrent|StaleData|temporarily|RevisionNumberConstraintFailed"
    "|generation conflict",
    re.IGNORECASE,
)


class Service(Protocol):
    """One service, by path below its versioned root (`/networks`); `listings` are those that reads share."""

    @property
    def listings(self) -> Listings: ...

    def creates(self, kind: str, single: Single, several: Several) -> Creates: ...

    def request(
        self, method: str, path: str, *, json: Any = None, params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None, data: IO[bytes] | None = None,
    ) -> Any: ...  # fmt: skip

    def scope(self) -> tuple[str, str]: ...


class SessionService:
    """A service reached through the cloud's openstacksdk session."""

    def __init__(  # noqa: PLR0917  (a row of the table of services)
        self, cloud: Cloud, name: str, service_type: str, microversion: str, prefix: str,
        pause: Callable[[float], None] = time.sleep, patience: Patience | None = None,
    ) -> None:  # fmt: skip
        self._cloud = cloud
        self.listings = cloud.listings
        self.name = name
        self._service_type = service_type
        self._microversion = microversion
        self._prefix = prefix
        self._pause = pause
        self._patience = patience or cloud.patience
        self._root = ""
        self._creates: dict[str, Creates] = {}

    def creates(self, kind: str, single: Single, several: Several) -> Creates:
        """The one queue of creates of a kind."""
        return self._creates.setdefault(kind, Creates(single, several))

    def scope(self) -> tuple[str, str]:
        """(project id, user id) of our token."""
        session = self._cloud.sdk.session
        with _named_failures(f"{self.name}: log in"):
            return session.get_project_id() or "", session.get_user_id() or ""

    def request(
        self, method: str, path: str, *, json: Any = None, params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None, data: IO[bytes] | None = None,
    ) -> Any:  # fmt: skip
        """The JSON of the answer ({} when it has none); raises a CloudError from status 400 on."""
        call = f"{method} {self.name} {path}"
        if method == "GET":
            return self._patiently(call, method, path, json=json, params=params, headers=headers)
        with self.listings.writes:
            return self._patiently(call, method, path, json=json, params=params, headers=headers, data=data)

    def _patiently(self, call: str, method: str, path: str, **options: Any) -> Any:
        repeatable = method != "POST" and options.get("data") is None
        # Whoever sends a file waits until the service has stored it.
        seconds = self._patience.call * (1 if options.get("data") is None else 15)
        for attempt in range(1, self._patience.attempts + 1):
            last = attempt == self._patience.attempts
            asked = ""
            try:
                answer = self._send(call, method, path, timeout=seconds, **options)
                if answer.status_code < 400:
                    return _decoded(call, answer)
            except errors.Unavailable:
                if last or not repeatable:
                    raise
            else:
                once = options.get("data") is not None
                if last or once or not _worth_another_try(method, answer.status_code, answer.text):
                    raise failure(call, answer.status_code, answer.text)
                asked = answer.headers.get("Retry-After", "")
            self._pause(self._patience.pause_after(attempt, asked))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _send(self, call: str, method: str, path: str, **options: Any) -> Any:
        with _named_failures(call):
            given = {key: value for key, value in options.items() if value is not None}
            if self._microversion:
                given["microversion"] = self._microversion
            return self._cloud.sdk.session.request(
                self._url(path), method, raise_exc=False,
                endpoint_filter={"service_type": self._service_type, "region_name": self._region},
                headers={"Accept": "application/json", **given.pop("headers", {})}, **given,
            )  # fmt: skip

    @property
    def _region(self) -> str | None:
        return self._cloud.region_name or None

    def _url(self, path: str) -> str:
        """The full URL: the catalog's endpoint, with our version where the catalog leaves it out."""
        if not self._root:
            instead = self._cloud.credentials.endpoint(self._service_type)
            root = instead if "://" in instead else self._cloud.sdk.session.get_endpoint(
                service_type=instead or self._service_type, region_name=self._region,
                interface=self._cloud.interface,
            )  # fmt: skip
            if not root:
                raise errors.ServiceMissing(
                    f"the cloud's catalog has no {self._service_type} service in our region"
                )
            root = str(root).rstrip("/")
            self._root = root if re.search(r"/v\d[\d.]*(/|$)", root) else root + self._prefix
        return self._root + path


class _named_failures:  # noqa: N801  (reads as a clause at its use)
    """Turns keystoneauth's failures to log in or to connect into ours."""

    def __init__(self, call: str) -> None:
        self._call = call

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, raised: BaseException | None, trace: object) -> None:
        if raised is None or isinstance(raised, errors.CloudError):
            return
        from keystoneauth1 import exceptions

        if isinstance(raised, exceptions.Unauthorized):
            raise errors.CredentialsRefused(f"{self._call}: {raised}") from raised
        if isinstance(raised, exceptions.NotFound):
            raise errors.CloudError(
                f"{self._call}: is OS_AUTH_URL the address of Keystone? {raised}"
            ) from raised
        if isinstance(raised, exceptions.ConnectFailure | exceptions.RetriableConnectionFailure):
            raise errors.Unavailable(f"{self._call}: {raised}") from raised
        if isinstance(raised, exceptions.HttpError) and raised.http_status in (429, 500, 502, 503, 504):
            raise errors.Unavailable(f"{self._call}: {raised}") from raised
        if isinstance(raised, exceptions.ClientException):
            raise errors.CloudError(f"{self._call}: {raised}") from raised


_NAMED: dict[int, type[errors.CloudError]] = {
    401: errors.CredentialsRefused,
    404: errors.NotFound,
    407: errors.CredentialsRefused,
    409: errors.Conflict,
    413: errors.QuotaReached,
    429: errors.Unavailable,
    502: errors.Unavailable,
    503: errors.Unavailable,
    504: errors.Unavailable,
}


def failure(call: str, status: int, text: str) -> errors.CloudError:
    """The named error for an answer; `text` is its body, cut to what a person reads."""
    said = f"{call}: {status} {_reason(text)}"
    if status in (403, 409) and re.search("quota", text, re.IGNORECASE):
        return errors.QuotaReached(said)
    otherwise = errors.Refused if 400 <= status < 500 else errors.CloudError
    return _NAMED.get(status, otherwise)(said)


def _worth_another_try(method: str, status: int, text: str) -> bool:
    return (
        status in (429, 503)
        or (status in (502, 504) and method != "POST")
        or (status == 500 and method == "GET")
        or (status == 409 and bool(_TRY_AGAIN.search(text)))
    )


def _decoded(call: str, answer: Any) -> Any:
    """The JSON of an answer; one that was cut off counts as lost."""
    try:
        return answer.json() if answer.content else {}
    except ValueError as broken:
        raise errors.Unavailable(f"{call}: the answer was cut off: {broken}") from broken


def _reason(text: str) -> str:
    """The sentence inside an OpenStack error body, whichever of its shapes it has."""
    import json

    try:
        body: Any = json.loads(text)
    except ValueError:
        return " ".join(re.sub(r"<[^>]+>", " ", text).split())[:300]
    while isinstance(body, dict):
        for key in ("message", "detail", "error", "NeutronError"):
            if key in body:
                body = body[key]
                break
        else:
            body = next(iter(body.values()), "")
    if isinstance(body, list):
        body = "; ".join(str(item.get("detail", item) if isinstance(item, dict) else item) for item in body)
    return " ".join(str(body).split())[:600]


def pages(service: Service, path: str, plural: str, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Each item of a list call, following `next` links (`links`, `networks_links`, `next`) to the end."""
    query: dict[str, Any] = dict(params)
    while True:
        body = service.request("GET", path, params=query)
        items = body[plural]
        yield from items
        marker = _next_marker(body, plural)
        if not items or not marker or marker == query.get("marker"):
            return
        query["marker"] = marker


def _next_marker(body: Mapping[str, Any], plural: str) -> str:
    links = body.get(f"{plural}_links") or body.get("links") or []
    target = links.get("next") if isinstance(links, dict) else None
    if isinstance(links, list):
        target = next((link["href"] for link in links if link.get("rel") == "next"), None)
    target = target or (body.get("next") if isinstance(body.get("next"), str) else None)
    found = re.search(r"[?&]marker=([^&]+)", target or "")
    return found.group(1) if found else ""

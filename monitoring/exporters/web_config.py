"""Who may read an exporter, by the web config file that all of Prometheus' exporters share.

As they do, the file and its certificates are looked at for each connection and each request, so a renewed
certificate or a new password needs no restart. One that cannot be used changes nothing: what was in force
stays, and a metric and the log say so.
"""

from __future__ import annotations

import base64
import hmac
import logging
import os
import re
import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import bcrypt
import click
from pydantic import BeforeValidator, Field

from infra.errors import InfraError, Problem
from infra.inventory.schema import Strict
from monitoring.exporters.configuration import ConfigurationInvalid, read
from monitoring.exporters.listening import Context, Handler, Request, Response
from monitoring.exporters.web_tls import TlsServer, rule

log = logging.getLogger(__name__)
_HASH = re.compile(r"\$2[abxy]\$(\d\d)\$[./A-Za-z0-9]{53}")
_DEAREST = 15  # 2^15 rounds take two seconds: more would shut the exporter for whoever tries passwords
_REMEMBERED = 64
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}


def _hashes(given: Any) -> Any:
    """Users with bcrypt hashes. Complaints name the user and never show the hash."""
    if not isinstance(given, dict):
        return given
    for user, value in given.items():
        found = _HASH.fullmatch(value) if isinstance(value, str) else None
        if not found:
            raise rule(f"the password of {user} is not a bcrypt hash", "make one: htpasswd -nBC 10 ''")
        if int(found[1]) > _DEAREST:
            raise rule(f"the hash of {user} has cost {found[1]}", f"make one of cost 10, at most {_DEAREST}")
        if ":" in user:
            raise rule(f"the name {user} has a colon", "choose a name without one")
    return given


def _duration(given: Any) -> Any:
    """Seconds of "1s", "500ms" or 0."""
    if isinstance(given, str) and (found := re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|)", given)):
        return float(found[1]) * _UNITS[found[2]]
    return given


class Headers(Strict):
    """The headers that may be added to every answer; "" leaves one out."""

    content_security_policy: str = Field("", alias="Content-Security-Policy")
    frame_options: Literal["deny", "sameorigin", ""] = Field("", alias="X-Frame-Options")
    content_type_options: Literal["nosniff", ""] = Field("", alias="X-Content-Type-Options")
    xss_protection: str = Field("", alias="X-XSS-Protection")
    transport_security: str = Field("", alias="Strict-Transport-Security")

    def added(self) -> dict[str, str]:
        return {name: value for name, value in self.model_dump(by_alias=True).items() if value}


class HttpServer(Strict):
    """`http_server_config`. HTTP/2 is for clients to choose, and we never offer it."""

    http2: bool = True
    headers: Headers = Headers.model_validate({})


class RateLimit(Strict):
    """A request each `interval` seconds (0: no limit), and `burst` at once after a rest."""

    interval: Annotated[float, BeforeValidator(_duration), Field(ge=0)] = 0.0
    burst: Annotated[int, Field(ge=0)] = 0


class WebConfigFile(Strict):
    """The file as it is written."""

    tls_server_config: TlsServer | None = None
    http_server_config: HttpServer = HttpServer()
    basic_auth_users: Annotated[dict[str, str], BeforeValidator(_hashes)] = Field(default_factory=dict)
    rate_limit: RateLimit = RateLimit()


@dataclass(frozen=True)
class WebConfig:
    """A file that was understood, and the certificates that it names."""

    file: WebConfigFile
    context: ssl.SSLContext | None
    headers: Mapping[str, str]
    stands_on: tuple[Path, ...]


def load(path: Path) -> WebConfig:
    """Read the file and its certificates. Raises ConfigurationInvalid."""
    file = read(WebConfigFile, path)
    tls, folder = file.tls_server_config, path.parent
    if any("\n" in value or "\r" in value for value in file.http_server_config.headers.added().values()):
        why = "a header has more than one line"
        raise ConfigurationInvalid([Problem(str(path), "http_server_config.headers", "", why, "write one")])
    return WebConfig(
        file,
        tls.context(folder, str(path)) if tls else None,
        file.http_server_config.headers.added(),
        (path, *(tls.files(folder) if tls else ())),
    )


@dataclass
class Bucket:
    """A token bucket: how many requests may still come now."""

    clock: Callable[[], float] = time.monotonic
    left: float = -1.0
    looked: float = 0.0

    def admits(self, limit: RateLimit) -> bool:
        """Whether another request may come; it is counted if so."""
        if not limit.interval:
            return True
        now = self.clock()
        most = float(max(1, limit.burst))
        self.left = most if self.left < 0 else min(most, self.left + (now - self.looked) / limit.interval)
        self.looked = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


class Passwords:
    """Checks passwords: one hash at a time, and one that fitted is known again without hashing."""

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._good: OrderedDict[bytes, None] = OrderedDict()
        self._lock = threading.Lock()
        self._nobody = bcrypt.hashpw(os.urandom(16).hex().encode(), bcrypt.gensalt(10)).decode()

    def fits(self, users: Mapping[str, str], name: str, password: str) -> bool:
        """Whether this is the user's password. A name that is not known takes as long as one that is."""
        known = users.get(name)
        mark = hmac.digest(self._key, "\0".join((name, known or "", password)).encode(), "sha256")
        with self._lock:
            if mark in self._good:
                return True
            try:
                right = bcrypt.checkpw(password.encode(), (known or self._nobody).encode())
            except ValueError:  # longer than bcrypt looks at, or with a NUL
                right = False
            if known and right:
                self._good[mark] = None
                while len(self._good) > _REMEMBERED:
                    self._good.popitem(last=False)
            return bool(known and right)


@dataclass
class WebGuard:
    """A web config file in force, read anew when it or its certificates change."""

    path: Path
    config: WebConfig
    success: bool = True
    read_at: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._seen = self._stamps()
        self._passwords = Passwords()
        self._bucket = Bucket()

    @classmethod
    def of(cls, path: Path) -> WebGuard:
        """Raises ConfigurationInvalid when the file cannot be used at all."""
        return cls(path, load(path))

    @property
    def context(self) -> Context | None:
        """For the server: asked at each connection. Whether TLS is spoken at all is settled at the start."""
        return self._context if self.config.context is not None else None

    def _context(self) -> ssl.SSLContext:
        self.refresh()
        found = self.config.context
        assert found is not None, "refresh never takes TLS away"
        return found

    def refresh(self) -> None:
        """Read again if a file has changed since."""
        with self._lock:
            stamps = self._stamps()
            if stamps == self._seen:
                return
            self._seen = stamps
            try:
                new = load(self.path)
                if (new.context is None) != (self.config.context is None):
                    raise _needs_restart(self.path)
            except InfraError as error:
                self.success = False
                log.warning("%s; what was in force stays in force", error)  # the error hides secrets
                return
            self.config, self.success, self.read_at = new, True, time.time()
            self._seen = self._stamps()
            log.warning("%s was read again", self.path)

    def authenticate(self, request: Request) -> Response | None:
        """None lets the request in."""
        self.refresh()
        config = self.config
        with self._lock:
            admitted = self._bucket.admits(config.file.rate_limit)
        if not admitted:
            return Response(429, b"too many requests\n", headers=dict(config.headers))
        users = config.file.basic_auth_users
        if not users or self._passwords.fits(users, *_given(request)):
            return None
        headers = {**config.headers, "WWW-Authenticate": 'Basic realm="exporter", charset="UTF-8"'}
        return Response(401, b"unauthorized\n", headers=headers)

    def with_headers(self, answer: Handler) -> Handler:
        """Add the file's headers to everything that is answered."""

        def answered(request: Request) -> Response:
            given = answer(request)
            headers = {**self.config.headers, **given.headers}
            return Response(given.status, given.body, given.content_type, headers)

        return answered

    def _stamps(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(_stamp(file) for file in self.config.stands_on)


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _needs_restart(path: Path) -> ConfigurationInvalid:
    why = "TLS cannot be begun or ended while the exporter runs"
    return ConfigurationInvalid([Problem(str(path), "tls_server_config", "", why, "restart the exporter")])


def _given(request: Request) -> tuple[str, str]:
    """User and password of an Authorization header, both "" where there is none that can be read."""
    kind, _, encoded = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except ValueError:
        return "", ""
    name, colon, password = text.partition(":")
    return (name, password) if colon else ("", "")


web_config_option = click.option(
    "--web.config.file", "web_config", type=click.Path(path_type=Path, dir_okay=False),
    help="Who may read, in the form of all of Prometheus' exporters.",
)  # fmt: skip
"""Of the exporters' entry points."""

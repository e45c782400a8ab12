"""The HTTP side of an exporter: /metrics, further paths by name, and a page at / that says what is here.

The standard library's threading server, chosen on purpose: a scrape waits for the cloud in a thread of its
own and must see that its client has gone, for which it needs the connection, and WSGI servers hide that. A
handler gets a `Request` and returns a `Response`; TLS is a context and a password check a function: whoever
reads a web config file needs to know nothing of sockets.
"""

from __future__ import annotations

import contextlib
import gzip
import html
import logging
import select
import signal
import socket
import ssl
import sys
import threading
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from prometheus_client.core import CollectorRegistry, Metric
from prometheus_client.exposition import choose_encoder

log = logging.getLogger(__name__)
DEFAULT_SECONDS = 10.0
"""Prometheus' own default for a scrape that does not say how long it waits."""
OFFSET_SECONDS = 0.5
"""What rendering and the way back take off a scrape's time."""
CONNECTIONS = 64
_IDLE_SECONDS = 310.0  # Prometheus drops an idle connection after five minutes
_REQUEST_SECONDS = 10.0  # for a TLS handshake
_WORTH_PACKING = 1400  # bytes: smaller answers fit into one packet anyway
_END = b"# EOF\n"  # of OpenMetrics
_CLOSED = select.POLLRDHUP | select.POLLHUP | select.POLLERR


@dataclass(frozen=True)
class Request:
    """A request that may wait. `headers` by lower-case name; `gone` tells whether its client hung up."""

    path: str
    query: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    gone: Callable[[], bool] = lambda: False

    def first(self, name: str) -> str:
        """The first value of a query parameter, "" when there is none."""
        return next(iter(self.query.get(name, ())), "")

    @property
    def seconds(self) -> float:
        """How long the answer may take: what the scraper waits, less an offset."""
        try:
            told = float(self.headers.get("x-prometheus-scrape-timeout-seconds", ""))
        except ValueError:
            told = DEFAULT_SECONDS
        if not 0 < told < float("inf"):
            told = DEFAULT_SECONDS
        return max(told - OFFSET_SECONDS, told / 2)


@dataclass(frozen=True)
class Response:
    """An answer; `headers` beside Content-Type and Content-Length."""

    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Response]
Context = ssl.SSLContext | Callable[[], ssl.SSLContext]
"""A TLS context, or a function that is asked for it at each connection, so that certificates can change."""


class Guard(Protocol):
    """What stands before a server: TLS (None: plain), who may read, what every answer carries."""

    @property
    def context(self) -> Context | None: ...

    def authenticate(self, request: Request) -> Response | None:
        """None lets the request in; a response refuses it."""

    def with_headers(self, answer: Handler) -> Handler: ...


class ClientGone(Exception):
    """The client hung up while its answer was being made; there is nobody to answer."""


class Families:
    """What encoders and registries ask: the families of one moment."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def metrics(families: Callable[[Request], Iterable[Metric]]) -> Handler:
    """A handler that serves `families` as text or OpenMetrics, packed for who accepts that.

    The families are complete before the first byte is sent: an error on the way is a 500, never half an
    answer.
    """

    def answer(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        body = _written(families(request), encode)
        if content_type.startswith("application/openmetrics-text"):
            body += _END
        return packed(request, Response(HTTPStatus.OK, body, content_type))

    return answer


def _written(families: Iterable[Metric], encode: Callable[[Any], bytes]) -> bytes:
    """Family after family, each let go when it was written: samples take far more memory than their text."""
    return b"".join(encode(Families([family])).removesuffix(_END) for family in families)


def packed(request: Request, response: Response) -> Response:
    """The response, as gzip where the client accepts it and it is worth it."""
    accepted = [part.split(";")[0].strip() for part in request.headers.get("accept-encoding", "").split(",")]
    if "gzip" not in accepted or len(response.body) < _WORTH_PACKING:
        return response
    body = gzip.compress(response.body, compresslevel=3, mtime=0)
    headers = {**response.headers, "Content-Encoding": "gzip", "Vary": "Accept, Accept-Encoding"}
    return Response(response.status, body, response.content_type, headers)


class Server(ThreadingHTTPServer):
    """A thread for each connection, at most `CONNECTIONS`; more are closed at once."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], answer: Handler, guard: Guard | None = None) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.answer = guard.with_headers(answer) if guard else answer
        self.authenticate = guard.authenticate if guard else None
        self._ssl_context = guard.context if guard else None
        self._free = threading.BoundedSemaphore(CONNECTIONS)
        super().__init__(address, _Connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            log.warning("%d connections are open; one more was closed", CONNECTIONS)
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            with contextlib.suppress(ConnectionError, TimeoutError, ssl.SSLError):
                wrapped = self._secured(request)
                super().process_request_thread(wrapped, client_address)
        finally:
            self.shutdown_request(request)  # closed twice does no harm
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are not news; anything else is a bug of ours."""
        if not isinstance(sys.exc_info()[1], OSError):
            log.exception("a request broke off")

    def _secured(self, request: socket.socket) -> socket.socket:
        """The connection after its TLS handshake, which must not keep the listening thread waiting."""
        if self._ssl_context is None:
            return request
        context = self._ssl_context if isinstance(self._ssl_context, ssl.SSLContext) else self._ssl_context()
        request.settimeout(_REQUEST_SECONDS)
        return context.wrap_socket(request, server_side=True)


class _Connection(BaseHTTPRequestHandler):
    """One client's requests, one after the other."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "citycloud", ""
    timeout = _IDLE_SECONDS
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve(silent=True)

    def _serve(self, *, silent: bool = False) -> None:
        try:
            self._reply(self._answer(), silent=silent)
        except ClientGone:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Scrapes are not news."""

    def _answer(self) -> Response:
        parts = urllib.parse.urlsplit(self.path)
        query = {name: tuple(values) for name, values in urllib.parse.parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(urllib.parse.unquote(parts.path), query, headers, lambda: _gone(self.connection))
        try:
            refusal = self.server.authenticate(request) if self.server.authenticate else None
            return refusal or self.server.answer(request)
        except ClientGone:
            raise
        except Exception:  # the worker's outermost loop: one request's failure is not another's
            log.exception("%s could not be answered", request.path)
            return Response(HTTPStatus.INTERNAL_SERVER_ERROR, b"this is a bug of the exporter; see its log\n")

    def _reply(self, response: Response, *, silent: bool = False) -> None:
        self.send_response(response.status)
        headers = {
            "Content-Type": response.content_type, "Content-Length": str(len(response.body)),
            **response.headers,
        }  # fmt: skip
        for name, value in headers.items():
            self.send_header(name, value)
        try:
            self.end_headers()
            if not silent:
                self.wfile.write(response.body)
            self.wfile.flush()
        except OSError:  # who asked did not wait
            self.close_connection = True


def _gone(connection: socket.socket) -> bool:
    """Whether the other side has closed the connection, by what the kernel knows; nothing is read."""
    poll = select.poll()
    try:
        poll.register(connection, _CLOSED)
        return bool(poll.poll(0))
    except (OSError, ValueError):
        return True


def routes(
    title: str,
    metrics_handler: Handler,
    paths: Mapping[str, Handler] | None = None,
    rows: Callable[[], Iterable[tuple[str, str]]] | None = None,
) -> Handler:
    """One handler for all paths: the longest of `paths` that is the path, or that ends in / and begins it;
    /metrics; /-/healthy (the process lives, whatever the cloud does); the landing page. Anything else is 404,
    not metrics.
    """
    known: dict[str, Handler] = {"/metrics": metrics_handler, "/-/healthy": lambda _: Response(200, b"ok\n")}
    known |= paths or {}

    def answer(request: Request) -> Response:
        if request.path == "/":
            return _landing_page(title, [*(paths or ()), "/metrics", "/-/healthy"], rows() if rows else ())
        for path in sorted(known, key=len, reverse=True):
            if request.path == path or (path.endswith("/") and request.path.startswith(path)):
                return known[path](request)
        return Response(HTTPStatus.NOT_FOUND, b"not found; metrics are at /metrics\n")

    return answer


def _landing_page(title: str, paths: Iterable[str], rows: Iterable[tuple[str, str]]) -> Response:
    name = html.escape(title)
    links = "".join(f'<li><a href="{html.escape(path)}">{html.escape(path)}</a></li>' for path in paths)
    table = "".join(f"<tr><th>{html.escape(what)}</th><td>{html.escape(how)}</td></tr>" for what, how in rows)
    style = "body{font-family:sans-serif;margin:2em}th{text-align:left;padding-right:2em}"
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}</title>'
        f"<style>{style}</style></head><body><h1>{name}</h1><ul>{links}</ul>"
        + (f"<table>{table}</table>" if table else "")
        + "</body></html>\n"
    )
    return Response(HTTPStatus.OK, page.encode(), "text/html; charset=utf-8")


def serve(
    title: str,
    source: CollectorRegistry | Handler,
    host: str,
    port: int,
    paths: Mapping[str, Handler] | None = None,
    *,
    rows: Callable[[], Iterable[tuple[str, str]]] | None = None,
    guard: Guard | None = None,
) -> Server:
    """A server that listens already; the caller runs it.

    `source` answers /metrics: a registry, or a handler (see `metrics`) that may wait. `paths` are further
    paths (`/probe`, `/sd/`), `rows` what the landing page tells.
    """
    if isinstance(source, CollectorRegistry):
        registry = source
        source = metrics(lambda _: registry.collect())
    return Server((host, port), routes(title, source, paths, rows), guard)


def run_until_stopped(
    server: Server, stop: threading.Event, reload: Callable[[], None] | None = None
) -> None:
    """Serve until SIGTERM or SIGINT, then set `stop` and close. The entry points end here. SIGHUP calls
    `reload` in a thread of its own.
    """

    def on_signal(number: int, frame: object) -> None:
        stop.set()
        threading.Thread(target=server.shutdown, daemon=True).start()

    def on_hangup(number: int, frame: object) -> None:
        if reload is not None:
            threading.Thread(target=reload, name="reload", daemon=True).start()

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # Its warnings repeat what our collectors tell once.
    logging.getLogger("keystoneauth").setLevel(logging.CRITICAL)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    if reload is not None:
        signal.signal(signal.SIGHUP, on_hangup)
    print(f"listening on {server.server_address[0]!s}:{server.server_port}", file=sys.stderr, flush=True)
    server.serve_forever()
    server.server_close()


def address(text: str) -> tuple[str, int]:
    """`host:port` of --listen; raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r} is not host:port, as in 172.30.0.11:9180")
    return host.strip("[]"), int(port)

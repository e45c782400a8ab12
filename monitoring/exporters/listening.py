"""The HTTP side of an exporter: /metrics, and a page at / that says what is here."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app
from prometheus_client.core import CollectorRegistry

StartResponse = Callable[..., Any]
_PAGE = "<!doctype html><title>{title}</title><h1>{title}</h1><p><a href='/metrics'>Metrics</a></p>\n"


class _Server(ThreadingMixIn, WSGIServer):
    """A thread for each scrape; a scrape only copies what is in memory."""

    daemon_threads = True
    request_queue_size = 64


class _Handler(WSGIRequestHandler):
    timeout = 10  # seconds that a client may take to send its request

    def log_message(self, format: str, *args: Any) -> None:
        """Scrapes are not news."""


def application(title: str, registry: CollectorRegistry) -> Callable[..., Iterable[bytes]]:
    """The WSGI application; a path that is not ours is 404, not metrics."""
    metrics = make_wsgi_app(registry)

    def answer(environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            return metrics(environ, start)  # type: ignore[no-any-return]
        if path == "/":
            start("200 OK", [("Content-Type", "text/html; charset=utf-8")])
            return [_PAGE.format(title=title).encode()]
        start("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
        return [b"not found; metrics are at /metrics\n"]

    return answer


def serve(title: str, registry: CollectorRegistry, host: str, port: int) -> WSGIServer:
    """A server that listens already; the caller runs it."""
    return make_server(host, port, application(title, registry), server_class=_Server, handler_class=_Handler)


def run_until_stopped(server: WSGIServer, stop: threading.Event) -> None:
    """Serve until SIGTERM or SIGINT, then set `stop` and close. The entry points end here."""

    def on_signal(number: int, frame: object) -> None:
        stop.set()
        threading.Thread(target=server.shutdown, daemon=True).start()

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # Its warnings repeat what our collectors tell once.
    logging.getLogger("keystoneauth").setLevel(logging.CRITICAL)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    print(f"listening on {server.server_address[0]!s}:{server.server_port}", file=sys.stderr, flush=True)
    server.serve_forever()
    server.server_close()


def address(text: str) -> tuple[str, int]:
    """`host:port` of --listen; raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r} is not host:port, as in 172.30.0.11:9180")
    return host.strip("[]"), int(port)

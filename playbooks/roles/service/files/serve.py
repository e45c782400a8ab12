#!/usr/bin/env python3
"""Serve a WSGI application with cheroot and tell systemd when it answers.

cheroot keeps idle connections of openstacksdk alive (uwsgi's HTTP mode resets them). Several processes
share the port by SO_REUSEPORT and import the application after the fork, so that they share no connection.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import socket
import sys


def notify(message: str) -> None:
    """Send a line to systemd's notify socket (sd_notify(3)), if there is one."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(message.encode(), "\0" + address[1:] if address[0] == "@" else address)


class Body:
    """A request's body as WSGI has it: it can be read, and not closed. Glance closes what it has read, which
    was the connection's own file: the client's next request got 500.
    """

    def __init__(self, source) -> None:
        self.read, self.readline, self.readlines = source.read, source.readline, source.readlines

    def __iter__(self):
        return iter(self.readline, b"")

    def close(self) -> None:
        """Nothing: the connection goes on."""

    def drain(self) -> None:
        while self.read(65536):
            continue


class Answer:
    """An application's answer. At its end what was left of a chunked body is read: the next request begins
    there.
    """

    def __init__(self, parts, body: Body) -> None:
        self._parts, self._body = parts, body

    def __iter__(self):
        return iter(self._parts)

    def close(self) -> None:
        if hasattr(self._parts, "close"):
            self._parts.close()
        self._body.drain()


def guarded(application):
    """The application, which cannot harm the connection that its requests come by."""

    def answer(environ, start_response):
        body = environ["wsgi.input"] = Body(environ["wsgi.input"])
        parts = application(environ, start_response)
        return Answer(parts, body) if environ.get("HTTP_TRANSFER_ENCODING") else parts

    return answer


def serve(options: argparse.Namespace, ready: int) -> None:
    """Import the application, listen, write a byte to `ready`, serve for ever.

    Each function of `options.warm` is called before the first request: what a service fills lazily, and not
    safely when several threads come first, is then full.
    """
    sys.argv = sys.argv[:1]  # oslo.config of some services reads the command line
    application = guarded(importlib.import_module(options.module).application)
    for entry in options.warm:
        name, function = entry.split(":")
        getattr(importlib.import_module(name), function)()
    from cheroot import wsgi

    host, port = options.address.rsplit(":", 1)
    server = wsgi.Server(
        (host, int(port)), application, numthreads=options.threads, request_queue_size=256, reuse_port=True
    )
    server.timeout = 120
    server.prepare()
    os.write(ready, b"1")
    server.serve()


def main() -> None:
    """Start the processes; end as soon as one of them ends, so that systemd restarts all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("module")
    parser.add_argument("address")
    parser.add_argument("--warm", metavar="MODULE:FUNCTION", action="append", default=[])
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--threads", type=int, default=16)
    options = parser.parse_args()
    reader, writer = os.pipe()
    children = []
    for _ in range(options.processes):
        child = os.fork()
        if child == 0:
            serve(options, writer)
            os._exit(1)
        children.append(child)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    os.close(writer)
    try:
        ready = 0
        while ready < options.processes:
            bytes_read = os.read(reader, 16)
            if not bytes_read:
                sys.exit("a process ended before it was ready")
            ready += len(bytes_read)
        notify("READY=1")
        os.wait()
        sys.exit("a process ended")
    finally:
        for child in children:
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                continue


if __name__ == "__main__":
    main()

"""The API services' server: what one request leaves behind does not reach the next one on its connection."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SERVE = Path(__file__).parents[3] / "playbooks/roles/service/files/serve.py"
APPLICATION = """
def application(environ, start_response):
    body = environ["wsgi.input"]
    if environ["PATH_INFO"] == "/closed":
        told = str(len(body.read())).encode()
        body.close()
    elif environ["PATH_INFO"] == "/lines":
        told = str(len(list(body))).encode()
    elif environ["PATH_INFO"] == "/broken":
        raise RuntimeError("of a test")
    else:
        told = b"not read"
    start_response("200 OK", [("Content-Length", str(len(told)))])
    return [told]
"""


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[http.client.HTTPConnection]:
    """To one process of the server, which serves the application above."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "served.py").write_text(APPLICATION, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    told = folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
        ready.bind(str(told))
        ready.settimeout(60)
        process = subprocess.Popen(
            [sys.executable, SERVE, "served", f"127.0.0.1:{port}", "--threads", "2"],
            env={**os.environ, "PYTHONPATH": str(folder), "NOTIFY_SOCKET": str(told)},
        )
        try:
            assert ready.recv(100) == b"READY=1"
            opened = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            yield opened
            opened.close()
        finally:
            process.terminate()
            process.wait()


def ask(connection: http.client.HTTPConnection, path: str, body: list[bytes] | bytes | None) -> str:
    connection.request("PUT", path, body, encode_chunked=isinstance(body, list))
    answer = connection.getresponse()
    told = answer.read().decode()
    return told if answer.status == 200 else str(answer.status)


@pytest.mark.parametrize("sent", [[b"x" * 70000, b"y" * 5], b"z" * 70005], ids=["in chunks", "whole"])
@pytest.mark.parametrize("path", ["/closed", "/left"])
def test_the_next_request_of_a_connection_is_answered(
    connection: http.client.HTTPConnection, path: str, sent: list[bytes] | bytes
) -> None:
    """Whether the application closes a body, as Glance does, or refuses it unread."""
    first = connection.sock
    assert ask(connection, path, sent) == ("70005" if path == "/closed" else "not read")
    assert ask(connection, "/closed", b"12345") == "5"
    assert first is None or connection.sock is first


def test_a_body_is_read_by_lines(connection: http.client.HTTPConnection) -> None:
    assert ask(connection, "/lines", b"one\ntwo\nthree") == "3"


def test_an_application_that_breaks_is_told_of(connection: http.client.HTTPConnection) -> None:
    connection.close()
    assert ask(connection, "/broken", b"") == "500"
    connection.close()
    assert ask(connection, "/closed", b"12345") == "5"

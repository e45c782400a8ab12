"""What becomes of an image whose sender dies while its bytes are on their way."""

from __future__ import annotations

import socket

import pytest

from tests.fakes.openstack_server import FakeServer


@pytest.mark.parametrize(
    "sent",
    [
        b"Transfer-Encoding: chunked\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"Content-Length: 5\r\n\r\nhel",
    ],
)
def test_the_fake_keeps_nothing_of_an_upload_that_was_cut_off(server: FakeServer, sent: bytes) -> None:
    """As Glance: an image that took half of its bytes for the whole would be left for good, for nobody knows
    it and the next run makes another."""
    server.tokens["t"] = "p"
    _, image = server.fake.handle("image", "POST", "/images", {}, {"name": "cut off"}, "p")
    head = f"PUT /image/v2/images/{image['id']}/file HTTP/1.1\r\nHost: fake\r\nX-Auth-Token: t\r\n".encode()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head + sent)
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(5)
        assert connection.recv(1) == b"", "an answer to half a question"
    assert server.fake.kind("images")[image["id"]]["status"] == "queued"

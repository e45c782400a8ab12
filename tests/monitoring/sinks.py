"""Where alerts arrive in tests: a real mail server with TLS and a password, and a webhook."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from infra.provisioning import certificates

T = TypeVar("T")
USERNAME, PASSWORD = "cloud", 'pass"word\\with $igns'
PATIENCE_SECONDS = 60.0


def free_port(address: str = "127.0.0.1") -> int:
    with socket.socket() as found:
        found.bind((address, 0))
        return int(found.getsockname()[1])


def eventually(look: Callable[[], T], what: str, seconds: float = PATIENCE_SECONDS, every: float = 0.1) -> T:
    """What `look` returns as soon as it is true; it is asked `every` so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"never came: {what}"
        time.sleep(every)
    return found


@dataclass(frozen=True)
class Mail:
    """A mail as it arrived, each recipient by its own."""

    to: tuple[str, ...]
    subject: str
    text: str
    html: str


@dataclass
class Sinks:
    """What arrived so far. `ca` is the authority that the mail server's certificate is of."""

    ca: Path
    smtp: str = ""
    webhook: str = ""
    mails: list[Mail] = field(default_factory=list)
    posts: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def mails_to(self, address: str) -> list[Mail]:
        return [mail for mail in self.mails if address in mail.to]

    def alerts(self, name: str, status: str = "firing") -> list[dict[str, Any]]:
        """Alerts of that name that the webhook got."""
        return [
            alert
            for post in self.posts
            for alert in post["alerts"]
            if alert["labels"]["alertname"] == name and alert["status"] == status
        ]


@contextmanager
def sinks(folder: Path, address: str = "127.0.0.1") -> Iterator[Sinks]:
    """Both listen at `address`."""
    now = dt.datetime.now(dt.UTC)
    authority = certificates.make_authority("test", now)
    pair = certificates.make_server_certificate(authority, [address], now)
    (folder / "smtp-ca.pem").write_text(authority.certificate)
    (folder / "smtp.pem").write_text(pair.certificate + pair.key)
    found = Sinks(folder / "smtp-ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "smtp.pem")
    port = free_port(address)
    controller = Controller(
        _Mailbox(found), hostname=address, port=port, tls_context=context, require_starttls=True,
        authenticator=_authenticator(found), auth_required=True, auth_require_tls=True,
        auth_exclude_mechanism=["LOGIN"],  # aiosmtpd's words for it are not those that mail servers use
    )  # fmt: skip
    controller.start()
    server = ThreadingHTTPServer((address, 0), _hook(found))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.smtp, found.webhook = f"{address}:{port}", f"http://{address}:{server.server_port}/hook"
    try:
        yield found
    finally:
        controller.stop()
        server.shutdown()
        server.server_close()


def _authenticator(found: Sinks) -> Callable[..., AuthResult]:
    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        good = data.login == USERNAME.encode() and data.password == PASSWORD.encode()
        if not good:
            found.refused.append(mechanism)
        return AuthResult(success=good)

    return check


class _Mailbox:
    def __init__(self, found: Sinks) -> None:
        self._found = found

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        assert session.ssl is not None, "mail came in the clear"
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        parts = {
            part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()
        }
        self._found.mails.append(
            Mail(
                tuple(envelope.rcpt_tos),
                str(message["Subject"]),
                parts.get("text/plain", ""),
                parts.get("text/html", ""),
            )
        )
        return "250 taken"


def _hook(found: Sinks) -> type[BaseHTTPRequestHandler]:
    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.posts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    return Hook

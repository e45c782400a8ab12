"""A real SMTP server on a port of this machine that keeps what it gets, and is as bad as a test wants."""

from __future__ import annotations

import asyncio
import datetime as dt
import email
import email.policy
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra.domain.words import Words
from infra.portal.mail import MailSecurity, MailServer

USER, PASSWORD = "cong", "mat-khau-thu"


@dataclass
class Sink:
    """`refuses` are addresses that it does not know, `dies_on` those over whose mail it hangs up in DATA."""

    refuses: frozenset[str] = frozenset()
    dies_on: frozenset[str] = frozenset()
    port: int = 0
    got: list[EmailMessage] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refuses:
            return f"550 no such user {address}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.dies_on & set(envelope.rcpt_tos):
            assert server.transport is not None
            server.transport.abort()
            return "451 gone"
        assert isinstance(envelope.content, bytes)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.got.append(message)
        assert server.transport is not None
        self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        return "250 OK"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (
            USER.encode(), PASSWORD.encode()
        )  # fmt: skip
        if right:
            self.users.append(USER)
        return AuthResult(success=right, handled=False)

    @property
    def to(self) -> list[str]:
        return [message["To"].addresses[0].addr_spec for message in self.got]

    def server(self, **changes: Any) -> MailServer:
        said = {
            "host": "127.0.0.1", "port": self.port, "security": MailSecurity.NONE, "timeout": 5.0,
            "sender": "cong@haiphong.test", "portal": "https://cong.haiphong.test",
            "city": Words("Cổng đám mây Hải Phòng", "Hai Phong Cloud Portal"),
        }  # fmt: skip
        return MailServer(**{**said, **changes})


@contextmanager
def serving(sink: Sink, **more: Any) -> Iterator[Sink]:
    """`more` as aiosmtpd's SMTP takes it; `ssl_context` for TLS from the first byte."""
    tls = more.pop("ssl_context", None)
    loop, listener = asyncio.new_event_loop(), socket.create_server(("127.0.0.1", sink.port))
    sink.port = listener.getsockname()[1]

    def speak() -> SMTP:
        return SMTP(sink, hostname="mail.test", authenticator=sink.authenticate, loop=loop, **more)

    server = loop.run_until_complete(loop.create_server(speak, sock=listener, ssl=tls))
    runner = threading.Thread(target=loop.run_forever)
    runner.start()
    try:
        yield sink
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        runner.join()
        loop.close()


async def _end(server: asyncio.Server) -> None:
    """Close it and what is still being talked about."""
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for one in others:
        one.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context with a certificate of its own for 127.0.0.1, and the file that clients trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "mail.crt", folder / "mail.key"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_file, key_file)
    return context, certificate_file

"""How the dead man's switch calls people: by e-mail and webhook of its own, without Alertmanager."""

from __future__ import annotations

import json
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from infra.errors import InfraError

SECONDS = 20.0
IMPLICIT_TLS_PORT = 465


class CallFailed(InfraError):
    """A way to people did not work; the message says which and how."""

    code = "call_failed"


@dataclass(frozen=True)
class Notice:
    """What people are told: a line, a text, and labels for programs."""

    subject: str
    text: str
    firing: bool
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MailWay:
    """The city's mail server. Mail goes out encrypted or not at all; the password is not shown by `repr`."""

    smarthost: str
    sender: str
    recipients: tuple[str, ...]
    username: str = ""
    password: str = field(default="", repr=False)

    def __call__(self, notice: Notice) -> None:
        """Raises CallFailed unless every recipient was taken."""
        message = EmailMessage()
        message["Subject"], message["From"] = notice.subject, self.sender
        message["To"] = ", ".join(self.recipients)
        message["Date"], message["Message-ID"] = (
            formatdate(),
            make_msgid(domain=self.sender.rpartition("@")[2]),
        )
        message.set_content(notice.text)
        try:
            with self._connect() as server:
                if self.username:
                    server.login(self.username, self.password)
                refused = server.send_message(message)
        except (smtplib.SMTPException, OSError) as error:
            raise CallFailed(f"mail by {self.smarthost}: {error}") from error
        if refused:
            raise CallFailed(f"mail by {self.smarthost}: refused for {', '.join(refused)}")

    def _connect(self) -> smtplib.SMTP:
        host, _, port = self.smarthost.rpartition(":")
        context = ssl.create_default_context()
        if int(port) == IMPLICIT_TLS_PORT:
            return smtplib.SMTP_SSL(host, int(port), timeout=SECONDS, context=context)
        server = smtplib.SMTP(host, int(port), timeout=SECONDS)
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
        return server


@dataclass(frozen=True)
class WebhookWay:
    """The receiver of the site's alerts, in the form in which Alertmanager speaks to it (version 4).

    The URL often is a secret itself, and is not shown.
    """

    url: str = field(repr=False)

    def __call__(self, notice: Notice) -> None:
        """Raises CallFailed unless the receiver answers with a status of 2xx."""
        status = "firing" if notice.firing else "resolved"
        annotations = {"summary": notice.subject, "description": notice.text}
        alert = {"status": status, "labels": dict(notice.labels), "annotations": annotations}
        body = {
            "version": "4", "status": status, "receiver": "deadman", "groupLabels": {},
            "commonLabels": dict(notice.labels), "commonAnnotations": annotations, "alerts": [alert],
        }  # fmt: skip
        request = urllib.request.Request(  # noqa: S310 - the site's own setting
            self.url, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS):  # noqa: S310
                return
        except (urllib.error.URLError, OSError, ValueError) as error:
            raise CallFailed(f"webhook: {getattr(error, 'reason', None) or error}") from error


Way = Callable[[Notice], None]

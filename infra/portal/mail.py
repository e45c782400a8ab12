"""Mail: notices on their way to people, by SMTP.

Each is sent at least once. Where the portal dies between the server's answer and its own note of it, the same
mail goes out again with the same Message-ID, so that a mailbox can tell. Bodies are never logged, and errors
hold what the server said, not what was sent.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from enum import StrEnum
from types import TracebackType
from typing import Self

from infra.domain.notice import Notice
from infra.domain.words import Words
from infra.errors import InfraError
from infra.store.notice import Unsent
from infra.store.person import Contact


class MailSecurity(StrEnum):
    """TLS from the first byte (usually port 465), STARTTLS (587 or 25), or NONE inside one's own network."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


class MailUnreachable(InfraError):
    """The mail server does not answer or does not let the portal in; look at its log and at `mail` in the
    portal's settings. Notices wait and go out later.
    """

    code = "mail_unreachable"


class MailRefused(InfraError):
    """The mail server or the address refuses this one mail; correct the person's address in the directory."""

    code = "mail_refused"


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed in, and as whom. `portal` is the address of the portal's pages, which links begin
    with; `city` who the mail is from, in both languages. `authority` is a file of certificates that the
    server's has to be signed by, "" for the system's. `timeout` is in seconds, for each answer.
    """

    host: str
    sender: str
    portal: str
    city: Words
    port: int = 587
    security: MailSecurity = MailSecurity.STARTTLS
    user: str = ""
    password: str = field(default="", repr=False)
    authority: str = ""
    timeout: float = 20.0

    def __post_init__(self) -> None:
        if self.password and self.security == MailSecurity.NONE:
            raise ValueError("a mail server without TLS gets no password; set security to starttls or tls")
        Address(addr_spec=self.sender)

    @property
    def domain(self) -> str:
        return self.sender.rpartition("@")[2]


class Mailer:
    """Hands mails to one server."""

    def __init__(self, server: MailServer) -> None:
        self.server = server

    def send(
        self, wanted: Iterable[Unsent], now: Callable[[], datetime], outcome: Callable[[Unsent, str], None]
    ) -> None:
        """Send all of them, each by itself: `outcome` is told of each at once, "" where the server took it,
        else why it did not. A server that hangs up over one mail is asked again for the next. Raises
        MailUnreachable where it does not answer at all; what was not told of then is as it was.
        """
        with _Line(self.server) as line:
            for one in wanted:
                try:
                    line.hand_in(compose(self.server, one.notice, one.contact, now()))
                except MailRefused as refused:
                    outcome(one, str(refused))
                else:
                    outcome(one, "")


class _Line:
    """A connection to the server that is opened again when it breaks."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._open: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open is not None:
            with suppress(smtplib.SMTPException, OSError):
                self._open.quit()
            self._open.close()

    def hand_in(self, message: EmailMessage) -> None:
        """Raises MailRefused, and MailUnreachable."""
        if self._open is None:
            self._open = _connected(self._server)
        try:
            self._open.send_message(message)
        except smtplib.SMTPRecipientsRefused as refused:
            code, said = next(iter(refused.recipients.values()))
            raise MailRefused(f"the address was refused: {code} {_text(said)}") from refused
        except smtplib.SMTPSenderRefused as refused:
            self._hang_up()
            why = f"{refused.smtp_code} {_text(refused.smtp_error)}"
            raise MailUnreachable(f"the server refuses {self._server.sender} as sender: {why}") from refused
        except smtplib.SMTPNotSupportedError as refused:
            raise MailRefused("the server cannot send to an address with such letters") from refused
        except smtplib.SMTPResponseException as refused:
            self._hang_up()
            raise MailRefused(f"the server said {refused.smtp_code} {_text(refused.smtp_error)}") from refused
        except (smtplib.SMTPException, OSError) as broken:
            self._hang_up()
            raise MailRefused(f"the connection broke over this mail: {broken}") from broken

    def _hang_up(self) -> None:
        if self._open is not None:
            self._open.close()
        self._open = None


def _connected(server: MailServer) -> smtplib.SMTP:
    """Raises MailUnreachable."""
    where = f"{server.host}:{server.port}"
    try:
        with ExitStack() as held:
            if server.security == MailSecurity.TLS:
                made: smtplib.SMTP = smtplib.SMTP_SSL(
                    server.host, server.port, timeout=server.timeout, context=_trusting(server)
                )
            else:
                made = smtplib.SMTP(server.host, server.port, timeout=server.timeout)
            held.callback(made.close)
            if server.security == MailSecurity.STARTTLS:
                made.starttls(context=_trusting(server))
            if server.user:
                made.login(server.user, server.password)
            held.pop_all()
    except smtplib.SMTPAuthenticationError as refused:
        raise MailUnreachable(f"{where} does not let {server.user} in ({refused.smtp_code})") from None
    except (smtplib.SMTPException, OSError) as failed:
        raise MailUnreachable(f"{where}: {failed}") from failed
    return made


def _trusting(server: MailServer) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=server.authority or None)


def compose(server: MailServer, notice: Notice, contact: Contact, now: datetime) -> EmailMessage:
    """The mail of a notice, in the person's language: Vietnamese unless they chose English. Raises
    MailRefused where the person's address is none.
    """
    english = contact.language == "en"
    say = _english if english else _vietnamese
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(say(server.city), addr_spec=server.sender)
    person = contact.person
    name = " ".join((person.display_name or person.name).split())
    try:
        message["To"] = Address(name, addr_spec=person.email.strip())
    except (MessageError, ValueError, IndexError) as wrong:
        raise MailRefused("the address that the directory has is no address") from wrong
    message["Subject"] = " ".join(say(notice.subject).split())
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<notice.{notice.id}@{server.domain}>"
    message["List-Id"] = f"<notices.{server.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if notice.kind.loud:
        message["Importance"] = "high"
        message["X-Priority"] = "1"
    body = say(_BODY).format(
        name=name, told=say(notice.told), link=server.portal.rstrip("/") + notice.place, city=say(server.city)
    )
    message.set_content(body, cte="quoted-printable")
    message["Content-Language"] = "en" if english else "vi"
    return message


def _vietnamese(words: Words) -> str:
    return words.vi


def _english(words: Words) -> str:
    return words.en


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said


_BODY = Words(
    "Kính gửi {name},\n\n{told}\n\nXem và xử lý tại:\n{link}\n\n-- \n{city}\n"
    "Thư này được gửi tự động, xin không trả lời. Muốn nhận thư bằng tiếng Anh, hãy chọn English trên"
    " cổng.\n",
    "Dear {name},\n\n{told}\n\nSee and act on it here:\n{link}\n\n-- \n{city}\n"
    "This mail was sent by a program; please do not answer. To get mails in Vietnamese, choose Tiếng Việt in"
    " the portal.\n",
)

"""Mail over a real SMTP server: what arrives, and what happens where an address or the server is bad."""

from __future__ import annotations

import datetime as dt
import smtplib
import socket
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.domain.notice import Notice, NoticeKind
from infra.domain.person import Person, Role
from infra.domain.words import Words
from infra.portal.mail import Mailer, MailRefused, MailSecurity, MailServer, MailUnreachable, compose
from infra.store.notice import Unsent
from infra.store.person import Contact
from tests.functional.portal.sink import PASSWORD, USER, Sink, certificate, serving

NOW = dt.datetime(2026, 11, 27, 2, tzinfo=dt.UTC)


def make_unsent(
    email: str = "binh@haiphong.test", *, language: str = "", kind: NoticeKind = NoticeKind.DECIDE,
    name: str = "Trần Thị Bình",
) -> Unsent:  # fmt: skip
    told = Words("Yêu cầu YC-2026-000001 đang chờ anh/chị duyệt.", "Request YC-2026-000001 waits for you.")
    person = Person(email or name, "binh", "sotc", frozenset({Role.APPROVER}), name, email)
    notice = Notice(person.id, "sotc", kind, "r-1", "YC-2026-000001", "1/agency", told, NOW)
    return Unsent(notice, Contact(person, language, "keystone", NOW))


def send(server: MailServer, *wanted: Unsent) -> list[str]:
    """What came of each."""
    outcomes = []

    def outcome(one: Unsent, why: str) -> None:
        outcomes.append(why)

    Mailer(server).send(wanted, lambda: NOW, outcome)
    return outcomes


def test_a_notice_arrives_in_vietnamese_with_the_link_to_its_page() -> None:
    with serving(Sink()) as sink:
        assert send(sink.server(), make_unsent()) == [""]
    (mail,) = sink.got
    assert mail["Subject"] == "Chờ anh/chị duyệt: YC-2026-000001"
    assert mail["From"].addresses[0].display_name == "Cổng đám mây Hải Phòng"
    assert mail["To"] == "Trần Thị Bình <binh@haiphong.test>"
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content_charset() == "utf-8"
    text = mail.get_content().replace("\r\n", "\n")
    assert "Kính gửi Trần Thị Bình,\n\nYêu cầu YC-2026-000001 đang chờ anh/chị duyệt.\n" in text
    assert "\nhttps://cong.haiphong.test/approvals/r-1\n" in text
    assert (mail["Auto-Submitted"], mail["Content-Language"]) == ("auto-generated", "vi")
    assert mail["List-Id"] == "<notices.haiphong.test>"
    assert mail["Date"].datetime == NOW
    assert mail["Importance"] is None


def test_who_chose_english_gets_english() -> None:
    with serving(Sink()) as sink:
        send(sink.server(), make_unsent(language="en"))
    (mail,) = sink.got
    assert (mail["Subject"], mail["Content-Language"]) == ("Waits for your decision: YC-2026-000001", "en")
    assert "Request YC-2026-000001 waits for you." in mail.get_content()
    assert "Yêu cầu" not in mail.get_content()


def test_a_repeat_can_be_known_by_its_message_id_and_another_notice_has_another() -> None:
    other = make_unsent(kind=NoticeKind.REMINDER)
    with serving(Sink()) as sink:
        for one in (make_unsent(), make_unsent(), other):
            send(sink.server(), one)
    first, again, third = (mail["Message-ID"] for mail in sink.got)
    assert first == again != third
    assert first == f"<notice.{make_unsent().notice.id}@haiphong.test>"


def test_an_emergency_is_marked_as_important() -> None:
    mail = compose(Sink().server(), make_unsent(kind=NoticeKind.EMERGENCY).notice, make_unsent().contact, NOW)
    assert (mail["Importance"], mail["X-Priority"]) == ("high", "1")
    assert mail["Subject"].startswith("KHẨN CẤP")


def test_one_refused_address_keeps_nobody_else_from_their_mail() -> None:
    with serving(Sink(refuses=frozenset({"nghi@haiphong.test"}))) as sink:
        outcomes = send(
            sink.server(), make_unsent("an@haiphong.test"), make_unsent("nghi@haiphong.test"),
            make_unsent("chi@haiphong.test"),
        )  # fmt: skip
    assert outcomes == ["", "the address was refused: 550 no such user nghi@haiphong.test", ""]
    assert sink.to == ["an@haiphong.test", "chi@haiphong.test"]


@pytest.mark.parametrize(
    "bad",
    [
        "không có",
        "bình@haiphong.test",
        "a@b@c",
        "an@haiphong.test\r\nBcc: x@y.z",
        "@",
        "an@haiphong.test, x@y.z",
        "an@",
    ],
)
def test_an_address_that_is_none_is_sent_to_nobody(bad: str) -> None:
    with serving(Sink()) as sink:
        outcomes = send(sink.server(), make_unsent(bad), make_unsent("chi@haiphong.test"))
    assert outcomes[1] == ""
    assert outcomes[0] != ""
    assert sink.to == ["chi@haiphong.test"]


def test_a_name_with_line_ends_adds_no_header() -> None:
    with serving(Sink()) as sink:
        assert send(sink.server(), make_unsent(name="Bình\r\nBcc: x@y.z")) == [""]
    assert sink.got[0]["Bcc"] is None
    assert sink.to == ["binh@haiphong.test"]


def test_a_server_that_hangs_up_over_one_mail_is_asked_again_for_the_next() -> None:
    with serving(Sink(dies_on=frozenset({"doc@haiphong.test"}))) as sink:
        outcomes = send(
            sink.server(), make_unsent("an@haiphong.test"), make_unsent("doc@haiphong.test"),
            make_unsent("chi@haiphong.test"),
        )  # fmt: skip
    assert outcomes[0] == outcomes[2] == ""
    assert outcomes[1].startswith("the connection broke over this mail")
    assert sink.to == ["an@haiphong.test", "chi@haiphong.test"]


def test_a_server_that_is_down_counts_against_nobody() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = Sink(port=free.getsockname()[1]).server()
        outcomes: list[str] = []
        with pytest.raises(MailUnreachable, match="refused"):
            Mailer(server).send(
                [make_unsent()], lambda: NOW, lambda one, why: outcomes.append(why)
            )  # fmt: skip
    assert outcomes == []


def test_a_server_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        server = Sink(port=mute.getsockname()[1]).server(timeout=0.2)
        with pytest.raises(MailUnreachable, match="timed out"):
            send(server, make_unsent())


@pytest.mark.parametrize("security", [MailSecurity.STARTTLS, MailSecurity.TLS])
def test_mail_is_encrypted_and_the_server_has_to_be_the_one_that_is_trusted(
    tmp_path: Path, security: MailSecurity
) -> None:
    context, trusted = certificate(tmp_path)
    more: dict[str, Any] = (
        {"ssl_context": context} if security == MailSecurity.TLS
        else {"tls_context": context, "require_starttls": True, "auth_required": True}
    )  # fmt: skip
    with serving(Sink(), **more) as sink:
        login = {"user": USER, "password": PASSWORD} if security == MailSecurity.STARTTLS else {}
        server = sink.server(security=security, authority=str(trusted), **login)
        assert send(server, make_unsent()) == [""]
        with pytest.raises(MailUnreachable, match="certificate verify failed"):
            send(replace(server, authority=""), make_unsent())
    assert sink.encrypted == [True]
    assert sink.users == ([USER] if login else [])


def test_a_wrong_password_is_told_without_it(tmp_path: Path) -> None:
    context, trusted = certificate(tmp_path)
    with serving(Sink(), tls_context=context, require_starttls=True, auth_required=True) as sink:
        server = sink.server(
            security=MailSecurity.STARTTLS, authority=str(trusted), user=USER, password="sai-mat-khau"
        )
        with pytest.raises(MailUnreachable, match="does not let cong in") as told:
            send(server, make_unsent())
    assert "sai-mat-khau" not in str(told.value) + repr(server)


def test_a_password_never_goes_over_the_wire_in_the_clear() -> None:
    with pytest.raises(ValueError, match="starttls or tls"):
        Sink(port=25).server(user=USER, password=PASSWORD)


def test_a_sender_that_the_server_refuses_is_the_servers_fault_not_the_mails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Sequence[Any], **__: Any) -> None:
        raise smtplib.SMTPSenderRefused(553, b"not your address", "cong@haiphong.test")

    with serving(Sink()) as sink:
        monkeypatch.setattr(smtplib.SMTP, "send_message", refuse)
        with pytest.raises(MailUnreachable, match="as sender: 553"):
            send(sink.server(), make_unsent())


def test_letters_that_the_server_cannot_take_in_an_address_are_refused_alone() -> None:
    with serving(Sink(), enable_SMTPUTF8=False) as sink:
        outcomes = send(sink.server(), make_unsent("an@hảiphòng.test"), make_unsent("chi@haiphong.test"))
    assert outcomes == ["the server cannot send to an address with such letters", ""]


def test_a_mail_to_no_address_says_what_to_do() -> None:
    with pytest.raises(MailRefused, match="no address"):
        compose(Sink().server(), make_unsent().notice, make_unsent("khong").contact, NOW)

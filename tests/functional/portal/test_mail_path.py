"""From what a person does in the portal to the mail of who has to know, over a real database and SMTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from infra.portal.chores import Chores
from infra.portal.interface import Draft, Line
from infra.portal.mail import Mailer
from infra.portal.service.ground import PortalSite
from infra.store import notice as notices
from infra.store import person as people
from tests.functional.portal.memory import PASSWORD
from tests.functional.portal.portal import Stand
from tests.functional.portal.real import RealStand
from tests.functional.portal.sink import Sink, serving
from tests.functional.store.tables import portal_database

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl hoa@quan"


@pytest.fixture
def real(tmp_path: Path) -> Iterator[RealStand]:
    """Everybody but the operator has an address."""
    with portal_database(tmp_path) as database:
        made = RealStand(database)
        for name in ("hoa", "binh", "mai"):
            made.people[name] = replace(made.people[name], email=f"{name}@haiphong.test")
        yield made


def chores(real: RealStand, sink: Sink) -> Chores:
    site = PortalSite(agencies={}, catalog=real.catalog)
    return Chores(real.database, site, Mailer(sink.server()), real.clock)


def ask(real: RealStand) -> str:
    """A request of hoa's for a plain server."""
    item = real.catalog.requestable[0]
    values = {one.name: one.default for one in item.parameters}
    values |= {name: KEY for name in values if "key" in name} | {
        name: "web-01" for name in values if name.endswith("name")
    }
    draft = Draft((Line(item.name, values),), "Trang tiếp nhận hồ sơ", legal_basis="12/QĐ")
    return real.services.submit(real.people["hoa"], draft, "")


def test_the_approver_gets_a_mail_whose_link_opens_the_page_to_decide_on(real: RealStand) -> None:
    with real.as_person("binh") as binh, serving(Sink()) as sink:
        ask(real)
        assert chores(real, sink).run_due().done["mail"] == 1
        (mail,) = sink.got
        assert sink.to == ["binh@haiphong.test"]
        link = next(line for line in mail.get_content().splitlines() if line.startswith("https://"))
        page = binh.get(urlsplit(link).path)
        assert page.status_code == 200
        assert "Trang tiếp nhận hồ sơ" in page.text


def test_each_is_told_in_the_language_that_they_chose(real: RealStand) -> None:
    with real.as_person("hoa") as hoa, real.as_person("binh"), serving(Sink()) as sink:
        hoa.get("/?lang=en")
        request = ask(real)
        version = real.services.request(real.people["binh"], request).version
        real.services.decide(real.people["binh"], request, "approve", "", version, "")
        chores(real, sink).run_due()
    subjects = {mail["To"].addresses[0].addr_spec: mail["Subject"] for mail in sink.got}
    assert subjects["hoa@haiphong.test"].startswith("Approved: YC-")
    assert subjects["binh@haiphong.test"].startswith("Chờ anh/chị duyệt: YC-")


def test_a_language_that_was_chosen_before_signing_in_counts_and_a_fresh_browser_changes_nothing() -> None:
    stand = Stand()
    person = next(iter(stand.directory.people.values()))
    with stand.client() as first:
        first.get("/sign-in?lang=en")
        assert first.sign_in(person, PASSWORD).status_code == 303
    assert stand.services.languages == {person.id: "en"}
    with stand.client() as second:
        second.sign_in(person, PASSWORD)
        assert stand.services.languages == {person.id: "en"}
        second.get("/?lang=vi")
    assert stand.services.languages == {person.id: "vi"}


def test_a_person_without_an_address_keeps_nobody_from_anything(real: RealStand) -> None:
    real.people["binh"] = replace(real.people["binh"], email="")
    with real.as_person("binh"), real.as_person("hoa"), serving(Sink()) as sink:
        request = ask(real)
        assert chores(real, sink).run_due().faults == ()
        version = real.services.request(real.people["binh"], request).version
        real.services.decide(real.people["binh"], request, "approve", "", version, "")
        real.now += timedelta(minutes=1)
        assert chores(real, sink).run_due().held is False
        real.now += timedelta(minutes=5)
        assert chores(real, sink).run_due().faults == ()
    assert sink.to == ["hoa@haiphong.test"]
    with real.database.reading() as connection:
        assert notices.unread_count(connection, "binh") == 1
        assert people.find(connection, "binh") is not None


def test_a_mail_that_was_not_taken_goes_out_when_the_server_is_better(real: RealStand) -> None:
    with real.as_person("binh"), serving(Sink(refuses=frozenset({"binh@haiphong.test"}))) as sink:
        ask(real)
        doing = chores(real, sink)
        assert doing.run_due().done["mail"] == 0
        assert doing.counts["mail", "refused"] == 1
        sink.refuses = frozenset()
        assert doing.run_due().done["mail"] == 0
        real.now += timedelta(minutes=1)
        assert doing.run_due().done["mail"] == 1
        assert doing.run_due().done["mail"] == 0
    assert sink.to == ["binh@haiphong.test"]


def test_a_portal_that_dies_before_it_notes_that_a_mail_went_out_sends_it_again_under_the_same_id(
    real: RealStand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with real.as_person("binh"), serving(Sink()) as sink:
        ask(real)
        with monkeypatch.context() as patched:
            patched.setattr(notices, "mark_mailed", dies)
            with pytest.raises(KeyboardInterrupt):
                chores(real, sink).run_due()
        real.now += timedelta(minutes=6)
        assert chores(real, sink).run_due().done["mail"] == 1
    first, again = sink.got
    assert first["Message-ID"] == again["Message-ID"]

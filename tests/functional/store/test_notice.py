"""Notices on real databases: who is told of what, in the transaction of the event, and once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import pytest

from infra.domain.approval import Delegation, Stage
from infra.domain.notice import Notice, NoticeKind
from infra.domain.person import Person, Role
from infra.domain.session import Scope, Session, Token
from infra.domain.words import Words
from infra.portal.interface import Conflict
from infra.portal.service.services import PortalServices
from infra.store import delegation as delegations
from infra.store import notice as notices
from infra.store import person as people
from infra.store import portal_figures
from infra.store.lease import Lease
from infra.store.portal_database import PortalDatabase
from infra.store.session import SessionStore
from infra.store.work import WorkBook

from .city import AN, BINH, CHI, DUNG, NOW, STRANGER, Clock, make_draft, make_person
from .test_portal_request import approve
from .test_portal_work import WHY, approved, book, held

__all__ = ["book", "held"]
MINUTE = dt.timedelta(minutes=1)
EM = make_person("em", Role.APPROVER)
GIANG = make_person("giang", Role.OPERATOR, agency="vpubnd")


@pytest.fixture(autouse=True)
def known(portal: PortalDatabase) -> None:
    """Everybody has signed in before, and has an address."""
    with portal.touching() as connection:
        for one in (AN, BINH, CHI, DUNG, STRANGER):
            people.remember(connection, replace(one, email=f"{one.id}@haiphong.test"), "keystone", NOW)


def of(portal: PortalDatabase, person: Person | str) -> list[Notice]:
    """The oldest first."""
    id_ = person if isinstance(person, str) else person.id
    with portal.reading() as connection:
        return list(reversed(notices.listed(connection, id_)))


def kinds(portal: PortalDatabase, *persons: Person) -> list[list[str]]:
    """Of each person, sorted: what is told at one moment has no order."""
    return [sorted(str(one.kind) for one in of(portal, person)) for person in persons]


def remember(portal: PortalDatabase, *persons: Person) -> None:
    with portal.touching() as connection:
        for one in persons:
            people.remember(connection, one, "keystone", NOW)


def test_who_has_to_sign_is_told_and_nobody_else(services: PortalServices, portal: PortalDatabase) -> None:
    id_ = services.submit(AN, make_draft(), "")
    assert kinds(portal, AN, BINH, CHI, DUNG, STRANGER) == [[], ["decide"], [], [], []]
    told = of(portal, BINH)[0]
    assert (told.about, told.label, told.place) == (id_, "YC-2026-000001", f"/approvals/{id_}")
    assert told.told.vi.startswith("Yêu cầu YC-2026-000001 của An đang chờ anh/chị duyệt.")
    approve(services, BINH, id_)
    assert kinds(portal, AN, BINH, CHI) == [["approved"], ["decide"], []]
    assert of(portal, AN)[0].place == f"/requests/{id_}"


def test_the_city_is_told_when_its_signature_is_next(
    services: PortalServices, portal: PortalDatabase
) -> None:
    remember(portal, EM)
    id_ = services.submit(AN, make_draft("secret-server"), "")
    assert kinds(portal, BINH, EM, CHI) == [["decide"], ["decide"], []]
    approve(services, BINH, id_)
    assert kinds(portal, AN, BINH, EM, CHI) == [[], ["decide"], ["decide"], ["decide"]]
    approve(services, CHI, id_)
    assert kinds(portal, AN) == [["approved"]]


@pytest.mark.parametrize(("verdict", "kind"), [("reject", "rejected"), ("return", "returned")])
def test_a_refusal_is_told_with_its_reason(
    services: PortalServices, portal: PortalDatabase, verdict: str, kind: str
) -> None:
    id_ = services.submit(AN, make_draft(), "")
    services.decide(BINH, id_, verdict, "chưa rõ mục đích", 1, "")
    told = of(portal, AN)[0]
    assert told.kind == kind
    assert told.told.vi.endswith("Lý do: chưa rõ mục đích")
    assert told.told.en.endswith("Reason: chưa rõ mục đích")


def test_a_request_that_is_handed_in_again_is_told_again(
    services: PortalServices, portal: PortalDatabase
) -> None:
    id_ = services.submit(AN, make_draft(), "")
    for _ in range(2):
        version = services.request(AN, id_).version
        services.decide(BINH, id_, "return", "thiếu hồ sơ", version, "")
        services.change(AN, id_, make_draft(), version + 1, "")
    assert kinds(portal, BINH, AN) == [["decide"] * 3, ["returned"] * 2]


def test_a_change_that_is_refused_tells_nobody(services: PortalServices, portal: PortalDatabase) -> None:
    id_ = services.submit(AN, make_draft(), "")
    with pytest.raises(Conflict):
        services.decide(BINH, id_, "approve", "", 7, "")
    with pytest.raises(Conflict):
        services.submit(AN, make_draft(count=10), "")
    assert kinds(portal, AN, BINH) == [[], ["decide"]]


def test_the_same_key_again_tells_nobody_twice(services: PortalServices, portal: PortalDatabase) -> None:
    for _ in range(2):
        services.submit(AN, make_draft(), "key")
    assert kinds(portal, BINH) == [["decide"]]


def test_who_asked_is_not_told_to_sign_their_own_request(
    services: PortalServices, portal: PortalDatabase
) -> None:
    both = make_person("binh", Role.MEMBER, Role.APPROVER)
    remember(portal, both, EM)
    services.submit(both, make_draft(), "")
    assert kinds(portal, BINH, EM, CHI) == [[], ["decide"], []]


def test_where_nobody_could_sign_the_city_is_told(services: PortalServices, portal: PortalDatabase) -> None:
    remember(portal, make_person("binh", Role.MEMBER))
    services.submit(AN, make_draft(), "")
    told = of(portal, CHI)[0]
    assert told.kind == NoticeKind.ESCALATION
    assert "chưa có người duyệt" in told.told.vi


def test_an_auditor_and_who_was_away_for_half_a_year_are_not_asked_to_sign(
    services: PortalServices, portal: PortalDatabase
) -> None:
    remember(portal, make_person("lan", Role.APPROVER, Role.AUDITOR))
    with portal.touching() as connection:
        people.remember(connection, EM, "keystone", NOW - people.REACHED)
    services.submit(AN, make_draft(), "")
    assert kinds(portal, BINH, EM) == [["decide"], []]
    assert of(portal, "lan") == []


def test_who_signs_for_another_is_told_during_the_leave(
    services: PortalServices, portal: PortalDatabase, clock: Clock
) -> None:
    remember(portal, make_person("phuc", Role.MEMBER))
    with portal.writing() as tx:
        start = NOW - MINUTE
        given = Delegation("binh", "Binh", "phuc", "sotc", Stage.AGENCY, start, NOW + MINUTE)
        delegations.insert(tx, given, NOW)
        taken_back = delegations.insert(tx, replace(given, taker="quang"), NOW)
        delegations.revoke(tx, taken_back, NOW)
    services.submit(AN, make_draft(), "")
    clock.forward(minutes=2)
    services.submit(AN, make_draft(), "")
    assert [len(of(portal, one)) for one in ("phuc", "binh", "quang")] == [1, 2, 0]


def test_an_emergency_is_loud_for_all_who_may_sign_and_is_reviewed(
    services: PortalServices, portal: PortalDatabase
) -> None:
    remember(portal, EM, GIANG)
    id_ = services.submit(AN, make_draft(emergency=True), "")
    everybody = (BINH, EM, CHI, GIANG)
    assert kinds(portal, *everybody) == [["emergency"]] * 4
    assert kinds(portal, AN, DUNG, STRANGER) == [[], [], []]
    assert of(portal, CHI)[0].kind.loud
    approve(services, BINH, id_)
    assert kinds(portal, AN, *everybody) == [
        ["approved"], ["emergency"], ["emergency"], ["emergency", "review"], ["emergency", "review"],
    ]  # fmt: skip


def test_an_emergency_that_the_city_signed_is_reviewed_by_the_agency(
    services: PortalServices, portal: PortalDatabase
) -> None:
    id_ = services.submit(AN, make_draft("secret-server", emergency=True), "")
    approve(services, CHI, id_)
    assert kinds(portal, BINH, CHI) == [["emergency", "review"], ["emergency"]]


def test_who_asked_is_told_how_it_ended_each_time(
    services: PortalServices, portal: PortalDatabase, book: WorkBook, held: Lease
) -> None:
    id_ = approved(services, 1)
    for _ in range(2):
        work = book.begin(held, id_, NOW)
        book.failed(held, id_, WHY, NOW)
        book.gone(held, work.deployments[0].id, NOW)
        for _ in range(2):
            book.fail(held, id_, WHY, NOW)
        services.retry(AN, id_, services.request(AN, id_).version, "")
    work = book.begin(held, id_, NOW)
    book.activate(held, work.deployments[0].id, {}, NOW)
    for _ in range(2):
        book.fulfill(held, id_, NOW)
    told = sorted(str(one.kind) for one in of(portal, AN))
    assert told == ["approved", "failed", "failed", "fulfilled"]
    failed = next(one for one in of(portal, AN) if one.kind == NoticeKind.FAILED)
    assert failed.told.vi.endswith("Lý do: hết chỗ")


def test_people_read_their_own_notices_only(
    services: PortalServices, portal: PortalDatabase, clock: Clock
) -> None:
    for _ in range(3):
        services.submit(AN, make_draft(), "")
        clock.forward(minutes=1)
    first, second, third = of(portal, BINH)
    with portal.touching() as connection:
        assert notices.unread_count(connection, "binh") == 3
        assert notices.mark_read(connection, "chi", [first.id], NOW) == 0
        assert notices.mark_read(connection, "binh", [first.id], NOW) == 1
        assert notices.mark_read(connection, "binh", [first.id], NOW) == 0
        assert [one.id for one in notices.listed(connection, "binh", unread=True)] == [third.id, second.id]
        page = notices.listed(connection, "binh", limit=2)
        assert [one.id for one in page] == [third.id, second.id]
        rest = notices.listed(connection, "binh", limit=2, before=page[-1].cursor)
        assert [(one.id, one.read) for one in rest] == [(first.id, NOW)]
        assert notices.mark_read(connection, "binh", None, NOW) == 2
        assert notices.unread_count(connection, "binh") == 0


def mailed(portal: PortalDatabase, now: dt.datetime) -> Sequence[str]:
    with portal.reading() as connection:
        return [one.contact.person.email for one in notices.to_mail(connection, now)]


def test_mail_goes_to_those_with_an_address_and_the_loud_ones_first(
    services: PortalServices, portal: PortalDatabase, clock: Clock
) -> None:
    remember(portal, EM)
    services.submit(AN, make_draft(), "")
    clock.forward(minutes=1)
    services.submit(AN, make_draft(emergency=True), "")
    first, second, third = mailed(portal, clock())
    assert {first, second} == {"binh@haiphong.test", "chi@haiphong.test"}
    assert third == "binh@haiphong.test"
    assert kinds(portal, EM) == [["decide", "emergency"]]
    with portal.touching() as connection:
        people.forget_roles(connection, "binh")
    assert mailed(portal, clock()) == ["chi@haiphong.test"]


def test_a_refused_mail_waits_longer_each_time_and_is_given_up_in_the_end(
    services: PortalServices, portal: PortalDatabase
) -> None:
    services.submit(AN, make_draft(), "")
    now = NOW
    for pause in (0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360):
        now += pause * MINUTE
        assert mailed(portal, now - MINUTE) == ([] if pause else ["binh@haiphong.test"])
        assert mailed(portal, now) == ["binh@haiphong.test"]
        with portal.touching() as connection:
            (one,) = notices.to_mail(connection, now)
            notices.mark_refused(connection, one.notice, f"550 no\nsuch {'x' * 1000}", now)
    assert mailed(portal, now + dt.timedelta(days=1)) == []
    told = of(portal, BINH)[0]
    assert (told.attempts, len(told.error), told.error[:12]) == (12, 300, "550 no such ")
    assert told.mailed is None


def unmailed(portal: PortalDatabase, now: dt.datetime) -> tuple[dict[str, int], dt.datetime | None]:
    """What monitoring is told: counts that are not 0, and since when the oldest is tried."""
    found = portal_figures.read(portal, now, mails=True).unmailed
    return {tried: count for tried, count in found.counts.items() if count}, found.since


def test_monitoring_is_told_since_when_mail_waits_and_of_no_mail_that_was_given_up_or_is_old(
    services: PortalServices, portal: PortalDatabase, clock: Clock
) -> None:
    services.submit(AN, make_draft(), "1")
    clock.forward(hours=1)
    services.submit(AN, make_draft(), "2")
    assert unmailed(portal, clock()) == ({"waiting": 2}, NOW)
    with portal.touching() as connection:
        first, second = notices.to_mail(connection, clock())
        notices.mark_refused(connection, first.notice, "550", clock())
    assert unmailed(portal, clock()) == ({"waiting": 1, "refused": 1}, NOW)
    with portal.touching() as connection:
        for attempts in range(1, notices.MOST_ATTEMPTS):
            notices.mark_refused(connection, replace(first.notice, attempts=attempts), "550", clock())
    assert unmailed(portal, clock()) == ({"waiting": 1, "given_up": 1}, clock())
    with portal.touching() as connection:
        notices.mark_mailed(connection, second.notice.id, clock())
    assert unmailed(portal, clock()) == ({"given_up": 1}, None)
    assert unmailed(portal, NOW + notices.MAILED_WITHIN) == ({}, None)


def test_monitoring_is_told_of_no_mail_that_nobody_is_owed(
    services: PortalServices, portal: PortalDatabase, clock: Clock
) -> None:
    services.submit(AN, make_draft(), "")
    without = portal_figures.read(portal, clock(), mails=False).unmailed
    assert (set(without.counts.values()), without.since) == ({0}, None)
    with portal.touching() as connection:
        people.forget_roles(connection, "binh")
    assert unmailed(portal, clock()) == ({}, None)


def test_what_was_mailed_is_not_mailed_again_and_old_news_is_not_mailed_at_all(
    services: PortalServices, portal: PortalDatabase
) -> None:
    services.submit(AN, make_draft(), "")
    assert mailed(portal, NOW + notices.MAILED_WITHIN) == []
    with portal.touching() as connection:
        (one,) = notices.to_mail(connection, NOW)
        notices.mark_mailed(connection, one.notice.id, NOW)
    assert mailed(portal, NOW) == []
    assert of(portal, BINH)[0].mailed == NOW


def test_read_notices_are_forgotten_after_long_and_unread_ones_stay(
    services: PortalServices, portal: PortalDatabase
) -> None:
    for _ in range(2):
        services.submit(AN, make_draft(), "")
    with portal.touching() as connection:
        notices.mark_read(connection, "binh", [of(portal, BINH)[0].id], NOW)
    with portal.touching() as connection:
        assert notices.forget(connection, NOW) == 0
        assert notices.forget(connection, NOW + MINUTE) == 1
    assert len(of(portal, BINH)) == 1


def test_whoever_signs_in_is_known_with_what_the_directory_says_now(portal: PortalDatabase) -> None:
    store = SessionStore(portal)
    person = replace(make_person("hoa", Role.MEMBER), email="hoa@haiphong.test")
    session = Session("d" * 64, person, "keystone", NOW, NOW, NOW)
    store.add_session(session)
    with portal.touching() as connection:
        people.set_language(connection, "hoa", "en")
    promoted = replace(person, roles=frozenset({Role.APPROVER}))
    store.renew_session(replace(session, person=promoted, seen=NOW + MINUTE))
    with portal.reading() as connection:
        assert people.find(connection, "hoa") == people.Contact(promoted, "en", "keystone", NOW + MINUTE)
        assert people.approvers(connection, "sotc", NOW) == (
            replace(BINH, email="binh@haiphong.test"), promoted,
        )  # fmt: skip
    store.drop_session(session.digest)
    store.renew_session(session)
    with portal.reading() as connection:
        found = people.find(connection, "hoa")
    assert found is not None
    assert found.person == promoted


def test_a_program_that_is_looked_up_again_updates_who_it_speaks_for(portal: PortalDatabase) -> None:
    store = SessionStore(portal)
    person = make_person("hoa", Role.MEMBER)
    scopes = frozenset({Scope.READ})
    token = Token("t-1", "e" * 64, "báo cáo", person, "keystone", scopes, NOW, NOW + MINUTE, NOW)
    store.add_token(token)
    store.renew_token(replace(token, person=replace(person, email="hoa@haiphong.test"), checked=NOW + MINUTE))
    with portal.reading() as connection:
        found = people.find(connection, "hoa")
    assert found is not None
    assert (found.person.email, found.seen) == ("hoa@haiphong.test", NOW + MINUTE)


def test_a_notice_of_the_same_event_has_the_same_id() -> None:
    one = Notice("binh", "sotc", NoticeKind.DECIDE, "r-1", "YC-1", "1/agency", Words("a", "a"), NOW)
    assert replace(one, told=Words("b", "b"), created=NOW + MINUTE).id == one.id
    others = [
        replace(one, person="em"), replace(one, kind=NoticeKind.REMINDER), replace(one, about="r-2"),
        replace(one, occasion="2/agency"),
    ]  # fmt: skip
    assert len({one.id, *(other.id for other in others)}) == 5

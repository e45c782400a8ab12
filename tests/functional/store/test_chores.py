"""Chores by a clock that tests move: a deployment's whole life, what waits too long, and faults that stop
nothing but themselves.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.domain.calendar import ZONE
from infra.domain.deployment import Deployment, DeploymentState
from infra.domain.notice import Notice, NoticeKind
from infra.domain.person import Person, Role
from infra.domain.session import Session
from infra.portal.chores import LASTS, NOTICES_KEPT, RETRY, ChoreReport, Chores
from infra.portal.identity import DirectoryUnreachable
from infra.portal.mail import Mailer, MailUnreachable
from infra.portal.service.services import PortalServices
from infra.portal.session import LONGEST
from infra.store import lease
from infra.store import notice as notices
from infra.store import person as people
from infra.store.lease import Lease
from infra.store.notice import Unsent
from infra.store.portal_database import PortalDatabase
from infra.store.portal_schema import AUDIT_HEAD
from infra.store.session import SessionStore
from infra.store.work import WorkBook
from tests.functional.portal.sink import Sink

from .city import AN, BINH, CHI, NOW, Clock, make_draft, make_person, make_site
from .test_notice import kinds, of, remember
from .test_portal_request import approve, total
from .test_portal_work import book, held, live, stored

__all__ = ["book", "held"]
EM = make_person("em", Role.APPROVER)


class Post(Mailer):
    """A mail server that takes everything, or is down."""

    def __init__(self) -> None:
        super().__init__(Sink(port=25).server())
        self.down = False
        self.sent: list[tuple[str, str]] = []

    def send(
        self, wanted: Iterable[Unsent], now: Callable[[], dt.datetime], outcome: Callable[[Unsent, str], None]
    ) -> None:
        if self.down:
            raise MailUnreachable("mail.test:25: connection refused")
        for one in wanted:
            self.sent.append((one.contact.person.id, str(one.notice.kind)))
            outcome(one, "")


class People:
    """A directory that says of these people what it is told to, and of others nothing."""

    def __init__(self, *persons: Person) -> None:
        self.persons = {one.id: one for one in persons}
        self.away = False

    def sign_in(self, agency: str, name: str, password: str) -> Person:
        raise NotImplementedError

    def look_up(self, person: str) -> Person | None:
        if self.away:
            raise DirectoryUnreachable("keystone is away")
        return self.persons.get(person)


Make = Callable[..., Chores]


@pytest.fixture
def make_chores(portal: PortalDatabase, clock: Clock) -> Make:
    def make(mailer: Mailer | None = None, **more: Any) -> Chores:
        return Chores(portal, more.pop("site", make_site()), mailer, clock, **more)

    return make


@pytest.fixture(autouse=True)
def known(portal: PortalDatabase) -> None:
    remember(portal, *(replace(one, email=f"{one.id}@haiphong.test") for one in (AN, BINH, CHI)))


def day(clock: Clock, to: dt.date) -> None:
    """Ten in the morning of that day in the city."""
    clock.now = dt.datetime.combine(to, dt.time(10), ZONE).astimezone(dt.UTC)


def walk(
    chores: Chores, clock: Clock, one: Deployment, days: Iterable[int], portal: PortalDatabase
) -> list[tuple[int, str]]:
    """Do the chores on each of these days, counted from the last day of use; what its owner was told."""
    assert one.expires is not None
    told: list[tuple[int, str]] = []
    before = len(of(portal, one.owner))
    for left in days:
        day(clock, one.expires + dt.timedelta(days=left))
        report = chores.run_due()
        assert report.faults == ()
        now = of(portal, one.owner)
        told += [(left, str(notice.kind)) for notice in now[before:]]
        before = len(now)
    return told


def some(first: int, last: int) -> list[int]:
    """Each week, and each day around those on which something is due."""
    near = {left + more for left, _ in LADDER for more in (-1, 0, 1)}
    return [left for left in range(first, last) if (left - first) % 7 == 0 or left in near]


LADDER = [(-30, "ending"), (-14, "ending"), (-7, "ending"), (-1, "ending"), (1, "suspended"),
          (15, "archived"), (105, "retired")]  # fmt: skip


def test_a_deployments_whole_year_and_its_end(
    services: PortalServices, portal: PortalDatabase, book: WorkBook, held: Lease, clock: Clock,
    make_chores: Make,
) -> None:  # fmt: skip
    one = live(services, book, held)[0]
    post = Post()
    chores = make_chores(post, archive=lambda _: True)
    assert one.expires == dt.date(2027, 11, 27)
    assert walk(chores, clock, one, some(-364, 120), portal) == LADDER
    assert stored(portal, one.id).state == DeploymentState.RETIRING
    book.gone(held, one.id, clock())
    assert total(portal).instances == 0
    to_an = [kind for person, kind in post.sent if person == "an"]
    assert sorted(to_an[:2]) == ["approved", "fulfilled"]
    assert to_an[2:] == [kind for _, kind in LADDER]
    assert isinstance(portal.verify(), int)
    told = [one for one in of(portal, "an") if one.kind == NoticeKind.ENDING]
    assert told[0].told.vi == f"{one.name} còn 30 ngày là hết hạn (27/11/2027); hãy gia hạn nếu còn cần."
    assert told[3].told.en == f"{one.name} ends in 1 day (27 Nov 2027); renew it if you still need it."
    assert told[0].place == f"/deployments/{one.id}"


def test_a_renewal_begins_the_ladder_anew_for_the_new_end(
    services: PortalServices, portal: PortalDatabase, book: WorkBook, held: Lease, clock: Clock,
    make_chores: Make,
) -> None:  # fmt: skip
    one = live(services, book, held)[0]
    chores = make_chores(archive=lambda _: True)
    assert walk(chores, clock, one, range(-31, -4), portal) == LADDER[:3]
    services.act(AN, one.id, "renew", stored(portal, one.id).version, "")
    renewed = stored(portal, one.id)
    assert renewed.expires == dt.date(2028, 11, 21)
    assert walk(chores, clock, renewed, some(-360, 3), portal) == LADDER[:5]
    services.act(AN, one.id, "renew", stored(portal, one.id).version, "")
    again = stored(portal, one.id)
    assert again.state == DeploymentState.ACTIVE
    assert walk(chores, clock, again, some(-31, 120), portal) == LADDER


def test_a_legal_hold_keeps_what_has_ended_and_the_ladder_goes_on_after_it(
    services: PortalServices, portal: PortalDatabase, book: WorkBook, held: Lease, clock: Clock,
    make_chores: Make,
) -> None:  # fmt: skip
    one = live(services, book, held)[0]
    archived: list[str] = []

    def archive(found: Deployment) -> bool:
        archived.append(found.id)
        return True

    chores = make_chores(archive=archive)
    services.act(CHI, one.id, "hold", stored(portal, one.id).version, "")
    assert walk(chores, clock, one, some(-31, 250), portal) == LADDER[:5]
    assert archived == []
    services.act(CHI, one.id, "unhold", stored(portal, one.id).version, "")
    assert walk(chores, clock, one, [250, 251, 339, 340, 341], portal) == [
        (250, "archived"),
        (340, "retired"),
    ]


@pytest.mark.parametrize(
    ("last", "back", "told"),
    [
        (-31, 9, [(9, "ending"), (10, "suspended"), (24, "archived"), (114, "retired")]),
        (-10, 30, [(30, "ending"), (31, "suspended"), (45, "archived"), (135, "retired")]),
        (-1, 39, [(39, "suspended"), (53, "archived"), (143, "retired")]),
        (1, 41, [(41, "archived"), (131, "retired")]),
        (15, 55, [(105, "retired")]),
    ],
)
def test_a_portal_that_was_away_for_forty_days_stops_nothing_untold(
    services: PortalServices, portal: PortalDatabase, book: WorkBook, held: Lease, clock: Clock,
    make_chores: Make, last: int, back: int, told: list[tuple[int, str]],
) -> None:  # fmt: skip
    one = live(services, book, held)[0]
    chores = make_chores(archive=lambda _: True)
    walk(chores, clock, one, [*(left for left, _ in LADDER if left < last), last], portal)
    days = {left + more for left, _ in told for more in (-1, 0, 1)}
    assert walk(chores, clock, one, sorted(left for left in days if left >= back), portal) == told


def test_the_approvers_are_told_of_what_an_owner_left_behind(
    services: PortalServices, portal: PortalDatabase, book: WorkBook, held: Lease, clock: Clock,
    make_chores: Make,
) -> None:  # fmt: skip
    one = live(services, book, held)[0]
    with portal.touching() as connection:
        people.forget_roles(connection, "an")
    chores = make_chores()
    walk(chores, clock, one, [-30], portal)
    assert [of(portal, person)[-1].kind for person in (AN, BINH)] == [NoticeKind.ENDING, NoticeKind.DECIDE]
    with portal.touching() as connection:
        people.remember(connection, CHI, "keystone", clock())
    walk(chores, clock, one, [-14], portal)
    with portal.touching() as connection:
        people.remember(connection, BINH, "keystone", clock())
    walk(chores, clock, one, [-7], portal)
    assert kinds(portal, CHI, BINH) == [["ending"], ["decide", "ending"]]


def test_one_archive_that_fails_keeps_no_other_deployment_waiting(
    services: PortalServices, portal: PortalDatabase, book: WorkBook, held: Lease, clock: Clock,
    make_chores: Make,
) -> None:  # fmt: skip
    first, second = live(services, book, held, 2)
    broken = {first.id}

    def archive(found: Deployment) -> bool:
        if found.id in broken:
            raise ZeroDivisionError("the cloud is odd")
        return True

    chores = make_chores(archive=archive)
    walk(chores, clock, first, [-30, -14, -7, -1, 1], portal)
    assert first.expires is not None
    day(clock, first.expires + dt.timedelta(days=15))
    report = chores.run_due()
    assert [(one.chore, one.code) for one in report.faults] == [("archive", "defect")]
    assert "the cloud is odd" in report.faults[0].message
    assert stored(portal, second.id).archived is not None
    assert stored(portal, first.id).archived is None
    broken.clear()
    clock.forward(hours=1)
    assert chores.run_due().faults == ()
    assert stored(portal, first.id).archived is not None


def test_no_fault_of_one_chore_stops_another(
    services: PortalServices, portal: PortalDatabase, clock: Clock, make_chores: Make, tmp_path: Path
) -> None:
    services.submit(AN, make_draft(), "")
    post, directory = Post(), People(AN, BINH, CHI)
    post.down = directory.away = True
    chores = make_chores(
        post, directory=directory, checkpoints=tmp_path / "none/checkpoints", archive=lambda _: True
    )
    report = chores.run_due()
    assert {(one.chore, one.code) for one in report.faults} == {
        ("mail", "mail_unreachable"), ("people", "directory_unreachable"), ("checkpoint", "defect"),
    }  # fmt: skip
    assert set(report.done) == {"expiry", "reminders", "reviews", "sessions", "notices"}
    assert chores.counts["mail", "fault"] == 1
    post.down = directory.away = False
    clock.forward(minutes=1)
    assert chores.run_due().faults == ()  # only mails are tried again at each turn
    assert post.sent == [("binh", "decide")]
    clock.forward(seconds=RETRY.total_seconds())
    report = chores.run_due()
    assert [one.chore for one in report.faults] == ["checkpoint"]
    assert report.done["people"] == 0
    assert chores.counts["mail", "done"] == 1
    assert of(portal, BINH)[0].attempts == 1


def test_one_process_at_a_time_does_the_chores(clock: Clock, make_chores: Make) -> None:
    first, second = make_chores(), make_chores()
    assert first.run_due().held
    assert second.run_due() == ChoreReport(held=False)
    clock.forward(minutes=1)
    assert first.run_due().held
    first.stop()
    assert second.run_due().held
    assert not first.run_due().held
    clock.forward(seconds=LASTS.total_seconds() + 1)
    assert first.run_due().held
    assert not second.run_due().held


def test_a_process_that_lost_the_chores_meanwhile_leaves_the_rest_alone(
    services: PortalServices, clock: Clock, make_chores: Make
) -> None:
    services.submit(AN, make_draft(), "")
    services.submit(AN, make_draft(), "")
    other = make_chores()

    class Slow(Post):
        def send(
            self, wanted: Iterable[Unsent], now: Callable[[], dt.datetime],
            outcome: Callable[[Unsent, str], None],
        ) -> None:  # fmt: skip
            clock.forward(minutes=6)
            assert other.run_due().held
            super().send(wanted, now, outcome)

    report = make_chores(slow := Slow()).run_due()
    assert {one.code for one in report.faults} == {"lease_lost"}
    assert report.faults[0].chore == "mail"
    assert len(slow.sent) == 1


FRIDAY_EVENING = dt.datetime(2026, 11, 27, 11, tzinfo=dt.UTC)
MONDAY_EVENING = dt.datetime(2026, 11, 30, 11, tzinfo=dt.UTC)
WEDNESDAY_EVENING = dt.datetime(2026, 12, 2, 11, tzinfo=dt.UTC)


def waits(portal: PortalDatabase, *persons: Person) -> list[list[str]]:
    wanted = {NoticeKind.REMINDER, NoticeKind.ESCALATION, NoticeKind.REVIEW_OVERDUE}
    return [sorted(str(one.kind) for one in of(portal, person) if one.kind in wanted) for person in persons]


def test_what_waits_is_reminded_of_after_a_working_day_and_told_to_the_city_after_three(
    services: PortalServices, portal: PortalDatabase, clock: Clock, make_chores: Make
) -> None:
    """Handed in on a Friday morning: the weekend does not count."""
    services.submit(AN, make_draft(), "")
    chores = make_chores()
    for moment, told in (
        (FRIDAY_EVENING, [[], []]),
        (MONDAY_EVENING - dt.timedelta(hours=2), [[], []]),
        (MONDAY_EVENING, [["reminder"], []]),
        (MONDAY_EVENING + dt.timedelta(days=1), [["reminder"], []]),
        (WEDNESDAY_EVENING, [["reminder"], ["escalation"]]),
        (WEDNESDAY_EVENING + dt.timedelta(days=30), [["reminder"], ["escalation"]]),
    ):
        clock.now = moment
        for _ in range(2):
            assert chores.run_due().faults == ()
            clock.forward(minutes=11)
        assert waits(portal, BINH, CHI) == told
    assert waits(portal, AN) == [[]]
    assert portal.verify() == 3
    with portal.reading() as connection:
        assert len(notices.listed(connection, "chi")) == 1


def test_each_stage_and_each_round_is_reminded_of_once(
    services: PortalServices, portal: PortalDatabase, clock: Clock, make_chores: Make
) -> None:
    chores = make_chores()
    id_ = services.submit(AN, make_draft("secret-server"), "")
    clock.now = MONDAY_EVENING
    chores.run_due()
    assert waits(portal, BINH, CHI) == [["reminder"], []]
    approve(services, BINH, id_)
    chores.run_due()
    assert waits(portal, CHI) == [[]]
    clock.forward(days=2)
    chores.run_due()
    assert waits(portal, BINH, CHI) == [["reminder"], ["reminder"]]
    services.decide(CHI, id_, "return", "thiếu hồ sơ", services.request(CHI, id_).version, "")
    services.change(AN, id_, make_draft("secret-server"), services.request(AN, id_).version, "")
    chores.run_due()
    assert waits(portal, BINH) == [["reminder"]]
    clock.forward(days=5)
    chores.run_due()
    assert waits(portal, BINH) == [["reminder"] * 2]


def test_a_holiday_is_no_working_day(
    services: PortalServices, portal: PortalDatabase, clock: Clock, make_chores: Make
) -> None:
    clock.now = dt.datetime(2026, 12, 31, 2, tzinfo=dt.UTC)  # a Thursday
    services.submit(AN, make_draft(), "")
    chores = make_chores()
    clock.now = dt.datetime(2027, 1, 1, 11, tzinfo=dt.UTC)
    chores.run_due()
    assert waits(portal, BINH) == [[]]
    clock.now = dt.datetime(2027, 1, 4, 11, tzinfo=dt.UTC)
    chores.run_due()
    assert waits(portal, BINH) == [["reminder"]]


def test_what_was_decided_is_not_reminded_of(
    services: PortalServices, portal: PortalDatabase, clock: Clock, make_chores: Make
) -> None:
    approve(services, BINH, services.submit(AN, make_draft(), ""))
    clock.forward(days=30)
    make_chores().run_due()
    assert waits(portal, BINH, CHI) == [[], []]


def test_an_emergency_that_nobody_reviewed_is_told_after_three_working_days(
    services: PortalServices, portal: PortalDatabase, clock: Clock, make_chores: Make
) -> None:
    reviewed = services.submit(AN, make_draft(emergency=True), "")
    open_ = services.submit(AN, make_draft(emergency=True), "")
    for one in (reviewed, open_):
        approve(services, BINH, one)
    services.review(CHI, reviewed, "approve", "", "")
    chores = make_chores()
    clock.now = WEDNESDAY_EVENING - dt.timedelta(hours=2)
    chores.run_due()
    assert waits(portal, CHI) == [[]]
    clock.now = WEDNESDAY_EVENING
    for _ in range(3):
        chores.run_due()
        clock.forward(hours=2)
    assert waits(portal, CHI, BINH) == [["review_overdue"], []]
    told = next(one for one in of(portal, CHI) if one.kind == NoticeKind.REVIEW_OVERDUE)
    assert told.about == open_


def test_whose_roles_are_gone_gets_nothing_more(
    services: PortalServices, portal: PortalDatabase, clock: Clock, make_chores: Make
) -> None:
    remember(portal, EM)
    fresh = replace(BINH, email="moi@haiphong.test")
    directory = People(AN, fresh)
    report = make_chores(directory=directory).run_due()
    assert report.done["people"] == 2  # em and chi
    services.submit(AN, make_draft(), "")
    assert kinds(portal, EM, CHI) == [[], []]
    with portal.reading() as connection:
        assert [one.contact.person.email for one in notices.to_mail(connection, clock())] == [
            "moi@haiphong.test"
        ]  # fmt: skip


def test_sessions_and_old_notices_do_not_pile_up(
    services: PortalServices, portal: PortalDatabase, clock: Clock, make_chores: Make
) -> None:
    store = SessionStore(portal)
    old, fresh = NOW - LONGEST - dt.timedelta(seconds=1), NOW - dt.timedelta(minutes=5)
    for digest, seen in (("a" * 64, old), ("b" * 64, fresh)):
        store.add_session(Session(digest, AN, "keystone", seen, seen, seen))
    services.submit(AN, make_draft(), "")
    chores = make_chores()
    chores.run_due()
    assert store.session("a" * 64) is None
    assert store.session("b" * 64) is not None
    with portal.touching() as connection:
        notices.mark_read(connection, "binh", None, NOW)
    clock.forward(seconds=NOTICES_KEPT.total_seconds() + 1)
    chores.run_due()
    left: list[Notice] = of(portal, BINH)
    assert [one.kind for one in left if one.created == NOW] == []


def test_the_chains_end_is_noted_once_a_day(
    services: PortalServices, portal: PortalDatabase, clock: Clock, make_chores: Make, tmp_path: Path
) -> None:
    file = tmp_path / "checkpoints"
    chores = make_chores(checkpoints=file)
    for _ in range(3):
        services.submit(AN, make_draft(), "")
        chores.run_due()
        clock.forward(hours=2)
    chores.stop()
    make_chores(checkpoints=file).run_due()
    assert [json.loads(one)["seq"] for one in file.read_text().splitlines()] == [1]
    clock.forward(days=1)
    assert chores.run_due().faults == ()
    assert [json.loads(one)["seq"] for one in file.read_text().splitlines()] == [1, 3]


def test_a_line_that_a_crash_cut_short_is_written_over(
    services: PortalServices, clock: Clock, make_chores: Make, tmp_path: Path
) -> None:
    file = tmp_path / "checkpoints"
    chores = make_chores(checkpoints=file)
    chores.run_due()
    whole = file.read_text()
    file.write_text(whole + whole[:40])
    clock.forward(days=1)
    assert chores.run_due().faults == ()
    assert [json.loads(one)["seq"] for one in file.read_text().splitlines()] == [0, 0]


def test_a_chain_that_was_changed_gets_no_line_and_is_a_fault_each_time(
    services: PortalServices, portal: PortalDatabase, clock: Clock, make_chores: Make, tmp_path: Path
) -> None:
    file = tmp_path / "checkpoints"
    services.submit(AN, make_draft(), "")
    with portal.touching() as connection:
        connection.execute(AUDIT_HEAD.update().values(seq=0))
    chores = make_chores(checkpoints=file)
    for _ in range(2):
        report = chores.run_due()
        assert [(one.chore, one.code) for one in report.faults] == [("checkpoint", "audit_broken")]
        assert "audit verify" in report.faults[0].message
        clock.forward(seconds=RETRY.total_seconds())
    assert not file.exists()


def test_a_database_that_does_not_answer_is_a_fault_and_no_end_of_the_chores(
    clock: Clock, make_chores: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    chores = make_chores()

    def away(*_: object, **__: object) -> Lease:
        raise TimeoutError("no connection is free")

    with monkeypatch.context() as patched:
        patched.setattr(lease, "acquire", away)
        report = chores.run_due()
    assert (report.held, [one.chore for one in report.faults]) == (False, ["lease"])
    assert chores.run_due().held

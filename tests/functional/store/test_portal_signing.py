"""Signing in another's place, and looking back at emergencies, on real databases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import pytest

from infra.domain.deployment import Deployment, DeploymentState
from infra.domain.person import Person, Role
from infra.portal.identity import DirectoryUnreachable
from infra.portal.interface import (
    AuditFilter,
    Conflict,
    InputRefused,
    NewDelegation,
    NotAllowed,
    NotFound,
)
from infra.portal.service.services import PortalServices
from infra.store import deployment as deployments
from infra.store import lease
from infra.store import person as people
from infra.store.expiry import take_due_steps
from infra.store.portal_database import PortalDatabase
from infra.store.work import WorkBook

from .city import AN, BINH, CHI, DUNG, NOW, STRANGER, Clock, make_draft, make_person, make_site
from .test_portal_request import actions, approve
from .test_portal_work import WHY

TODAY = NOW.date()
WEEK = dt.timedelta(days=6)
EM = make_person("em", Role.MEMBER)
"""A colleague of Binh who signs nothing themselves."""
GIANG = make_person("giang", Role.MEMBER, agency="vpubnd")
"""One of Chi, who signs for the city."""


class MovingDirectory:
    """A directory whose people change while they are away."""

    def __init__(self) -> None:
        self.people = {one.id: one for one in (AN, BINH, CHI, EM, GIANG, STRANGER, DUNG)}
        self.away = False

    def look_up(self, person: str) -> Person | None:
        if self.away:
            raise DirectoryUnreachable("away")
        return self.people.get(person)


@pytest.fixture
def directory() -> MovingDirectory:
    return MovingDirectory()


@pytest.fixture
def services(
    services: PortalServices, portal: PortalDatabase, clock: Clock, directory: MovingDirectory
) -> PortalServices:
    """As everywhere, with a directory, and everybody has signed in once."""
    with portal.touching() as connection:
        for one in directory.people.values():
            people.remember(connection, one, "keystone", clock())
    return PortalServices(portal, make_site(look_up=directory.look_up), clock)


def lend(services: PortalServices, giver: Person = BINH, taker: Person = EM, stage: str = "agency") -> str:
    return services.delegate(giver, NewDelegation(taker.id, stage, TODAY, TODAY + WEEK), "")


def decide(services: PortalServices, person: Person, request: str) -> None:
    """Without looking at the request first, as a program may."""
    services.decide(person, request, "approve", "", 1, "")


def test_a_colleague_signs_in_the_place_of_who_is_on_leave(services: PortalServices, clock: Clock) -> None:
    id_ = services.submit(AN, make_draft(), "")
    with pytest.raises(NotAllowed):
        decide(services, EM, id_)
    lend(services)
    assert services.home(EM).signs_for == ("Binh",)
    assert services.home(EM).to_decide == 1
    assert [one.id for one in services.to_decide(EM).items] == [id_]
    assert services.request(EM, id_).may == {"decide"}
    approve(services, EM, id_)
    entry = services.audit(DUNG, AuditFilter(action="request.approve")).items[0]
    assert entry.who == "Em"
    assert services.delegations(EM).items[0].state == "in_force"
    other = services.submit(AN, make_draft(), "")
    clock.forward(days=7)
    assert services.to_decide(EM).items == ()
    assert services.delegations(BINH).items[0].state == "ended"
    with pytest.raises(NotAllowed):
        decide(services, EM, other)


def test_a_delegate_of_the_city_sees_what_they_sign_and_nothing_else_of_that_agency(
    services: PortalServices,
) -> None:
    level3, plain = (services.submit(AN, make_draft(item), "") for item in ("secret-server", "plain-server"))
    approve(services, BINH, level3)
    with pytest.raises(NotFound):
        services.request(GIANG, level3)
    lend(services, CHI, GIANG, "city")
    assert [one.id for one in services.to_decide(GIANG).items] == [level3]
    assert services.facts(GIANG, level3).quota
    approve(services, GIANG, level3)
    assert services.request(AN, level3).summary.state == "approved"
    with pytest.raises(NotAllowed):
        decide(services, GIANG, plain)
    assert services.requests(GIANG, agency="sotc").items == ()


@pytest.mark.parametrize("by", [BINH, EM], ids=["giver", "taker"])
def test_a_delegation_that_was_revoked_signs_nothing_and_both_are_on_record(
    services: PortalServices, by: Person
) -> None:
    id_ = services.submit(AN, make_draft(), "")
    delegation = lend(services)
    for stranger in (AN, CHI, STRANGER, DUNG):
        with pytest.raises(NotFound):
            services.revoke_delegation(stranger, delegation, "")
    services.revoke_delegation(by, delegation, "")
    with pytest.raises(NotAllowed):
        decide(services, EM, id_)
    assert services.home(EM).signs_for == ()
    assert services.delegations(BINH).items[0].state == "revoked"
    with pytest.raises(Conflict):
        services.revoke_delegation(by, delegation, "")
    assert actions(services)[1:] == ["approval.delegate", "approval.revoke"]


@pytest.mark.parametrize(
    "now",
    [None, replace(BINH, roles=frozenset({Role.MEMBER})), replace(BINH, agency="sonv"),
     replace(BINH, roles=frozenset({Role.APPROVER, Role.AUDITOR}))],
    ids=["gone", "member", "moved", "auditor"],
)  # fmt: skip
def test_a_delegation_ends_with_the_role_of_who_gave_it_though_they_never_sign_in_again(
    services: PortalServices, directory: MovingDirectory, now: Person | None
) -> None:
    id_ = services.submit(AN, make_draft(), "")
    lend(services)
    assert [one.id for one in services.to_decide(EM).items] == [id_]
    directory.people = {**directory.people, "binh": now} if now else {}
    with pytest.raises(NotAllowed):
        decide(services, EM, id_)
    assert services.to_decide(EM).items == ()
    assert services.delegations(EM).items[0].state == "void"
    directory.people = {"binh": BINH}
    if now is not None:  # who is taken in again signs in again
        decide(services, EM, id_)
        assert services.request(AN, id_).summary.state == "approved"


def test_nobody_signs_for_another_while_the_directory_cannot_say_whether_they_still_may(
    services: PortalServices, directory: MovingDirectory
) -> None:
    id_ = services.submit(AN, make_draft(), "")
    lend(services)
    directory.away = True
    with pytest.raises(Conflict, match="try again"):
        decide(services, EM, id_)
    approve(services, BINH, id_)
    assert services.request(AN, id_).summary.state == "approved"


def test_a_person_of_an_openid_provider_is_taken_at_the_word_of_their_last_sign_in(
    services: PortalServices, portal: PortalDatabase, directory: MovingDirectory
) -> None:
    with portal.touching() as connection:
        people.remember(connection, BINH, "oidc", NOW)
    directory.people = {}
    id_ = services.submit(AN, make_draft(), "")
    lend(services)
    decide(services, EM, id_)
    assert services.request(AN, id_).summary.state == "approved"


def test_a_delegation_is_never_wider_than_what_its_giver_has(services: PortalServices) -> None:
    ok = NewDelegation("em", "agency", TODAY, TODAY + WEEK)
    wrong = {
        "taker": [replace(ok, taker=one) for one in ("binh", "khach", "nobody", "")],
        "stage": [replace(ok, stage="city"), replace(ok, stage="all")],
        "first": [
            replace(ok, first=TODAY - dt.timedelta(days=1)),
            NewDelegation("em", "agency", dt.date.max, dt.date.max),
        ],
        "last": [replace(ok, last=TODAY - dt.timedelta(days=1)), replace(ok, last=dt.date(2027, 12, 31))],
    }
    for field, drafts in wrong.items():
        for one in drafts:
            with pytest.raises(InputRefused) as refused:
                services.delegate(BINH, one, "")
            assert [problem.field for problem in refused.value.problems] == [field]
    lend(services)
    for person in (AN, EM, DUNG, make_person("aud", Role.AUDITOR, Role.APPROVER)):
        with pytest.raises(NotAllowed):
            services.delegate(person, replace(ok, taker="an"), "")
    assert [one.id for one in services.delegations(BINH).colleagues] == ["an", "em"]
    assert services.delegations(EM).colleagues == ()


def test_who_asked_signs_for_nobody_and_a_delegate_not_for_who_asked(
    services: PortalServices, directory: MovingDirectory
) -> None:
    approver = replace(AN, roles=frozenset({Role.MEMBER, Role.APPROVER}))
    directory.people["an"] = approver
    own = services.submit(approver, make_draft(), "")
    lend(services, BINH, AN)
    lend(services, approver, EM)
    for person in (approver, EM):
        with pytest.raises(NotAllowed, match="never approve"):
            decide(services, person, own)
        assert services.to_decide(person).items == ()


def test_the_same_key_delegates_once(services: PortalServices) -> None:
    wanted = NewDelegation("em", "agency", TODAY, TODAY + WEEK)
    assert services.delegate(BINH, wanted, "k") == services.delegate(BINH, wanted, "k")
    assert len(services.delegations(BINH).items) == 1
    with pytest.raises(Conflict):
        services.delegate(BINH, replace(wanted, taker="an"), "k")


# Emergencies ----------------------------------------------------------------------------------------------


@pytest.fixture
def urgent(services: PortalServices) -> str:
    """An emergency that the city approved; the agency has to look back at it."""
    id_ = services.submit(AN, make_draft("secret-server", emergency=True), "")
    approve(services, CHI, id_)
    return id_


@pytest.fixture
def made(services: PortalServices, portal: PortalDatabase, urgent: str) -> Callable[[], Deployment]:
    """What it brought to life, as it is now."""
    book = WorkBook(portal)
    held = lease.acquire(portal, "agency/sotc", "w", now=NOW, lasts=dt.timedelta(minutes=1))
    assert held is not None
    one = book.begin(held, urgent, NOW).deployments[0]
    book.activate(held, one.id, {}, NOW)
    book.fulfill(held, urgent, NOW)

    def found() -> Deployment:
        with portal.reading() as connection:
            kept = deployments.find(connection, one.id)
        assert kept is not None
        return kept

    return found


def test_an_emergency_is_loud_and_waits_for_the_review_of_another_person(
    services: PortalServices, urgent: str
) -> None:
    assert services.request(AN, urgent).summary.state == "approved"
    told = [one.told.en for one in services.audit(DUNG, AuditFilter(action="request.")).items]
    assert all(one.startswith("EMERGENCY") for one in told)
    row = services.to_review(BINH).items[0]
    assert (row.id, row.waits_for.en) == (urgent, "The agency's approver")
    assert row.due is not None
    assert [one.id for one in services.to_review(CHI).items] == [urgent]
    assert (services.home(BINH).to_review, services.home(CHI).to_review) == (1, 0)
    assert services.request(BINH, urgent).may == {"review"}
    for person in (AN, CHI, EM):
        with pytest.raises(NotAllowed):
            services.review(person, urgent, "approve", "", "")
    with pytest.raises(NotFound):
        services.review(STRANGER, urgent, "approve", "", "")
    assert services.to_review(STRANGER).items == services.to_review(DUNG).items == ()


def test_a_justified_emergency_changes_nothing_and_is_looked_at_once(
    services: PortalServices, urgent: str, made: Callable[[], Deployment]
) -> None:
    before = made()
    services.review(BINH, urgent, "approve", "", "")
    assert made() == before
    assert services.to_review(BINH).items == ()
    assert services.request(AN, urgent).decisions[-1].stage == "agency_review"
    with pytest.raises(NotAllowed):
        services.review(BINH, urgent, "reject", "nghĩ lại", "")


def test_what_an_unjustified_emergency_made_ends_in_a_week_and_its_owner_reads_why(
    services: PortalServices, portal: PortalDatabase, urgent: str, made: Callable[[], Deployment],
    clock: Clock,
) -> None:  # fmt: skip
    with pytest.raises(InputRefused):
        services.review(BINH, urgent, "reject", " ", "")
    with pytest.raises(InputRefused):
        services.review(BINH, urgent, "return", "sửa", "")
    services.review(BINH, urgent, "reject", "Không có sự cố nào", "")
    end = TODAY + dt.timedelta(days=7)
    assert (made().expires, made().noticed) == (end, None)
    for person in (AN, BINH, CHI):
        page = services.deployment(person, made().id)
        assert "Không có sự cố nào" in page.note.vi
        assert "Binh" in page.note.en
        assert "renew" not in page.may
        with pytest.raises(Conflict):
            services.act(person, made().id, "renew", page.version, "")
    entries = {one.action: one for one in services.audit(DUNG, AuditFilter()).items}
    assert "Không có sự cố nào" in entries["deployment.curtail"].told.vi
    assert entries["request.review_reject"].told.en.startswith("EMERGENCY")
    site = make_site()
    for day in range(9):
        clock.now = NOW + dt.timedelta(days=day)
        take_due_steps(portal, site.ladder, clock(), TODAY + dt.timedelta(days=day), lambda _: True)
    assert made().state == DeploymentState.SUSPENDED


def test_a_legal_hold_keeps_its_end_until_it_is_taken_away(
    services: PortalServices, urgent: str, made: Callable[[], Deployment], clock: Clock
) -> None:
    before = made().expires
    services.act(CHI, made().id, "hold", made().version, "")
    services.review(BINH, urgent, "reject", "Không có sự cố nào", "")
    assert made().expires == before
    clock.forward(days=30)
    services.act(CHI, made().id, "unhold", made().version, "")
    assert made().expires == TODAY + dt.timedelta(days=37)


def test_what_is_still_to_be_made_by_it_ends_soon_as_well_and_is_not_tried_again(
    services: PortalServices, portal: PortalDatabase, urgent: str
) -> None:
    services.review(BINH, urgent, "reject", "Không có sự cố nào", "")
    book = WorkBook(portal)
    held = lease.acquire(portal, "agency/sotc", "w", now=NOW, lasts=dt.timedelta(minutes=1))
    assert held is not None
    work = book.begin(held, urgent, NOW)
    assert [one.expires for one in work.deployments] == [TODAY + dt.timedelta(days=7)]
    book.failed(held, urgent, WHY, NOW)
    for one in work.deployments:
        book.gone(held, one.id, NOW)
    book.fail(held, urgent, WHY, NOW)
    page = services.request(AN, urgent)
    assert page.may == {"withdraw"}
    with pytest.raises(NotAllowed, match="not justified"):
        services.retry(AN, urgent, page.version, "")


def test_a_delegate_reviews_in_the_place_of_another_but_not_of_who_approved(
    services: PortalServices, urgent: str
) -> None:
    lend(services, CHI, GIANG, "city")
    with pytest.raises(NotAllowed):
        services.review(GIANG, urgent, "approve", "", "")
    lend(services)
    services.review(EM, urgent, "approve", "đã xem", "")
    assert services.to_review(BINH).items == ()


# Notices --------------------------------------------------------------------------------------------------


def test_a_person_reads_their_own_notices_page_by_page_and_nobody_elses(services: PortalServices) -> None:
    for _ in range(3):
        services.submit(AN, make_draft(), "")
    first = services.notices(BINH, limit=2)
    rest = services.notices(BINH, after=first.next, limit=2)
    assert (len(first.items), len(rest.items), rest.next) == (2, 1, "")
    one = first.items[0]
    assert one.place.startswith("/approvals/")
    assert services.home(BINH).unread == 3
    services.read_notices(AN, [one.id])
    with pytest.raises(NotFound):
        services.open_notice(AN, one.id)
    assert services.home(BINH).unread == 3
    assert services.open_notice(BINH, one.id) == one.place
    assert len(services.notices(BINH, unread=True).items) == services.home(BINH).unread == 2
    services.read_notices(BINH, None)
    assert services.home(BINH).unread == 0
    assert services.notices(AN).items == ()


def test_a_revoked_delegation_brings_no_more_notices(services: PortalServices) -> None:
    delegation = lend(services)
    services.submit(AN, make_draft(), "")
    assert services.home(EM).unread == 1
    services.revoke_delegation(BINH, delegation, "")
    services.submit(AN, make_draft(), "")
    assert services.home(EM).unread == 1


def test_the_language_of_mails_is_the_one_that_was_chosen(
    services: PortalServices, portal: PortalDatabase
) -> None:
    services.choose_language(AN, "en")
    with portal.reading() as connection:
        found = people.find(connection, "an")
    assert found is not None
    assert found.language == "en"

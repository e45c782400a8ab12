"""An agency leaves the portal, on both databases: first nobody comes in, then all of it ends, once."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from infra.domain.approval import Delegation, Stage
from infra.domain.deployment import DeploymentState, Ladder
from infra.domain.estate import AgencyClosed, Estate, HeldByLaw
from infra.domain.quota import NO_QUOTA
from infra.domain.rebuild import RebuildState
from infra.domain.request import RequestState
from infra.domain.session import Scope, Token
from infra.portal.interface import AuditFilter, Conflict
from infra.portal.service.account import take_in
from infra.portal.service.services import PortalServices
from infra.store import change as changes
from infra.store import closure, delegation, lease, reservation
from infra.store import deployment as deployments
from infra.store import person as people
from infra.store import rebuild as rebuilds
from infra.store import snapshot as snapshots
from infra.store.closed import CLOSURE
from infra.store.closure import AgencyAtWork
from infra.store.expiry import take_due_steps
from infra.store.lease import Lease, LeaseLost
from infra.store.portal_database import PortalDatabase
from infra.store.session import SessionStore
from infra.store.work import WorkBook
from tests.functional.store.city import (
    AGENCIES,
    AN,
    BINH,
    CHI,
    DUNG,
    LIMIT,
    NOW,
    STRANGER,
    Clock,
    make_change,
    make_draft,
)
from tests.functional.store.test_portal_request import approve
from tests.functional.store.test_portal_work import MINUTE, book, live, stored
from tests.functional.store.test_session import SESSION

__all__ = ["book"]
OTHER = replace(SESSION, digest="e" * 64, person=STRANGER)
TOKEN = Token(
    "t", "f" * 64, "ci", AN, "keystone", frozenset(Scope), NOW, NOW + timedelta(days=30), NOW
)  # fmt: skip
GONE = Estate(closed=True)


@pytest.fixture
def worker(portal: PortalDatabase) -> Lease:
    """Of a worker that has work for the agency."""
    found = lease.acquire(portal, lease.of_agency("sotc"), "w1:7", now=NOW, lasts=MINUTE)
    assert found is not None
    return found


@pytest.fixture
def furnished(services: PortalServices, portal: PortalDatabase, book: WorkBook, worker: Lease) -> None:
    """The agency has something of everything, another a session and a request. No worker is at work."""
    live(services, book, worker, 2)
    returned = services.submit(AN, make_draft(), "")
    services.decide(BINH, returned, "return", "Thiếu số hồ sơ", 1, "")
    services.submit(AN, make_draft(), "")
    begun = services.submit(AN, make_draft(), "")
    approve(services, BINH, begun)
    book.begin(worker, begun, NOW)
    lease.give_back(portal, worker, now=NOW)
    services.submit(STRANGER, make_draft(), "")
    store = SessionStore(portal)
    for session in (replace(SESSION, person=AN), OTHER):
        store.add_session(session)
    store.add_token(TOKEN)
    given = Delegation("binh", "Binh", "em", "sotc", Stage.AGENCY, NOW, NOW + timedelta(days=9))
    with portal.writing() as tx:
        delegation.insert(tx, given, NOW)
        delegation.insert(tx, replace(given, agency="sonv", giver="son"), NOW)


def actions(services: PortalServices) -> list[str]:
    return [one.action for one in services.audit(DUNG, AuditFilter(agency="sotc"), limit=200).items]


@pytest.mark.usefixtures("furnished")
def test_what_there_is_is_counted_and_reading_changes_nothing(
    services: PortalServices, portal: PortalDatabase
) -> None:
    before = actions(services)
    found = closure.read(portal, "sotc", NOW)
    assert found == Estate(
        requests=3, deployments=3, delegations=1, tokens=1, sessions=1, people=1, accounts=1
    )
    assert closure.read(portal, "sotc", NOW) == found
    assert actions(services) == before


@pytest.mark.usefixtures("furnished")
def test_of_a_closed_agency_nobody_comes_in_and_nothing_is_asked_signed_or_worked_on(
    services: PortalServices, portal: PortalDatabase
) -> None:
    store = SessionStore(portal)
    waiting = services.requests(AN, state="submitted").items[0].id
    assert closure.close(portal, "sotc", NOW).sessions == 1
    assert (store.session(SESSION.digest), store.token(TOKEN.digest)) == (None, None)
    assert store.session(OTHER.digest) is not None
    with pytest.raises(AgencyClosed):
        store.add_session(SESSION)
    for act in (
        lambda: services.submit(AN, make_draft(), ""),
        lambda: approve(services, BINH, waiting),
        lambda: services.withdraw(AN, waiting, 1, ""),
    ):
        with pytest.raises(Conflict, match="leaving the city's cloud"):
            act()
    assert lease.acquire(portal, lease.of_agency("sotc"), "w2:8", now=NOW, lasts=MINUTE) is None
    services.submit(STRANGER, make_draft(), "")
    left = closure.read(portal, "sotc", NOW)
    assert (left.closed, left.requests, left.deployments, left.tokens) == (True, 3, 3, 0)


@pytest.mark.usefixtures("furnished")
def test_a_session_or_token_that_was_made_at_the_very_moment_opens_nothing(portal: PortalDatabase) -> None:
    store = SessionStore(portal)
    closure.close(portal, "sotc", NOW)
    store.add_token(replace(TOKEN, id="late", digest="0" * 64))
    assert store.token("0" * 64) is None
    assert closure.read(portal, "sotc", NOW).tokens == 1
    closure.end(portal, "sotc", NOW)
    assert closure.read(portal, "sotc", NOW) == GONE


@pytest.mark.usefixtures("furnished")
def test_all_of_it_ends_with_a_record_of_each_and_asked_again_nothing_changes(
    services: PortalServices, portal: PortalDatabase
) -> None:
    before = closure.read(portal, "sotc", NOW)
    assert closure.end(portal, "sotc", NOW) == before
    assert closure.read(portal, "sotc", NOW) == GONE
    told = actions(services)
    assert [told.count(one) for one in ("agency.close", "agency.end", "request.withdraw")] == [1, 1, 3]
    assert told.count("deployment.gone") == 3
    assert closure.end(portal, "sotc", NOW) == GONE
    assert closure.close(portal, "sotc", NOW) == GONE
    assert actions(services) == told
    assert isinstance(portal.verify(), int)
    with portal.reading() as connection:
        account = reservation.account(connection, "sotc")
        others = reservation.account(connection, "sonv")
    assert (account.limit, account.used, account.held) == (NO_QUOTA, NO_QUOTA, NO_QUOTA)
    assert others.limit == LIMIT
    assert closure.read(portal, "sonv", NOW).counts == {
        "requests": 1, "delegations": 1, "sessions": 1, "people": 1, "accounts": 1,
    }  # fmt: skip


@pytest.mark.usefixtures("furnished")
def test_requests_end_withdrawn_with_the_reason_in_both_languages(
    services: PortalServices, portal: PortalDatabase
) -> None:
    closure.end(portal, "sotc", NOW)
    found = services.requests(CHI, agency="sotc").items
    assert {one.state for one in found} == {RequestState.WITHDRAWN, RequestState.FULFILLED}
    reasons = {services.request(CHI, one.id).failure for one in found if one.state == RequestState.WITHDRAWN}
    assert reasons == {closure.WHY}


def test_a_deployment_is_retired_from_every_state_and_gives_its_quota_back(
    services: PortalServices, portal: PortalDatabase, book: WorkBook, worker: Lease
) -> None:
    made = live(services, book, worker, 5)
    states = [state for state in DeploymentState if state != DeploymentState.RETIRED]
    with portal.writing() as tx:
        for one, state in zip(made, states, strict=False):
            found = deployments.find(tx.connection, one.id)
            assert found is not None
            deployments.save(tx, replace(found, state=state), found.version)
    lease.give_back(portal, worker, now=NOW)
    closure.end(portal, "sotc", NOW)
    assert {stored(portal, one.id).state for one in made} == {DeploymentState.RETIRED}


def test_what_is_under_way_with_a_deployment_ends_with_it(
    services: PortalServices, portal: PortalDatabase, book: WorkBook, worker: Lease
) -> None:
    (one,) = live(services, book, worker)
    lease.give_back(portal, worker, now=NOW)
    services.submit(AN, make_change(services.deployment(AN, one.id), disk="9"), "")
    with portal.writing() as tx:
        snapshots.insert(tx, one.id, "before", "An", NOW)
        rebuilds.insert(tx, one.id, "", NOW)
    closure.end(portal, "sotc", NOW)
    assert closure.read(portal, "sotc", NOW).counts == {}
    with portal.reading() as connection:
        assert changes.running(connection, one.id) is None
        assert snapshots.of_deployment(connection, one.id) == ()
        rebuild = rebuilds.last(connection, one.id)
        held = reservation.account(connection, "sotc").held
    assert rebuild is not None
    assert (rebuild.state, rebuild.note, held) == (RebuildState.FAILED, closure.WHY, NO_QUOTA)


@pytest.mark.usefixtures("furnished")
def test_a_worker_that_is_at_work_is_named_and_one_that_slept_past_its_lease_is_fenced_off(
    services: PortalServices, portal: PortalDatabase, book: WorkBook
) -> None:
    at_work = lease.acquire(portal, lease.of_agency("sotc"), "w2:8", now=NOW, lasts=MINUTE)
    assert at_work is not None
    told = actions(services)
    for act in (closure.close, closure.end):
        with pytest.raises(AgencyAtWork, match="the worker w2:8 is at work for sotc"):
            act(portal, "sotc", NOW)
    assert actions(services) == told
    assert not closure.read(portal, "sotc", NOW).closed
    closure.close(portal, "sotc", NOW + 2 * MINUTE)
    begun = services.requests(CHI, state="approved").items[0].id
    with pytest.raises(LeaseLost):
        book.fulfill(at_work, begun, NOW + 2 * MINUTE)
    with pytest.raises(LeaseLost):
        lease.renew(portal, at_work, now=NOW + 2 * MINUTE, lasts=MINUTE)


@pytest.mark.usefixtures("furnished")
def test_a_legal_hold_is_named_and_nothing_is_closed(
    services: PortalServices, portal: PortalDatabase
) -> None:
    with portal.writing() as tx:
        held = deployments.find(tx.connection, services.deployments(AN).items[0].id)
        assert held is not None
        deployments.save(tx, replace(held, legal_hold=True), held.version)
    assert closure.read(portal, "sotc", NOW).on_hold == (held.name,)
    for act in (closure.close, closure.end):
        with pytest.raises(HeldByLaw, match=held.name):
            act(portal, "sotc", NOW)
    assert not closure.read(portal, "sotc", NOW).closed


@pytest.mark.usefixtures("furnished")
def test_one_that_is_reopened_goes_on_where_it_was(services: PortalServices, portal: PortalDatabase) -> None:
    closure.close(portal, "sotc", NOW)
    assert closure.reopen(portal, "sotc", NOW)
    assert not closure.reopen(portal, "sotc", NOW)
    assert actions(services).count("agency.reopen") == 1
    SessionStore(portal).add_session(SESSION)
    approve(services, BINH, services.requests(AN, state="submitted").items[0].id)
    assert lease.acquire(portal, lease.of_agency("sotc"), "w2:8", now=NOW, lasts=MINUTE) is not None
    assert closure.read(portal, "sotc", NOW).deployments == 3


@pytest.mark.usefixtures("furnished")
def test_a_start_of_the_portal_opens_no_account_of_a_closed_agency(portal: PortalDatabase) -> None:
    closure.end(portal, "sotc", NOW)
    take_in(portal, AGENCIES.values(), (), NOW)
    assert closure.read(portal, "sotc", NOW) == GONE
    closure.reopen(portal, "sotc", NOW)
    assert "sotc" in take_in(portal, AGENCIES.values(), (), NOW)
    assert closure.read(portal, "sotc", NOW).counts == {"accounts": 1}


@pytest.mark.usefixtures("furnished")
def test_nothing_of_a_closed_agency_is_stopped_or_archived_when_its_time_comes(
    services: PortalServices, portal: PortalDatabase, clock: Clock
) -> None:
    with portal.writing() as tx:
        one = deployments.find(tx.connection, services.deployments(AN).items[-1].id)
        assert one is not None
        tomorrow = NOW.date() + timedelta(days=1)
        deployments.save(tx, replace(one, state=DeploymentState.ACTIVE, expires=tomorrow), one.version)

    def due() -> int:
        return len(take_due_steps(portal, Ladder(), clock(), clock().date(), lambda _: True))

    closure.close(portal, "sotc", NOW)
    assert due() == 0
    closure.reopen(portal, "sotc", NOW)
    assert due() == 1


def test_of_many_that_ask_at_once_nothing_is_left_over(
    services: PortalServices, portal: PortalDatabase
) -> None:
    """People ask while it is closed: each either came before, and is ended, or is refused."""
    start, refused = threading.Barrier(9), []

    def ask(number: int) -> None:
        start.wait()
        try:
            services.submit(AN, make_draft(), f"key-{number}")
        except Conflict:
            refused.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for one in threads:
        one.start()
    start.wait()
    ended = closure.end(portal, "sotc", NOW).requests
    for one in threads:
        one.join()
    assert ended + len(refused) == 8
    assert closure.read(portal, "sotc", NOW).counts == {}


@pytest.mark.usefixtures("furnished")
def test_people_of_it_are_told_nothing_any_more(portal: PortalDatabase) -> None:
    closure.end(portal, "sotc", NOW)
    with portal.reading() as connection:
        assert people.everybody(connection, ["sotc"]) == ()
        assert lease.held(connection, NOW)[lease.of_agency("sotc")] == CLOSURE

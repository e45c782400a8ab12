"""Workers and the ends of deployments on real databases: leases fence, steps repeat without doubling, quota
stands with each thing exactly as long as it does, and expiry goes by a clock that tests move.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from infra.domain.deployment import Deployment, DeploymentState, Ladder, StepKind
from infra.domain.flavor import Flavor
from infra.domain.person import Role
from infra.domain.quota import LANDING_ZONE_USAGE, Quota
from infra.domain.reservation import QuotaExceeded
from infra.domain.server import ServerSpec
from infra.domain.step import StepState
from infra.domain.words import Words
from infra.portal.interface import AuditFilter, Conflict, NotAllowed, NotFound
from infra.portal.service.account import take_in
from infra.portal.service.services import PortalServices
from infra.store import deployment as deployments
from infra.store import journal, lease, reservation
from infra.store.expiry import take_due_steps
from infra.store.lease import Lease, LeaseLost
from infra.store.portal_database import PortalDatabase
from infra.store.work import WorkBook

from .city import AGENCIES, AN, BASE, BINH, CHI, DUNG, LIMIT, NOW, STRANGER, Clock, make_draft, make_person
from .test_portal_request import approve, total

MINUTE = dt.timedelta(minutes=1)
WHY = Words("hết chỗ", "no room")


@pytest.fixture
def book(portal: PortalDatabase) -> WorkBook:
    return WorkBook(portal)


@pytest.fixture
def held(portal: PortalDatabase) -> Lease:
    found = lease.acquire(portal, "agency/sotc", "worker-1", now=NOW, lasts=MINUTE)
    assert found is not None
    return found


def approved(services: PortalServices, count: int = 2) -> str:
    id_ = services.submit(AN, make_draft(count=count), "")
    approve(services, BINH, id_)
    return id_


def live(services: PortalServices, book: WorkBook, held: Lease, count: int = 1) -> list[Deployment]:
    """Deployments that are active, by a request that is fulfilled."""
    id_ = approved(services, count)
    work = book.begin(held, id_, NOW)
    for one in work.deployments:
        book.activate(
            held, one.id, {"address": "192.0.2.7", "user": "debian", "ssh": "ssh debian@192.0.2.7"}, NOW
        )
    book.fulfill(held, id_, NOW)
    return list(work.deployments)


def stored(portal: PortalDatabase, id_: str) -> Deployment:
    with portal.reading() as connection:
        found = deployments.find(connection, id_)
    assert found is not None
    return found


def test_an_approved_request_becomes_deployments_and_takes_its_quota_once(
    services: PortalServices, portal: PortalDatabase, book: WorkBook, held: Lease
) -> None:
    id_ = approved(services)
    assert book.waiting() == (("sotc", id_),)
    first = book.begin(held, id_, NOW)
    assert book.begin(held, id_, NOW) == first
    assert [one.name for one in first.deployments] == ["plain-server-1-1", "plain-server-1-2"]
    assert first.deployments[0].values == {"size": "small", "public": "false", "disk": ""}
    with pytest.raises(LookupError, match="not whole"):
        book.fulfill(held, id_, NOW)
    for one in first.deployments:
        for _ in range(2):
            book.activate(held, one.id, {"address": "192.0.2.7"}, NOW)
    for _ in range(2):
        book.fulfill(held, id_, NOW)
    assert services.request(AN, id_).summary.state == "fulfilled"
    assert book.waiting() == ()
    assert total(portal).instances == 2
    told = [one.action for one in services.audit(DUNG, AuditFilter(), limit=100).items]
    assert sorted(told) == sorted(
        ["request.submit", "request.approve", "request.begin", "request.fulfill"]
        + ["deployment.activate"] * 2
    )
    assert portal.verify() == 6


def test_quota_is_checked_a_last_time_when_it_is_made(
    services: PortalServices, portal: PortalDatabase, book: WorkBook, held: Lease
) -> None:
    id_ = approved(services)
    with portal.writing() as tx:
        reservation.set_account(tx, "sotc", LIMIT, replace(BASE, instances=9), NOW)
    with pytest.raises(QuotaExceeded, match="servers: 11 of 10"):
        book.begin(held, id_, NOW)


def test_a_request_that_fails_is_taken_back_whole_and_can_be_tried_again(
    services: PortalServices, portal: PortalDatabase, book: WorkBook, held: Lease
) -> None:
    id_ = approved(services)
    work = book.begin(held, id_, NOW)
    book.activate(held, work.deployments[0].id, {}, NOW)
    book.failed(held, id_, WHY, NOW)
    with pytest.raises(LookupError, match="take it back first"):
        book.fail(held, id_, WHY, NOW)
    assert total(portal).instances == 2
    for one in work.deployments:
        for _ in range(2):
            book.gone(held, one.id, NOW)
    for _ in range(2):
        book.fail(held, id_, WHY, NOW)
    shown = services.request(AN, id_)
    assert (shown.summary.state, shown.failure, shown.may) == ("failed", WHY, {"withdraw", "retry"})
    assert total(portal) == BASE
    with pytest.raises(NotFound):
        services.retry(STRANGER, id_, shown.version, "")
    with pytest.raises(NotAllowed):
        services.retry(make_person("em", Role.MEMBER), id_, shown.version, "")
    services.retry(CHI, id_, shown.version, "")
    assert total(portal).instances == 2
    again = book.begin(held, id_, NOW)
    assert [one.name for one in again.deployments] == ["plain-server-1-1-2", "plain-server-1-2-2"]
    assert services.request(AN, id_).failure == Words("", "")


def test_a_worker_that_slept_past_its_lease_writes_nothing_any_more(
    services: PortalServices, portal: PortalDatabase, book: WorkBook, held: Lease
) -> None:
    id_ = approved(services)
    work = book.begin(held, id_, NOW)
    assert lease.acquire(portal, held.name, "worker-2", now=NOW, lasts=MINUTE) is None
    later = NOW + 2 * MINUTE
    other = lease.acquire(portal, held.name, "worker-2", now=later, lasts=MINUTE)
    assert other is not None
    assert other.token > held.token
    one = work.deployments[0]
    calls: list[Callable[[], object]] = [
        lambda: book.begin(held, id_, later),
        lambda: book.activate(held, one.id, {}, later),
        lambda: book.fulfill(held, id_, later),
        lambda: book.failed(held, id_, WHY, later),
        lambda: book.gone(held, one.id, later),
        lambda: book.fail(held, id_, WHY, later),
        lambda: lease.renew(portal, held, now=later, lasts=MINUTE),
    ]
    before = portal.verify()
    for call in calls:
        with pytest.raises(LeaseLost, match="another worker"):
            call()
    assert portal.verify() == before
    lease.give_back(portal, held, now=later)
    book.activate(other, one.id, {}, later)


def test_a_lease_is_made_longer_given_back_and_then_anothers(portal: PortalDatabase, held: Lease) -> None:
    lease.renew(portal, held, now=NOW + MINUTE, lasts=MINUTE)
    assert lease.acquire(portal, held.name, "worker-1", now=NOW, lasts=MINUTE) == held
    lease.give_back(portal, held, now=NOW)
    other = lease.acquire(portal, held.name, "worker-2", now=NOW, lasts=MINUTE)
    assert other == Lease(held.name, "worker-2", held.token + 1)


def test_of_many_workers_at_once_one_gets_the_lease(portal: PortalDatabase) -> None:
    def acquire(number: int) -> Lease | None:
        return lease.acquire(portal, "agency/new", f"worker-{number}", now=NOW, lasts=MINUTE)

    with ThreadPoolExecutor(20) as pool:
        found = [one for one in pool.map(acquire, range(20)) if one is not None]
    assert [one.token for one in found] == [1]


def test_a_step_is_in_the_journal_before_it_ends(
    services: PortalServices, portal: PortalDatabase, held: Lease
) -> None:
    id_ = approved(services)
    with portal.writing() as tx:
        place = journal.begin(tx, held, id_, name="prepare", now=NOW)
    shown = next(one for one in services.request(AN, id_).steps if one.name == "prepare")
    assert (shown.state, shown.started, shown.ended) == (StepState.RUNNING, NOW, None)
    with portal.writing() as tx:
        journal.end(tx, held, id_, place, state=StepState.FAILED, now=NOW + MINUTE, note=WHY)
    shown = next(one for one in services.request(AN, id_).steps if one.name == "prepare")
    assert (shown.state, shown.note, shown.ended) == (StepState.FAILED, WHY, NOW + MINUTE)
    with portal.writing() as tx:
        assert journal.begin(tx, held, id_, name="prepare", now=NOW, anew=True) == 0
        assert journal.begin(tx, held, id_, name="create", now=NOW) == 1
    with portal.reading() as connection:
        assert [(one.attempt, one.name) for one in journal.steps(connection, id_)] == [
            (2, "prepare"), (2, "create"),
        ]  # fmt: skip


def test_the_ladder_goes_step_by_step_on_a_clock_that_is_moved(
    services: PortalServices, portal: PortalDatabase, book: WorkBook, held: Lease, clock: Clock
) -> None:
    one = live(services, book, held)[0]
    assert one.expires is not None
    taken: list[tuple[int, StepKind, int]] = []
    archives = []

    def archive(found: Deployment) -> bool:
        archives.append(found.id)
        return len(archives) > 1  # the cloud fails once

    for day in range(-40, 130):
        today = one.expires + dt.timedelta(days=day)
        steps = take_due_steps(portal, Ladder(), clock(), today, archive)
        taken += [(day, step.step.kind, step.step.days_left) for step in steps]
    assert taken == [
        (-30, StepKind.NOTICE, 30), (-14, StepKind.NOTICE, 14), (-7, StepKind.NOTICE, 7),
        (-1, StepKind.NOTICE, 1), (1, StepKind.SUSPEND, -1), (16, StepKind.ARCHIVE, 0),
        (106, StepKind.RETIRE, 0),
    ]  # fmt: skip
    assert stored(portal, one.id).state == DeploymentState.RETIRING
    assert total(portal).instances == 1
    book.gone(held, one.id, NOW)
    assert total(portal) == BASE


def test_what_nobody_looked_at_for_months_is_told_before_it_is_stopped(
    services: PortalServices, portal: PortalDatabase, book: WorkBook, held: Lease
) -> None:
    one = live(services, book, held)[0]
    assert one.expires is not None
    late = one.expires + dt.timedelta(days=60)
    for _ in range(3):
        steps = take_due_steps(portal, Ladder(), NOW, late, lambda _: True)
        assert [step.step.kind for step in steps] in ([StepKind.NOTICE], [])
    assert stored(portal, one.id).state == DeploymentState.ACTIVE
    steps = take_due_steps(portal, Ladder(), NOW, late + dt.timedelta(days=1), lambda _: True)
    assert [step.step.kind for step in steps] == [StepKind.SUSPEND]


def test_a_legal_hold_keeps_what_it_is_on(
    services: PortalServices, portal: PortalDatabase, book: WorkBook, held: Lease
) -> None:
    one = live(services, book, held)[0]
    assert one.expires is not None
    version = services.deployment(CHI, one.id).version
    with pytest.raises(NotAllowed):
        services.act(STRANGER_MEMBER, one.id, "hold", version, "")
    with pytest.raises(NotAllowed):
        services.act(BINH, one.id, "hold", version, "")
    services.act(CHI, one.id, "hold", version, "")
    assert "retire" not in services.deployment(AN, one.id).may
    for day in range(-1, 400):
        take_due_steps(portal, Ladder(), NOW, one.expires + dt.timedelta(days=day), lambda _: True)
    assert stored(portal, one.id).state == DeploymentState.SUSPENDED
    assert stored(portal, one.id).archived is None


STRANGER_MEMBER = make_person("em", Role.MEMBER)
"""Of the same agency, but no owner."""


def test_a_renewal_is_possible_from_the_first_notice_on_and_begins_the_ladder_anew(
    services: PortalServices, portal: PortalDatabase, book: WorkBook, held: Lease, clock: Clock
) -> None:
    one = live(services, book, held)[0]
    assert one.expires is not None
    assert "renew" not in services.deployment(AN, one.id).may
    clock.now = dt.datetime.combine(one.expires - dt.timedelta(days=5), dt.time(3), dt.UTC)
    today = one.expires - dt.timedelta(days=5)
    take_due_steps(portal, Ladder(), clock(), today, lambda _: True)
    shown = services.deployment(AN, one.id)
    assert "renew" in shown.may
    services.act(AN, one.id, "renew", shown.version, "")
    after = stored(portal, one.id)
    assert (after.expires, after.noticed) == (today + dt.timedelta(days=365), None)
    assert take_due_steps(portal, Ladder(), clock(), today, lambda _: True) == ()
    end = after.expires
    assert end is not None
    for day in (0, 1, 2):
        take_due_steps(portal, Ladder(), clock(), end + dt.timedelta(days=day), lambda _: True)
    assert stored(portal, one.id).state == DeploymentState.SUSPENDED
    clock.forward(days=368)
    shown = services.deployment(BINH, one.id)
    services.act(BINH, one.id, "renew", shown.version, "")
    assert stored(portal, one.id).state == DeploymentState.ACTIVE


def test_people_see_and_do_with_deployments_what_their_roles_allow(
    services: PortalServices, book: WorkBook, held: Lease
) -> None:
    one = live(services, book, held)[0]
    shown = services.deployment(AN, one.id)
    assert shown.summary.address == "192.0.2.7"
    assert shown.connect == ((Words("Kết nối SSH", "Connect by SSH"), "ssh debian@192.0.2.7"),)
    assert shown.may == {"stop", "reboot", "retire", "transfer", "change"}
    assert services.deployment(DUNG, one.id).may == frozenset()
    assert services.deployment(STRANGER_MEMBER, one.id).may == frozenset()
    assert services.deployments(STRANGER).items == ()
    for call in (
        lambda: services.deployment(STRANGER, one.id),
        lambda: services.act(STRANGER, one.id, "stop", shown.version, ""),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            call()
    for person in (DUNG, STRANGER_MEMBER):
        with pytest.raises(NotAllowed):
            services.act(person, one.id, "stop", shown.version, "")
    services.act(AN, one.id, "stop", shown.version, "k")
    services.act(AN, one.id, "stop", shown.version, "k")
    with pytest.raises(Conflict):
        services.act(AN, one.id, "start", shown.version, "")
    assert services.deployment(AN, one.id).may == {"start", "retire", "transfer"}
    with pytest.raises(NotFound, match="no such action"):
        services.act(AN, one.id, "explode", shown.version, "")
    told = [event.en for _, event in services.deployment(AN, one.id).events]
    assert told == ["Stopped: plain-server-1-1", "plain-server-1-1 is ready"]


def test_deployments_are_listed_page_by_page_and_counted_at_home(
    services: PortalServices, book: WorkBook, held: Lease
) -> None:
    made = live(services, book, held, 5)
    seen: list[str] = []
    after = ""
    while True:
        page = services.deployments(CHI, after=after, limit=2)
        seen += [one.id for one in page.items]
        after = page.next
        if not after:
            break
    assert sorted(seen) == sorted(one.id for one in made)
    home = services.home(BINH)
    assert (home.open_requests, home.to_decide, home.deployments) == (0, 0, 5)
    assert services.home(STRANGER).deployments == 0


def test_the_inventorys_accounts_are_taken_in_once(portal: PortalDatabase) -> None:
    small = Flavor("small", 1, 512, 2)
    server = ServerSpec("web", "small", "debian", floating_ip=True)
    agencies = [replace(one, servers=(server,)) for one in AGENCIES.values()]
    assert take_in(portal, agencies, [small], NOW) == ("sotc", "sonv")
    assert take_in(portal, agencies, [small], NOW) == ()
    assert total(portal) == LANDING_ZONE_USAGE + Quota(
        instances=1, cores=1, ram_mib=512, floating_ips=1, ports=1
    )
    changed = [replace(agencies[0], quota=LIMIT * 2), agencies[1]]
    assert take_in(portal, changed, [small], NOW) == ("sotc",)
    assert portal.verify() == 3


def test_nothing_is_given_back_before_all_of_its_request_is_made(
    services: PortalServices, book: WorkBook, held: Lease
) -> None:
    id_ = approved(services)
    first, second = book.begin(held, id_, NOW).deployments
    book.activate(held, first.id, {}, NOW)
    for person in (AN, BINH, CHI):
        shown = services.deployment(person, first.id)
        assert "retire" not in shown.may
        with pytest.raises(Conflict):
            services.act(person, first.id, "retire", shown.version, "")
    book.activate(held, second.id, {}, NOW)
    book.fulfill(held, id_, NOW)
    shown = services.deployment(AN, first.id)
    services.act(AN, first.id, "retire", shown.version, "")
    assert services.request(AN, id_).summary.state == "fulfilled"

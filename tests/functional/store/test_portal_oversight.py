"""What operators, auditors and agencies see of the whole, on real databases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra.domain.deployment import DeploymentState
from infra.domain.person import Role
from infra.domain.step import StepState
from infra.portal.interface import Capacity, Component, NotAllowed, NotFound
from infra.portal.service.services import PortalServices
from infra.store import deployment as deployments
from infra.store import journal
from infra.store import person as people
from infra.store.lease import Lease
from infra.store.portal_database import PortalDatabase
from infra.store.work import WorkBook

from .city import AN, BINH, CHI, DUNG, NOBODY, NOW, STRANGER, Clock, make_draft, make_person, make_site, words
from .test_portal_request import approve
from .test_portal_work import MINUTE, WHY, approved, book, held, live

__all__ = ["book", "held"]


def test_each_sees_the_agencies_in_their_sight_with_what_they_hold(
    services: PortalServices, portal: PortalDatabase, book: WorkBook, held: Lease
) -> None:
    live(services, book, held, 2)
    services.submit(AN, make_draft(count=3), "")
    with portal.touching() as connection:
        for one in (AN, BINH, STRANGER):
            people.remember(connection, one, "keystone", NOW)
    for person in (CHI, DUNG):
        assert [one.code for one in services.agency_summaries(person)] == ["sotc", "sonv"]
    for person in (AN, BINH):
        (mine,) = services.agency_summaries(person)
        assert (mine.code, mine.deployments, mine.requests) == ("sotc", {"active": 2}, {"submitted": 1})
        lines = {one.resource: one for one in mine.quota}
        assert (lines["instances"].used, lines["instances"].reserved) == (2, 3)
        with pytest.raises(NotFound):
            services.agency(person, "sonv")
    found = services.agency(AN, "sotc")
    assert [(one.name, one.roles) for one in found.people] == [("An", ("member",)), ("Binh", ("approver",))]
    assert services.agency_summaries(NOBODY) == ()
    with pytest.raises(NotFound):
        services.agency(CHI, "nowhere")


def test_operations_tell_what_waits_what_runs_since_when_and_what_failed_why(
    services: PortalServices, portal: PortalDatabase, book: WorkBook, held: Lease, clock: Clock
) -> None:
    broken, running, waiting = (approved(services, 1) for _ in range(3))
    urgent = services.submit(AN, make_draft(emergency=True), "")
    approve(services, BINH, urgent)
    for one in book.begin(held, broken, NOW).deployments:
        book.failed(held, broken, WHY, NOW)
        book.gone(held, one.id, NOW)
    book.fail(held, broken, WHY, NOW)
    book.begin(held, running, NOW)
    began = clock() + MINUTE
    with portal.writing() as tx:
        journal.begin(tx, held, running, name="create", now=began)
    for person in (CHI, DUNG):
        seen = services.operations(person)
        assert [one.request.id for one in seen.queue] == [urgent, running, waiting]
        assert [one.running for one in seen.queue] == [False, True, False]
        assert (seen.queue[1].step.en, seen.queue[1].since) == ("Servers and networks are made", began)
        assert (seen.queue[2].step.en, seen.queue[2].since) == ("", NOW)
        assert [(one.request.id, one.why) for one in seen.failed] == [(broken, WHY)]
        assert [one.state for one in seen.changing] == ["provisioning"]
        assert seen.broken == ()
    for person in (AN, BINH, STRANGER, NOBODY):
        with pytest.raises(NotAllowed):
            services.operations(person)


def test_a_request_that_is_tried_again_waits_though_its_last_attempt_failed(
    services: PortalServices, portal: PortalDatabase, book: WorkBook, held: Lease
) -> None:
    id_ = approved(services, 1)
    work = book.begin(held, id_, NOW)
    with portal.writing() as tx:
        place = journal.begin(tx, held, id_, name="create", now=NOW)
        journal.end(tx, held, id_, place, state=StepState.FAILED, now=NOW + MINUTE)
    book.failed(held, id_, WHY, NOW)
    for one in work.deployments:
        book.gone(held, one.id, NOW)
    book.fail(held, id_, WHY, NOW)
    (lost,) = services.operations(CHI).failed
    assert (lost.running, lost.step.en, lost.since) == (False, "Servers and networks are made", NOW + MINUTE)
    services.retry(AN, id_, services.request(AN, id_).version, "")
    (again,) = services.operations(CHI).queue
    assert (again.running, again.step.en) == (False, "")


def test_room_is_told_for_each_server_that_can_be_asked_for_in_its_usual_size(
    portal: PortalDatabase, services: PortalServices, clock: Clock
) -> None:
    asked = []

    def capacity(request: object) -> Capacity:
        asked.append(request)
        return Capacity(7, 6, -1)

    part = Component(words("Servers"), "degraded")
    site = make_site(capacity=capacity, status=lambda: [part])
    seen = PortalServices(portal, site, clock).operations(CHI)
    assert [(one.item.en, one.fits, one.fits_n_1) for one in seen.room] == [
        ("Plain server", 7, 0), ("Secret server", 7, 0),
    ]  # fmt: skip
    assert [one.takes.cores for one in asked] == [1, 1]  # type: ignore[attr-defined]
    assert seen.components[1] == part
    unknown = services.operations(CHI).room[0]
    assert (unknown.fits, unknown.fits_n_1) == (None, None)


def test_more_than_a_page_waits_and_all_of_it_is_counted_and_listed(
    services: PortalServices, portal: PortalDatabase
) -> None:
    from infra.store import request as requests

    first = services.submit(AN, make_draft(), "")
    with portal.writing() as tx:
        known = requests.find(tx.connection, first)
        assert known is not None
        for number in range(2, 702):
            requests.insert(tx, replace(known, id=f"r{number}", number=number))
    assert services.home(BINH).to_decide == 701
    seen, after = [], ""
    while True:
        page = services.to_decide(BINH, after=after, limit=200)
        seen += [one.id for one in page.items]
        after = page.next
        if not after:
            break
    assert len(set(seen)) == len(seen) == 701
    assert services.home(CHI).to_decide == 0
    assert services.home(make_person("both", Role.APPROVER, Role.OPERATOR)).to_decide == 701


def test_what_failed_and_is_not_taken_back_yet_is_broken(
    services: PortalServices, portal: PortalDatabase, book: WorkBook, held: Lease
) -> None:
    one = live(services, book, held)[0]
    with portal.writing() as tx:
        kept = deployments.find(tx.connection, one.id)
        assert kept is not None
        deployments.save(tx, replace(kept, state=DeploymentState.FAILED), kept.version)
    assert [found.id for found in services.operations(CHI).broken] == [one.id]

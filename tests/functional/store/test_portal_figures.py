"""What monitoring counts in the portal's database, on real ones."""

from __future__ import annotations

import datetime as dt

from infra.domain.deployment import DeploymentState
from infra.domain.request import RequestState
from infra.domain.words import Words
from infra.portal.service.services import PortalServices
from infra.store import lease as leases
from infra.store import portal_figures
from infra.store.portal_database import PortalDatabase
from infra.store.portal_figures import PortalFigures
from infra.store.work import WorkBook

from .city import AN, BINH, NOW, Clock, make_draft
from .test_portal_request import approve

HOUR = dt.timedelta(hours=1)


def figures(portal: PortalDatabase, now: dt.datetime = NOW, *, mails: bool = True) -> PortalFigures:
    return portal_figures.read(portal, now, mails=mails)


def test_an_empty_portal_has_every_state_with_nothing_in_it(
    portal: PortalDatabase, services: PortalServices
) -> None:
    found = figures(portal)
    assert found.requests == dict.fromkeys(RequestState, 0)
    assert found.deployments == dict.fromkeys(DeploymentState, 0)
    assert (found.waiting_since, found.approved_since) == (None, None)
    assert (set(found.unmailed.counts.values()), found.unmailed.since) == ({0}, None)


def test_the_oldest_that_waits_is_told_by_when_it_was_handed_in_and_when_it_was_approved(
    portal: PortalDatabase, services: PortalServices, clock: Clock
) -> None:
    first = services.submit(AN, make_draft(), key="1")
    clock.forward(hours=1)
    services.submit(AN, make_draft(), key="2")
    assert figures(portal).waiting_since == NOW
    clock.forward(hours=1)
    approve(services, BINH, first)
    clock.forward(hours=1)
    found = figures(portal)
    assert found.requests["submitted"] == 1
    assert found.requests["approved"] == 1
    assert found.waiting_since == NOW + HOUR
    assert found.approved_since == NOW + 2 * HOUR


def test_a_request_that_is_tried_again_waits_since_then(
    portal: PortalDatabase, services: PortalServices, clock: Clock
) -> None:
    request = services.submit(AN, make_draft(), key="1")
    approve(services, BINH, request)
    lease = leases.acquire(portal, "agency:sotc", "worker", now=clock(), lasts=HOUR)
    assert lease is not None
    book = WorkBook(portal)
    book.fail(lease, request, Words("hỏng", "broken"), clock())
    assert figures(portal).approved_since is None
    clock.forward(hours=30)
    services.retry(AN, request, services.request(AN, request).version, key="again")
    assert figures(portal).approved_since == NOW + 30 * HOUR


def test_deployments_are_counted_by_state(
    portal: PortalDatabase, services: PortalServices, clock: Clock
) -> None:
    request = services.submit(AN, make_draft(count=2), key="1")
    approve(services, BINH, request)
    lease = leases.acquire(portal, "agency:sotc", "worker", now=clock(), lasts=HOUR)
    assert lease is not None
    WorkBook(portal).begin(lease, request, clock())
    found = figures(portal).deployments
    assert {state: count for state, count in found.items() if count} == {"provisioning": 2}

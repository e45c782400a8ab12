"""Asking to change what stands, on real databases: reserved, signed and refused as a request is."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
import sqlalchemy as sa

from infra.domain.approval import DOUBLE_FROM_LEVEL
from infra.domain.deployment import Ladder
from infra.domain.person import Role
from infra.domain.quota import NO_QUOTA, Quota
from infra.domain.reservation import QuotaExceeded
from infra.portal.interface import Conflict, Deployment, InputRefused, NotAllowed, NotFound
from infra.portal.service.services import PortalServices
from infra.store import change as changes
from infra.store import deployment as deployments
from infra.store import expiry, lease, reservation
from infra.store.change_work import ChangeBook
from infra.store.lease import Lease
from infra.store.portal_database import PortalDatabase
from infra.store.portal_schema import DEPLOYMENT_CHANGE
from infra.store.work import WorkBook

from .city import (
    AGENCIES,
    AN,
    BASE,
    BINH,
    CHI,
    DUNG,
    LIMIT,
    STRANGER,
    Clock,
    make_change,
    make_draft,
    make_person,
    make_site,
)
from .test_portal_request import approve

HOUR = dt.timedelta(hours=1)
OUTPUTS = {"server_id": "s", "address": "192.0.2.7"}


@pytest.fixture
def held(portal: PortalDatabase, clock: Clock) -> Lease:
    found = lease.acquire(portal, "agency/sotc", "w", now=clock(), lasts=HOUR)
    assert found is not None
    return found


@pytest.fixture
def one(services: PortalServices, portal: PortalDatabase, clock: Clock, held: Lease) -> str:
    """The id of a small server with a disk of 5 GiB that AN owns."""
    request = services.submit(AN, make_draft(values={"size": "small", "disk": "5"}), "")
    approve(services, BINH, request)
    book = WorkBook(portal)
    (made,) = book.begin(held, request, clock()).deployments
    book.activate(held, made.id, OUTPUTS, clock())
    book.fulfill(held, request, clock())
    return made.id


def shown(services: PortalServices, one: str) -> Deployment:
    return services.deployment(AN, one)


def holds(portal: PortalDatabase) -> Quota:
    with portal.reading() as connection:
        return reservation.account(connection, "sotc").held


def used(portal: PortalDatabase) -> Quota:
    with portal.reading() as connection:
        return reservation.account(connection, "sotc").used - BASE


def test_a_change_reserves_what_it_takes_more_and_not_what_stands(
    services: PortalServices, portal: PortalDatabase, one: str
) -> None:
    before = used(portal)
    request = services.submit(AN, make_change(shown(services, one), size="large", disk="9"), "")
    assert holds(portal) == Quota(cores=3, ram_mib=3584, gigabytes=4)
    assert used(portal) == before
    found = services.request(AN, request)
    (item,) = found.items
    assert item.deployment == shown(services, one).summary.name
    assert [(label.en, old.en, new.en) for label, old, new in item.changes] == [
        ("Size", "Small", "Large"), ("Disk", "5 GiB", "9 GiB"),
    ]  # fmt: skip
    assert found.summary.title.en == f"Change of {item.deployment}"
    assert found.deployments == (one,)
    services.withdraw(AN, request, found.version, "")
    assert holds(portal) == NO_QUOTA


def test_the_approver_sees_what_is_more_and_what_is_less(services: PortalServices, one: str) -> None:
    draft = make_change(shown(services, one), size="large", public="true")
    preview = services.preview(AN, draft)
    assert preview.change
    assert preview.problems == ()
    request = services.submit(AN, draft, "")
    facts = services.facts(BINH, request)
    assert facts.change
    for lines in (preview.quota, facts.quota):
        takes = {one.resource: one.takes for one in lines}
        assert (takes["cores"], takes["instances"], takes["floating_ips"]) == (3, 0, 1)
    assert facts.vnd_month == preview.vnd_month == 3 * 100_000 + 50_000 * 3584 // 1024 + 30_000


def test_taking_something_away_costs_less(
    services: PortalServices, portal: PortalDatabase, clock: Clock, held: Lease, one: str
) -> None:
    public = services.change_deployment(AN, one, {"public": "true"}, shown(services, one).version, "")
    book = ChangeBook(portal)
    book.begin(held, public, clock())
    book.settle(held, public, OUTPUTS, clock())
    draft = make_change(shown(services, one), public="false")
    assert services.preview(AN, draft).vnd_month == -30_000
    request = services.submit(AN, draft, "")
    assert holds(portal) == NO_QUOTA
    approve(services, BINH, request)
    book.begin(held, request, clock())
    assert used(portal).floating_ips == 1
    book.settle(held, request, OUTPUTS, clock())
    assert used(portal).floating_ips == 0


def test_what_passes_the_quota_is_refused_when_it_is_asked_for_and_when_it_is_approved(
    services: PortalServices, portal: PortalDatabase, clock: Clock, one: str
) -> None:
    with portal.writing() as tx:
        reservation.set_account(tx, "sotc", replace(LIMIT, cores=3), BASE, clock())
    draft = make_change(shown(services, one), size="large")
    with pytest.raises(Conflict, match="quota would be passed"):
        services.submit(AN, draft, "")
    with portal.writing() as tx:
        reservation.set_account(tx, "sotc", replace(LIMIT, cores=4), BASE, clock())
    request = services.submit(AN, draft, "")
    with portal.writing() as tx:
        reservation.set_account(tx, "sotc", replace(LIMIT, cores=3), BASE, clock())
    with pytest.raises(Conflict, match="quota would be passed"):
        approve(services, BINH, request)


def test_quota_that_is_gone_when_it_is_begun_stops_it_and_changes_nothing(
    services: PortalServices, portal: PortalDatabase, clock: Clock, held: Lease, one: str
) -> None:
    request = services.submit(AN, make_change(shown(services, one), size="large"), "")
    approve(services, BINH, request)
    with portal.writing() as tx:
        reservation.set_account(tx, "sotc", replace(LIMIT, cores=3), BASE, clock())
    with pytest.raises(QuotaExceeded):
        ChangeBook(portal).begin(held, request, clock())
    assert shown(services, one).values["size"] == "small"


def test_two_changes_of_one_deployment_do_not_run_beside_each_other(
    services: PortalServices, portal: PortalDatabase, one: str
) -> None:
    first = services.submit(AN, make_change(shown(services, one), size="large"), "")
    number = services.request(AN, first).summary.number
    with pytest.raises(Conflict, match="changes this deployment already"):
        services.submit(AN, make_change(shown(services, one), disk="9"), "")
    assert shown(services, one).changed_by == first
    assert "change" not in shown(services, one).may
    services.decide(BINH, first, "return", "Thiếu căn cứ", services.request(AN, first).version, "")
    assert holds(portal) == NO_QUOTA
    second = services.submit(AN, make_change(shown(services, one), disk="9"), "")
    again = services.request(AN, first)
    with pytest.raises(Conflict, match="changes this deployment already"):
        services.change(AN, first, make_change(shown(services, one), size="large"), again.version, "")
    services.withdraw(AN, second, services.request(AN, second).version, "")
    services.change(AN, first, make_change(shown(services, one), size="large"), again.version, "")
    assert shown(services, one).changed_by == first
    assert number == services.request(AN, first).summary.number
    assert holds(portal) == Quota(cores=3, ram_mib=3584)


def test_a_returned_change_stays_with_its_deployment(services: PortalServices, one: str) -> None:
    request = services.submit(AN, make_change(shown(services, one), size="large"), "")
    services.decide(BINH, request, "return", "Thiếu căn cứ", services.request(AN, request).version, "")
    with pytest.raises(NotAllowed, match="stays with it"):
        services.change(AN, request, make_draft(), services.request(AN, request).version, "")


def test_the_database_itself_refuses_a_second_change(
    services: PortalServices, portal: PortalDatabase, one: str
) -> None:
    services.submit(AN, make_change(shown(services, one), size="large"), "")
    other = services.submit(AN, make_draft(), "")
    second = sa.insert(DEPLOYMENT_CHANGE).values(request=other, deployment=one, state="asked")
    with portal.reading() as connection, pytest.raises(sa.exc.IntegrityError):
        connection.execute(second)


def test_who_asked_for_a_change_does_not_approve_it(services: PortalServices, one: str) -> None:
    operator = make_person("em", Role.OPERATOR, Role.APPROVER, Role.MEMBER)
    request = services.submit(operator, make_change(shown(services, one), size="large"), "")
    with pytest.raises(NotAllowed, match="can never approve it"):
        approve(services, operator, request)
    approve(services, BINH, request)


@pytest.mark.parametrize(
    ("person", "error"),
    [(make_person("ba", Role.MEMBER), NotAllowed), (BINH, NotAllowed), (DUNG, NotAllowed)],
    ids=["a member who does not own it", "an approver", "an auditor"],
)
def test_only_who_may_ask_and_owns_it_asks_for_a_change(
    services: PortalServices, one: str, person: object, error: type[Exception]
) -> None:
    draft = make_change(shown(services, one), size="large")
    with pytest.raises(error):
        services.submit(person, draft, "")  # type: ignore[arg-type]
    with pytest.raises(error):
        services.change_deployment(person, one, {"public": "true"}, 2, "")  # type: ignore[arg-type]


def test_another_agencys_deployment_does_not_exist(services: PortalServices, one: str) -> None:
    with pytest.raises(InputRefused, match="There is no such deployment"):
        services.submit(STRANGER, make_change(shown(services, one), size="large"), "")
    with pytest.raises(NotFound):
        services.change_deployment(STRANGER, one, {"public": "true"}, 2, "")


def test_the_cloud_team_asks_for_a_change_of_any_agency(services: PortalServices, one: str) -> None:
    request = services.submit(CHI, make_change(shown(services, one), size="large"), "")
    assert services.request(AN, request).summary.agency == "sotc"


@pytest.mark.parametrize(
    ("values", "field", "told"),
    [
        ({"size": "huge"}, "items[0].values.size", "of the list"),
        ({"disk": "4"}, "items[0].values.disk", "only grows"),
        ({"size": "small"}, "items", "Nothing differs"),
        ({"color": "red"}, "items[0].values.color", "no such field"),
    ],
)
def test_a_change_that_is_wrong_is_told_by_its_field_and_changes_nothing(
    services: PortalServices, portal: PortalDatabase, one: str, values: dict[str, str], field: str, told: str
) -> None:
    draft = make_change(shown(services, one), **values)
    (problem,) = services.preview(AN, draft).problems
    assert problem.field == field
    assert told in problem.told.en
    with pytest.raises(InputRefused, match=told):
        services.submit(AN, draft, "")
    assert holds(portal) == NO_QUOTA


def test_a_change_stands_alone_and_has_no_end(services: PortalServices, one: str) -> None:
    draft = make_change(shown(services, one), size="large")
    beside = replace(draft, items=(*draft.items, *make_draft().items), end=dt.date(2027, 1, 1))
    fields = {problem.field for problem in services.preview(AN, beside).problems}
    assert fields == {"items", "end"}
    turned = replace(beside, items=beside.items[::-1], end=None)
    with pytest.raises(InputRefused, match="nothing beside it"):
        services.submit(AN, turned, "")


def test_what_has_changed_since_one_looked_and_what_does_not_run_is_not_changed(
    services: PortalServices, one: str
) -> None:
    seen = shown(services, one)
    services.act(AN, one, "reboot", seen.version, "")
    with pytest.raises(Conflict, match="changed since you looked"):
        services.submit(AN, make_change(seen, size="large"), "")
    services.act(AN, one, "stop", shown(services, one).version, "")
    with pytest.raises(Conflict, match="start it first"):
        services.submit(AN, make_change(shown(services, one), size="large"), "")
    assert "change" not in shown(services, one).may


def test_what_the_catalog_allows_is_done_without_a_signature_and_once_for_a_key(
    services: PortalServices, portal: PortalDatabase, clock: Clock, held: Lease, one: str
) -> None:
    seen = shown(services, one).version
    request = services.change_deployment(AN, one, {"public": "true"}, seen, "key-1")
    assert services.change_deployment(AN, one, {"public": "true"}, seen, "key-1") == request
    assert holds(portal) == Quota(floating_ips=1)
    found = services.request(AN, request)
    assert found.summary.state == "approved"
    assert [step.name for step in found.steps] == ["submitted", "active"]
    assert services.to_decide(BINH).items == ()
    ChangeBook(portal).begin(held, request, clock())
    ChangeBook(portal).settle(held, request, OUTPUTS, clock())
    assert shown(services, one).values["public"] == "true"
    assert used(portal).floating_ips == 1


def test_what_has_to_be_requested_is_not_done_at_once(
    services: PortalServices, portal: PortalDatabase, one: str
) -> None:
    for values in ({"size": "large"}, {"size": "large", "public": "true"}):
        with pytest.raises(Conflict, match="has to be approved"):
            services.change_deployment(AN, one, values, shown(services, one).version, "")
    request = services.submit(AN, make_change(shown(services, one), public="true"), "")
    assert services.request(AN, request).summary.state == "submitted"
    assert holds(portal) == Quota(floating_ips=1)


def test_from_the_level_on_at_which_two_sign_nothing_is_changed_at_once(
    portal: PortalDatabase, clock: Clock, one: str
) -> None:
    strict = replace(AGENCIES["sotc"], security_level=DOUBLE_FROM_LEVEL)
    services = PortalServices(portal, make_site(agencies={**AGENCIES, "sotc": strict}), clock)
    found = services.deployment(AN, one)
    assert {parameter.change for parameter in found.changes} == {"requested"}
    with pytest.raises(Conflict, match="has to be approved"):
        services.change_deployment(AN, one, {"public": "true"}, found.version, "")


def test_what_is_asked_to_change_is_not_given_back(services: PortalServices, one: str) -> None:
    request = services.submit(AN, make_change(shown(services, one), size="large"), "")
    found = shown(services, one)
    assert "retire" not in found.may
    assert "stop" in found.may
    with pytest.raises(Conflict, match="changes this deployment already"):
        services.act(AN, one, "retire", found.version, "")
    services.withdraw(AN, request, services.request(AN, request).version, "")
    assert "retire" in shown(services, one).may


def test_what_ends_while_it_is_being_changed_is_stopped_when_that_is_done(
    services: PortalServices, portal: PortalDatabase, clock: Clock, held: Lease, one: str
) -> None:
    request = services.submit(AN, make_change(shown(services, one), size="large"), "")
    approve(services, BINH, request)
    ChangeBook(portal).begin(held, request, clock())
    today = clock().date()
    with portal.writing() as tx:
        found = deployments.find(tx.connection, one)
        assert found is not None
        over = replace(found, expires=today, noticed=1, noticed_on=today)
        deployments.save(tx, over, found.version)

    def ladder() -> list[str]:
        tomorrow = today + dt.timedelta(days=1)
        steps = expiry.take_due_steps(portal, Ladder(), clock(), tomorrow, lambda one: True)
        return [str(taken.step.kind) for taken in steps]

    assert ladder() == []
    ChangeBook(portal).settle(held, request, OUTPUTS, clock())
    assert ladder() == ["suspend"]


def test_how_far_a_change_is_is_kept(
    services: PortalServices, portal: PortalDatabase, clock: Clock, held: Lease, one: str
) -> None:
    request = services.submit(AN, make_change(shown(services, one), size="large"), "")
    approve(services, BINH, request)
    book = ChangeBook(portal)

    def state() -> str:
        with portal.reading() as connection:
            return str(changes.state(connection, request))

    assert state() == "asked"
    book.begin(held, request, clock())
    assert (state(), shown(services, one).values["size"]) == ("making", "large")
    assert book.begin(held, request, clock()).values["size"] == "large"
    why = services.request(AN, request).summary.title
    book.undo(held, request, why, clock())
    book.undo(held, request, why, clock())
    assert (state(), shown(services, one).values["size"]) == ("undoing", "small")
    assert dict(WorkBook(portal).undoing()) == {one: ("size",)}
    book.undone(held, request, OUTPUTS, why=why, now=clock())
    assert state() == "ended"
    assert dict(WorkBook(portal).undoing()) == {}
    assert used(portal) == Quota(instances=1, cores=1, ram_mib=512, ports=1, gigabytes=5)
    with pytest.raises(LookupError):
        WorkBook(portal).begin(held, request, clock())

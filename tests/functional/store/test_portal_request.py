"""From asking to a decision on real databases: quota is never oversold, nobody signs their own request, and
each effect has its audit record.
"""

from __future__ import annotations

import datetime as dt
import multiprocessing
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from infra.domain.person import Person, Role
from infra.domain.quota import RESOURCES, Quota
from infra.portal.interface import (
    AuditFilter,
    Conflict,
    InputRefused,
    Line,
    NotAllowed,
    NotFound,
    StepState,
)
from infra.portal.service.services import PortalServices
from infra.store import reservation
from infra.store.engine import StoreUnreachable
from infra.store.portal_database import PortalDatabase

from .city import (
    AN,
    BASE,
    BINH,
    CHI,
    DUNG,
    LIMIT,
    NOBODY,
    NOW,
    STRANGER,
    Clock,
    make_draft,
    make_person,
    make_site,
)
from .tables import AUDIT_KEY


def total(portal: PortalDatabase, agency: str = "sotc") -> Quota:
    with portal.reading() as connection:
        return reservation.account(connection, agency).total


def actions(services: PortalServices) -> list[str]:
    return [one.action for one in reversed(services.audit(DUNG, AuditFilter(), limit=500).items)]


def approve(services: PortalServices, person: Person, request: str, key: str = "") -> None:
    version = services.request(person, request).version
    services.decide(person, request, "approve", "", version, key)


def test_a_request_goes_from_asking_to_approved_with_a_record_of_each_step(
    services: PortalServices, portal: PortalDatabase
) -> None:
    id_ = services.submit(AN, make_draft(count=2), "k1")
    shown = services.request(BINH, id_)
    assert shown.summary.number == "YC-2026-000001"
    assert shown.summary.state == "submitted"
    assert shown.may == {"decide"}
    assert shown.summary.waits_for.en == "The agency's approver"
    assert shown.summary.due == dt.datetime(2026, 12, 2, 10, tzinfo=dt.UTC)
    assert total(portal) == replace(BASE, instances=2, cores=2, ram_mib=1024, ports=4)
    approve(services, BINH, id_)
    after = services.request(AN, id_)
    assert after.summary.state == "approved"
    assert [one.by for one in after.decisions] == ["Binh"]
    assert [(one.name, one.state) for one in after.steps] == [
        ("submitted", StepState.DONE), ("approve_agency", StepState.DONE), ("active", StepState.WAITING),
    ]  # fmt: skip
    assert actions(services) == ["request.submit", "request.approve"]
    assert portal.verify() == 2


@pytest.mark.parametrize("end", ["reject", "return", "withdraw"])
def test_a_request_that_ends_or_is_returned_gives_its_quota_back(
    services: PortalServices, portal: PortalDatabase, end: str
) -> None:
    id_ = services.submit(AN, make_draft(), "")
    if end == "withdraw":
        services.withdraw(AN, id_, 1, "")
    else:
        services.decide(BINH, id_, end, "chưa rõ mục đích", 1, "")
    assert total(portal) == BASE
    assert services.preview(AN, make_draft()).quota[0].reserved == 0


def test_a_returned_request_is_changed_and_needs_new_signatures(
    services: PortalServices, portal: PortalDatabase
) -> None:
    id_ = services.submit(AN, make_draft("secret-server"), "")
    approve(services, BINH, id_)
    services.decide(CHI, id_, "return", "thiếu hồ sơ", 2, "")
    with pytest.raises(NotAllowed, match="who asked"):
        services.change(BINH, id_, make_draft(), 3, "")
    services.change(AN, id_, make_draft("secret-server", 3), 3, "")
    assert total(portal).instances == 3
    assert services.request(BINH, id_).may == {"decide"}
    approve(services, BINH, id_)
    approve(services, CHI, id_)
    shown = services.request(AN, id_)
    assert shown.summary.state == "approved"
    assert [(one.by, one.verdict) for one in shown.decisions] == [
        ("Binh", "approve"), ("Chi", "return"), ("Binh", "approve"), ("Chi", "approve"),
    ]  # fmt: skip


def test_nobody_signs_their_own_request_not_even_with_every_role(services: PortalServices) -> None:
    all_ = make_person("an", *(set(Role) - {Role.AUDITOR}))
    id_ = services.submit(all_, make_draft(), "")
    with pytest.raises(NotAllowed, match="never approve"):
        services.decide(all_, id_, "approve", "", 1, "")
    assert "decide" not in services.request(all_, id_).may
    assert services.to_decide(all_).items == ()
    assert actions(services) == ["request.submit"]


def test_the_tables_themselves_refuse_a_signature_of_who_asked(
    services: PortalServices, portal: PortalDatabase
) -> None:
    id_ = services.submit(AN, make_draft(), "")
    row = (
        "INSERT INTO signature (id, request, round, place, requester, signer, signer_name, on_behalf_of,"
        " stage, verdict, review, reason, at) VALUES ('s', '{id}', 1, 0, '{requester}', '{signer}', '',"
        " '{behalf}', 'agency', 'approve', {no}, '', '')"
    )

    def write(requester: str, signer: str, behalf: str) -> None:
        with portal.writing() as tx:
            no = "false" if tx.connection.dialect.name == "postgresql" else "0"
            tx.connection.exec_driver_sql(
                row.format(id=id_, requester=requester, signer=signer, behalf=behalf, no=no)
            )

    for requester, signer, behalf in (("an", "an", ""), ("an", "binh", "an"), ("binh", "an", "")):
        with pytest.raises(StoreUnreachable, match=r"(constraint|CONSTRAINT)"):
            write(requester, signer, behalf)
    write("an", "binh", "")


def test_what_belongs_to_another_agency_does_not_exist(services: PortalServices) -> None:
    id_ = services.submit(AN, make_draft(), "")
    calls: list[Callable[[Person], object]] = [
        lambda who: services.request(who, id_),
        lambda who: services.withdraw(who, id_, 1, ""),
        lambda who: services.retry(who, id_, 1, ""),
        lambda who: services.change(who, id_, make_draft(), 1, ""),
        lambda who: services.decide(who, id_, "approve", "", 1, ""),
        lambda who: services.facts(who, id_),
    ]
    for person in (STRANGER, NOBODY):
        for call in calls:
            with pytest.raises(NotFound):
                call(person)
        assert services.requests(person, agency="sotc").items == ()
        assert services.requests(person).items == ()


def test_one_asks_for_the_own_agency_only_and_an_operator_for_any(services: PortalServices) -> None:
    for person, draft in (
        (AN, make_draft(agency="sonv")), (BINH, make_draft()), (NOBODY, make_draft()), (DUNG, make_draft())
    ):  # fmt: skip
        with pytest.raises(NotAllowed):
            services.submit(person, draft, "")
    id_ = services.submit(CHI, make_draft(agency="sonv"), "")
    assert services.request(STRANGER, id_).summary.agency == "sonv"


def test_the_same_key_and_arguments_give_the_first_answer_and_change_nothing(
    services: PortalServices, portal: PortalDatabase
) -> None:
    first = services.submit(AN, make_draft(), "k")
    assert services.submit(AN, make_draft(), "k") == first
    assert total(portal).instances == 1
    with pytest.raises(Conflict, match="another call"):
        services.submit(AN, make_draft(count=2), "k")
    other = services.submit(make_person("em", Role.MEMBER), make_draft(), "k")
    assert other != first
    services.decide(BINH, first, "approve", "", 1, "d")
    services.decide(BINH, first, "approve", "", 1, "d")
    assert actions(services) == ["request.submit", "request.submit", "request.approve"]


def test_a_decision_on_what_has_changed_is_refused(services: PortalServices) -> None:
    id_ = services.submit(AN, make_draft("secret-server"), "")
    approve(services, BINH, id_)
    with pytest.raises(Conflict, match="changed"):
        services.decide(CHI, id_, "approve", "", 1, "")
    services.withdraw(AN, id_, 2, "")
    with pytest.raises(Conflict):
        services.decide(CHI, id_, "approve", "", 3, "")


def test_everything_that_is_wrong_is_named_with_its_place(services: PortalServices) -> None:
    draft = make_draft(
        purpose="x", end=NOW.date(), legal_basis="",
        items=(
            Line("plain-server", {"size": "huge", "disk": "51", "public": "maybe", "extra": "1"}, 11),
            Line("old-server", {}),
            Line("secret-server", {}),
        ),
    )  # fmt: skip
    with pytest.raises(InputRefused) as refused:
        services.submit(AN, draft, "")
    assert [one.field for one in refused.value.problems] == [
        "items[0].values.size", "items[0].values.public", "items[0].values.disk", "items[0].values.extra",
        "items[0].count", "items[1].item", "purpose", "legal_basis", "end",
    ]  # fmt: skip
    assert services.preview(AN, draft).problems == refused.value.problems


def test_several_items_are_reserved_all_or_none(services: PortalServices, portal: PortalDatabase) -> None:
    too_much = make_draft(
        items=(
            Line("plain-server", {"size": "small"}, 9),
            Line("plain-server", {"size": "large", "public": "true"}, 2),
        )
    )
    with pytest.raises(Conflict, match="servers: 11 of 10"):
        services.submit(AN, too_much, "")
    assert total(portal) == BASE
    assert services.requests(AN).items == ()
    assert actions(services) == []
    assert "servers: 11 of 10" in services.preview(AN, too_much).problems[0].told.en


def test_quota_is_checked_again_at_approval(services: PortalServices, portal: PortalDatabase) -> None:
    id_ = services.submit(AN, make_draft(count=4), "")
    with portal.writing() as tx:
        reservation.set_account(tx, "sotc", replace(LIMIT, cores=3), BASE, NOW)
    with pytest.raises(Conflict, match="CPU cores: 4 of 3"):
        approve(services, BINH, id_)
    assert services.request(AN, id_).summary.state == "submitted"
    assert services.request(AN, id_).decisions == ()


def test_the_preview_counts_quota_and_price(services: PortalServices) -> None:
    services.submit(AN, make_draft(), "")
    told = services.preview(AN, make_draft(count=2, values={"size": "large", "public": "true", "disk": "10"}))
    lines = {one.resource: one for one in told.quota}
    assert (lines["cores"].reserved, lines["cores"].takes, lines["cores"].left) == (1, 8, 11)
    assert told.vnd_month == 8 * 100_000 + 8 * 50_000 + 20 * 2_000 + 2 * 30_000
    assert told.problems == ()


def test_the_preview_counts_what_is_known_while_something_is_still_wrong(services: PortalServices) -> None:
    told = services.preview(AN, make_draft(count=2, values={"size": "large", "disk": "wrong"}))
    assert [one.field for one in told.problems] == ["items[0].values.disk"]
    assert next(one.takes for one in told.quota if one.resource == "cores") == 8
    assert told.vnd_month == 8 * 100_000 + 8 * 50_000


def test_an_approver_sees_the_request_against_what_is_used_and_what_rules_would_do(
    services: PortalServices,
) -> None:
    services.submit(AN, make_draft(), "")
    id_ = services.submit(AN, make_draft(count=3), "")
    facts = services.facts(BINH, id_)
    cores = next(one for one in facts.quota if one.resource == "cores")
    assert (cores.reserved, cores.takes) == (1, 3)
    assert [one.number for one in facts.similar] == ["YC-2026-000001"]
    assert "left it to people" in facts.shadow.en
    assert "would have approved" in services.facts(BINH, services.submit(AN, make_draft(), "")).shadow.en
    with pytest.raises(NotAllowed):
        services.facts(AN, id_)


def test_lists_go_on_where_the_last_page_ended(services: PortalServices) -> None:
    for _ in range(5):
        services.submit(AN, make_draft(), "")
    seen, after = [], ""
    while True:
        page = services.requests(AN, after=after, limit=2)
        seen += [one.number for one in page.items]
        after = page.next
        if not after:
            break
    assert seen == [f"YC-2026-00000{one}" for one in range(5, 0, -1)]


def decide_all(services: PortalServices, ids: list[str]) -> Counter[str]:
    """Fifty people, each approving another request at the same moment."""

    def one(number: int) -> str:
        person = make_person(f"approver-{number}", Role.APPROVER)
        try:
            services.decide(person, ids[number], "approve", "", 1, f"key-{number}")
        except Conflict:
            return "refused"
        return "approved"

    with ThreadPoolExecutor(50) as pool:
        return Counter(pool.map(one, range(len(ids))))


def test_fifty_approvals_at_once_never_pass_a_limit_that_was_lowered(
    portal: PortalDatabase, clock: Clock
) -> None:
    services = PortalServices(portal, make_site(), clock)
    with portal.writing() as tx:
        reservation.set_account(tx, "sotc", LIMIT * 10, BASE, NOW)
    ids = [services.submit(AN, make_draft(), "") for _ in range(50)]
    with portal.writing() as tx:
        reservation.set_account(tx, "sotc", replace(LIMIT * 10, instances=50), BASE, NOW)
    assert decide_all(services, ids) == {"approved": 50}
    assert total(portal).instances == 50
    assert portal.verify() == 100


def test_fifty_people_asking_and_fifty_approving_at_once_never_oversell(
    services: PortalServices, portal: PortalDatabase
) -> None:
    def ask(number: int) -> str:
        person, approver = make_person(f"m-{number}", Role.MEMBER), make_person(f"a-{number}", Role.APPROVER)
        try:
            id_ = services.submit(person, make_draft(), f"key-{number}")
            services.decide(approver, id_, "approve", "", 1, "")
        except Conflict:
            return "refused"
        return "approved"

    with ThreadPoolExecutor(50) as pool:
        told = Counter(pool.map(ask, range(50)))
    assert told == {"approved": LIMIT.instances, "refused": 50 - LIMIT.instances}
    held = total(portal)
    assert all(getattr(held, name) <= getattr(LIMIT, name) for name in RESOURCES)
    assert portal.verify() == 2 * LIMIT.instances


def ask_in_process(url: str, process: int) -> int:
    """Ask until refused, in a process of its own; how many were taken in."""
    done = 0
    with PortalDatabase(url, key=AUDIT_KEY, make=False) as database:
        services = PortalServices(database, make_site(), Clock())
        for number in range(8):
            try:
                services.submit(make_person(f"p-{process}-{number}", Role.MEMBER), make_draft(), "")
                done += 1
            except Conflict:
                return done
    return done


def test_processes_that_ask_at_once_never_oversell(
    url: str, services: PortalServices, portal: PortalDatabase
) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        done = pool.starmap(ask_in_process, [(url, number) for number in range(4)])
    assert sum(done) == LIMIT.instances
    assert total(portal).instances == LIMIT.instances
    assert portal.verify() == LIMIT.instances


def test_one_request_that_two_people_decide_at_once_is_decided_once(services: PortalServices) -> None:
    id_ = services.submit(AN, make_draft(), "")

    def decide(number: int) -> str:
        try:
            verdict = "approve" if number % 2 else "reject"
            services.decide(make_person(f"a-{number}", Role.APPROVER), id_, verdict, "lý do", 1, "")
        except Conflict:
            return "late"
        return "decided"

    with ThreadPoolExecutor(20) as pool:
        told = Counter(pool.map(decide, range(20)))
    assert told == {"decided": 1, "late": 19}
    assert len(services.request(AN, id_).decisions) == 1

"""The API keeps its OpenAPI document: schemathesis asks every route, for each role, over the real services.

Examples are few and their seed is fixed, so a run is the same everywhere; EXAMPLES makes the search longer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from limits import parse
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi import checks

from infra.domain.words import Words
from infra.portal import live
from infra.portal.interface import Draft, Line, NewDelegation
from infra.portal.rates import Rates
from infra.store.portal_database import PortalDatabase
from tests.functional.portal.real import RealStand

EXAMPLES, KNOWN = 6, 2
SEED = 20261127
UNLIMITED = parse("1000000/minute")
SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl hoa@quan"
PEOPLE = ("hoa", "binh", "dung", "lan")
"""A member, an approver, an operator and an auditor."""
NOBODY = ""
VALUES = {"size": "vm.small", "ssh_key": SSH_KEY}
DRAFT = {"items": [{"item": "plain-server", "values": VALUES}], "purpose": "Trang tiếp nhận hồ sơ"}
DAYS = {"first": "2027-02-01", "last": "2027-02-05"}
RIGHT: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("hoa", "POST /api/v1/previews", "", DRAFT),
    ("hoa", "POST /api/v1/requests", "", DRAFT),
    ("hoa", "PUT /api/v1/requests/{id}", "returned", {**DRAFT, "version": 2}),
    ("hoa", "POST /api/v1/requests/{id}/withdrawal", "submitted", {"version": 1}),
    ("dung", "POST /api/v1/requests/{id}/retry", "failed", {"version": 3}),
    ("binh", "POST /api/v1/requests/{id}/decision", "returned", {"version": 3, "verdict": "approve"}),
    ("hoa", "POST /api/v1/deployments/{id}/console", "active", None),
    ("hoa", "POST /api/v1/deployments/{id}/actions", "active", {"version": 2, "action": "stop"}),
    (
        "hoa",
        "POST /api/v1/deployments/{id}/actions",
        "active",
        {"version": 3, "action": "open", "values": {"service": "tcp", "port": "8080", "source": "city"}},
    ),
    (
        "hoa",
        "POST /api/v1/deployments/{id}/actions",
        "active",
        {"version": 4, "action": "snapshot", "values": {"name": "Trước khi nâng cấp"}},
    ),
    (
        "hoa",
        "POST /api/v1/deployments/{id}/changes",
        "allowed",
        {"version": 2, "values": {"public_address": "true"}},
    ),
    ("binh", "POST /api/v1/requests/{id}/review", "emergency", {"justified": True}),
    ("binh", "POST /api/v1/delegations", "", {**DAYS, "taker": "hoa", "stage": "agency"}),
    ("binh", "POST /api/v1/delegations/{id}/revocation", "standing", {}),
    ("hoa", "POST /api/v1/notices/read", "", {}),
)
"""(who, operation, state in which what it is done to begins, body), in their order: each does something."""
CONFIG = SchemathesisConfig.from_dict({
    "generation": {"with-security-parameters": False, "allow-extra-parameters": False},
    "checks": {"negative_data_rejection": {
        "expected-statuses": ["400", "401", "403", "404", "405", "409", "413", "422"]
    }},
})  # fmt: skip
"""Who asks is the test's to say; a parameter of the query that no route has is passed over."""
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.missing_required_header,
    checks.unsupported_method,
]


@dataclass(frozen=True)
class Filled:
    """The portal with a request in every state; `known` are ids that exist, by the noun of their path and
    their state.
    """

    stand: RealStand
    known: Mapping[str, Mapping[str, str]]


def filled(stand: RealStand) -> Filled:
    services, hoa, binh = stand.services, stand.people["hoa"], stand.people["binh"]
    draft = Draft((Line("plain-server", VALUES),), "Trang tiếp nhận hồ sơ", date(2027, 3, 31))
    made = {
        state: services.submit(hoa, draft, "")
        for state in (
            "fulfilled",
            "more",
            "failed",
            "approved",
            "rejected",
            "returned",
            "withdrawn",
            "submitted",
        )
    }
    for state in ("fulfilled", "more"):
        services.decide(binh, made[state], "approve", "", 1, "")
    stand.work()
    services.decide(binh, made["failed"], "approve", "", 1, "")
    stand.work(Words("hết chỗ", "no room"))
    for state, verdict in (("approved", "approve"), ("rejected", "reject"), ("returned", "return")):
        services.decide(binh, made[state], verdict, "Đúng kế hoạch", 1, "")
    services.withdraw(hoa, made["withdrawn"], 1, "")
    made["emergency"] = services.submit(hoa, replace(draft, emergency=True, legal_basis="12/QĐ"), "")
    services.decide(stand.people["dung"], made["emergency"], "approve", "Sự cố", 1, "")
    for who in ("hoa", "binh"):
        stand.token(who)  # who takes a delegation has signed in before
    leave = NewDelegation("hoa", "agency", date(2027, 1, 4), date(2027, 1, 8))
    given = {"standing": services.delegate(binh, leave, "")}
    living = {str(one.state): one.id for one in services.deployments(hoa).items}
    (living["allowed"],) = services.request(hoa, made.pop("more")).deployments
    (living["active"],) = services.request(hoa, made["fulfilled"]).deployments
    agencies = {one: stand.people[one].agency for one in ("hoa", "mai")}
    return Filled(
        stand, {"requests": made, "deployments": living, "delegations": given, "agencies": agencies}
    )


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    place = tmp_path_factory.mktemp("portal") / "portal.sqlite"
    with (
        pytest.MonkeyPatch.context() as patch,
        PortalDatabase(f"sqlite:///{place}", key=b"k" * 32) as database,
    ):
        patch.setattr(live, "LOOK_SECONDS", 0.01)
        patch.setattr(live, "LOOKS", 2)
        rates = Rates(UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED, streams=1000)
        yield filled(RealStand(database, own=True, rates=rates, allowed=("public_address",)))


@pytest.fixture(scope="module")
def document(portal: Filled) -> Any:
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", portal.stand.app, config=CONFIG)


def as_person(portal: Filled, person: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {portal.stand.token(person)}"} if person else {}


def cases(operation: Any, mode: GenerationMode, known: Mapping[str, Mapping[str, str]]) -> Any:
    """Calls of an operation, with ids that exist and with made-up ones."""
    found = [operation.as_strategy(mode)]
    if "{id}" in operation.path:
        there = list(known[operation.path.split("/")[3]].values())[-KNOWN:]
        found += [operation.as_strategy(mode, path_parameters={"id": one}) for one in there]
    return st.one_of(*found)


def test_every_change_that_is_right_is_done_and_answered_as_the_document_says(
    portal: Filled, document: Any
) -> None:
    operations = {one.ok().label: one.ok() for one in document.get_all_operations()}
    changes = {label for label in operations if not label.startswith("GET")}
    assert changes == {label for _, label, _, _ in RIGHT}
    for number, (person, label, state, body) in enumerate(RIGHT):
        place = {"id": portal.known[label.split("/")[3]][state]} if state else None
        headers = {**as_person(portal, person), "Idempotency-Key": f"contract-{number}"}
        case = operations[label].Case(path_parameters=place, body=body, media_type="application/json")
        answers = [case.call_and_validate(headers=headers, checks=CHECKS) for _ in range(2)]
        assert {one.status_code for one in answers} <= {200, 201, 204}, f"{label}: {answers[0].content!r}"
        assert answers[0].content == answers[1].content, f"{label}: a repeat with its key is another answer"


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("person", [*PEOPLE, NOBODY])
def test_every_answer_is_as_the_document_says(
    portal: Filled, document: Any, person: str, mode: GenerationMode
) -> None:
    headers = as_person(portal, person)
    for operation in (one.ok() for one in document.get_all_operations()):

        @seed(SEED)
        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=cases(operation, mode, portal.known))
        def holds(case: Any) -> None:
            case.call_and_validate(headers=headers, checks=CHECKS)

        with suppress(Unsatisfiable):  # nothing of it can be wrong: it has no parameters
            holds()

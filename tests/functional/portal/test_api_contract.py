"""The API keeps its OpenAPI document: schemathesis asks every route, for each role, over the real services.

Examples are few and their seed is fixed, so a run is the same everywhere; EXAMPLES makes the search longer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
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

from infra.portal import live
from infra.portal.interface import Draft, Line
from infra.portal.rates import Rates
from infra.store.portal_database import PortalDatabase
from tests.functional.portal.real import RealStand

EXAMPLES = 12
SEED = 20261127
UNLIMITED = parse("1000000/minute")
SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl hoa@quan"
PEOPLE = ("hoa", "binh", "dung", "lan")
"""A member, an approver, an operator and an auditor."""
NOBODY = ""
VALUES = {"size": "container.small", "ssh_key": SSH_KEY}
DRAFT = {"items": [{"item": "plain-server", "values": VALUES}], "purpose": "Trang tiếp nhận hồ sơ"}
RIGHT: Mapping[str, list[dict[str, Any]]] = {
    "POST /api/v1/previews": [DRAFT],
    "POST /api/v1/requests": [DRAFT],
    "PUT /api/v1/requests/{id}": [{**DRAFT, "version": version} for version in (1, 2)],
    "POST /api/v1/requests/{id}/withdrawal": [{"version": version} for version in (1, 2, 3)],
    "POST /api/v1/requests/{id}/retry": [{"version": version} for version in (2, 3)],
    "POST /api/v1/requests/{id}/decision": [
        {"version": 1, "verdict": verdict, "reason": "Đúng kế hoạch"} for verdict in ("approve", "return")
    ],
    "POST /api/v1/deployments/{id}/actions": [
        {"version": version, "action": action} for version in (2, 3) for action in ("stop", "hold", "renew")
    ],
}
"""Bodies that are right as far as the document can say, and do something where the state is right too."""
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
    """The portal with requests in every state; `known` are ids that exist, by the noun of their path."""

    stand: RealStand
    known: Mapping[str, tuple[str, ...]]


def filled(stand: RealStand) -> Filled:
    services, hoa, binh = stand.services, stand.people["hoa"], stand.people["binh"]
    draft = Draft((Line("plain-server", VALUES),), "Trang tiếp nhận hồ sơ", date(2027, 3, 31))
    made = [services.submit(hoa, draft, "") for _ in range(7)]
    for one, verdict in zip(made, ("approve", "approve", "reject", "return"), strict=False):
        services.decide(binh, one, verdict, "Đúng kế hoạch", 1, "")
        if one == made[0]:
            stand.work()
    services.withdraw(hoa, made[4], 1, "")
    living = tuple(one.id for one in services.deployments(hoa).items)
    return Filled(stand, {"requests": tuple(made), "deployments": living})


@pytest.fixture
def portal(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Filled]:
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(live, "LOOKS", 2)
    with PortalDatabase(f"sqlite:///{tmp_path}/portal.sqlite", key=b"k" * 32) as database:
        rates = Rates(UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED, streams=1000)
        yield filled(RealStand(database, own=True, rates=rates))


def cases(operation: Any, mode: GenerationMode, known: Mapping[str, tuple[str, ...]]) -> Any:
    """Calls of an operation: with ids that exist and with made-up ones, with right bodies and others."""
    noun = operation.path.split("/")[3]
    places = [None]
    if "{id}" in operation.path:
        places += [{"id": one} for one in known[noun]]
    bodies = RIGHT.get(operation.label, []) if mode is GenerationMode.POSITIVE else []
    found = [operation.as_strategy(mode, path_parameters=place) for place in places]
    found += [operation.as_strategy(mode, path_parameters=place, body=body)
              for place in places for body in bodies]  # fmt: skip
    return st.one_of(*found)


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("person", [*PEOPLE, NOBODY])
def test_every_answer_is_as_the_document_says(portal: Filled, person: str, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", portal.stand.app, config=CONFIG)
    headers = {"Authorization": f"Bearer {portal.stand.token(person)}"} if person else {}
    for operation in (one.ok() for one in schema.get_all_operations()):

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

"""The OpenAPI document is whole: every route, what it refuses and how, its pages, its keys, its stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from limits import parse

from infra.portal.rates import Rates
from infra.store.engine import StoreUnreachable
from tests.functional.portal.portal import Stand
from tests.functional.portal.test_access_matrix import routes

PROBLEM = "#/components/schemas/Problem"
CHANGES = {"post", "put", "patch", "delete"}
SAVES_NOTHING = {"/api/v1/previews"}
SECRET = {"/api/v1/deployments/{id}/console"}
"""Its answer is kept nowhere, so no key could bring it again."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    with Stand().client() as client:
        made: dict[str, Any] = client.get("/api/v1/openapi.json").json()
    return made


def calls(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation)"""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield method, path, operation


def parameters(operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in operation.get("parameters", ())}


def test_every_route_of_the_api_is_in_the_document(document: dict[str, Any]) -> None:
    found = {f"{method.upper()} {path}" for method, path, _ in calls(document)}
    assert found == {route for route in routes() if " /api/v1/" in route}
    assert len({operation["operationId"] for _, _, operation in calls(document)}) == len(found)


def test_every_refusal_is_a_problem_and_says_what_it_means(document: dict[str, Any]) -> None:
    for method, path, operation in calls(document):
        refused = {int(status) for status in operation["responses"] if status >= "400"}
        wanted = {400, 413, 422, 429, 503}
        wanted |= set() if operation.get("security") == [] else {401, 403}
        wanted |= {404} if "{id}" in path else set()
        wanted |= {409} if method in CHANGES and path not in SAVES_NOTHING else set()
        assert wanted == refused, f"{method} {path}"
        for status in refused:
            answer = operation["responses"][str(status)]
            assert answer["content"] == {"application/problem+json": {"schema": {"$ref": PROBLEM}}}
            assert answer["description"]
        for status, header in ((429, "Retry-After"), (503, "Retry-After"), (401, "WWW-Authenticate")):
            if status in refused:
                assert header in operation["responses"][str(status)]["headers"], f"{method} {path}"


def test_every_change_has_a_key_and_every_parameter_an_explanation(document: dict[str, Any]) -> None:
    for method, path, operation in calls(document):
        known = parameters(operation)
        if method in CHANGES and path not in SAVES_NOTHING | SECRET:
            assert known["Idempotency-Key"]["required"] is True, f"{method} {path}"
        for name in ("Idempotency-Key", "after", "limit", "id"):
            assert name not in known or known[name].get("description"), f"{method} {path} {name}"


def test_every_list_has_pages(document: dict[str, Any]) -> None:
    lists = [
        operation
        for _, _, operation in calls(document)
        if "Page" in str(operation["responses"].get("200", {}).get("content", {}))
    ]
    assert len(lists) >= 4
    for operation in lists:
        assert {"after", "limit"} <= set(parameters(operation)), operation["summary"]


def test_the_stream_of_events_is_described_with_an_example(document: dict[str, Any]) -> None:
    answer = document["paths"]["/api/v1/requests/{id}/events"]["get"]["responses"]["200"]
    (kind,) = answer["content"]
    assert kind == "text/event-stream"
    assert "event: progress" in answer["content"][kind]["example"]
    assert "`end`" in answer["description"]
    with Stand().as_person("u-hoa") as client:
        sent = client.get("/api/v1/requests/r13/events")
    assert sent.headers["content-type"].startswith(kind)
    assert "event: progress" in sent.text
    assert sent.text.endswith("event: end\ndata: {}\n\n")


def test_who_calls_too_often_is_told_when_to_call_again() -> None:
    stand = Stand(more={"rates": Rates(read=parse("3/minute"))})
    with stand.as_person("u-hoa") as client:
        answers = [client.get("/api/v1/requests") for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert answers[-1].json()["code"] == "too_many"
    with stand.client() as client:
        assert [client.get("/api/v1/status").status_code for _ in range(4)] == [200, 200, 200, 429]


def test_a_database_that_is_away_is_503_and_says_when_to_try_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stand = Stand()

    def away(*_: object, **__: object) -> None:
        raise StoreUnreachable("postgresql://portal: no route")

    monkeypatch.setattr(stand.services, "requests", away)
    with stand.as_person("u-hoa") as client:
        answer = client.get("/api/v1/requests")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "30"
    assert answer.json()["code"] == "store_unreachable"
    assert "no route" not in answer.text
    assert "no route" in caplog.text


@pytest.mark.parametrize("place", ["/api/v1/requests/a%00b", "/api/v1/requests?state=%00", "/requests/%00"])
def test_an_address_with_a_nul_is_refused_before_any_database_sees_it(place: str) -> None:
    with Stand().as_person("u-hoa") as client:
        assert client.get(place).status_code == 400

"""Every route, asked by nobody, by each role and by each agency: who gets what.

The routes come from the application itself. One that is not in the table below fails the test, so nobody adds
a route without saying who may use it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from fastapi.routing import APIRoute

from infra.domain.person import Role
from infra.domain.session import Scope
from tests.functional.portal.memory import PEOPLE
from tests.functional.portal.portal import Client, Stand

OPEN, EVERY = "open", "every"
MEMBERS = frozenset({Role.MEMBER, Role.OPERATOR})
DECIDERS = frozenset({Role.APPROVER, Role.OPERATOR})
TAKERS = DECIDERS | {Role.MEMBER}
"""Who can sign, if only in another's place."""
OVERSEERS = frozenset({Role.OPERATOR, Role.AUDITOR})
AUDITORS = frozenset({Role.APPROVER, Role.OPERATOR, Role.AUDITOR})
ALL = frozenset(Role)


@dataclass(frozen=True)
class Rule:
    """Who may; `of` what belongs to an agency: a request of hongbang (r12, r13), its deployment, itself.
    `within` are those whom the services let on by their role alone, where that is fewer: they refuse others
    who have no delegation.
    """

    roles: frozenset[Role]
    scope: Scope
    of: str = ""
    within: frozenset[Role] = ALL


READ, ASK = Scope.READ, Scope.REQUEST
RULES: dict[str, Rule | str] = {
    "GET /-/healthy": OPEN,
    "GET /-/metrics": OPEN,  # on the management network; the load balancer refuses it
    "GET /status": OPEN,
    "GET /sign-in": OPEN,
    "POST /sign-in": OPEN,
    "GET /oidc/start": OPEN,
    "GET /oidc/callback": OPEN,
    "GET /api/v1/status": OPEN,
    "POST /sign-out": OPEN,  # a form of the session's own; whoever has none is told to sign in
    "GET /": Rule(ALL, READ),
    "GET /account": Rule(ALL, READ),
    "POST /account/tokens": Rule(ALL, READ),
    "POST /account/tokens/{id}/revoke": Rule(ALL, READ, "nobody"),
    "GET /catalog": Rule(MEMBERS, ASK),
    "GET /requests": Rule(ALL, READ),
    "GET /requests/new": Rule(MEMBERS, ASK),
    "POST /requests/new": Rule(MEMBERS, ASK),
    "POST /requests/check": Rule(MEMBERS, ASK),
    "GET /requests/{id}": Rule(ALL, READ, "request"),
    "GET /requests/{id}/progress": Rule(ALL, READ, "request"),
    "GET /requests/{id}/change": Rule(MEMBERS, ASK, "request"),
    "POST /requests/{id}/change": Rule(MEMBERS, ASK, "request"),
    "POST /requests/{id}/withdraw": Rule(MEMBERS, ASK, "request"),
    "POST /requests/{id}/retry": Rule(MEMBERS, ASK, "request"),
    "GET /approvals": Rule(TAKERS, Scope.APPROVE),
    "GET /approvals/{id}": Rule(TAKERS, Scope.APPROVE, "request", DECIDERS),
    "POST /approvals/{id}": Rule(TAKERS, Scope.APPROVE, "request", DECIDERS),
    "GET /approvals/reviews": Rule(TAKERS, Scope.APPROVE),
    "POST /approvals/{id}/review": Rule(TAKERS, Scope.APPROVE, "request", DECIDERS),
    "GET /approvals/delegations": Rule(TAKERS, Scope.APPROVE),
    "POST /approvals/delegations": Rule(DECIDERS, Scope.APPROVE),
    "POST /approvals/delegations/{id}/revoke": Rule(TAKERS, Scope.APPROVE, "nobody"),
    "GET /agencies": Rule(ALL, READ),
    "GET /agencies/{id}": Rule(ALL, READ, "agency"),
    "GET /operations": Rule(OVERSEERS, READ),
    "GET /notices": Rule(ALL, READ),
    "POST /notices/read": Rule(ALL, READ),
    "POST /notices/{id}/open": Rule(ALL, READ, "nobody"),
    "GET /deployments": Rule(ALL, READ),
    "GET /deployments/{id}": Rule(ALL, READ, "deployment"),
    "POST /deployments/{id}": Rule(MEMBERS, Scope.OPERATE, "deployment"),
    "GET /deployments/{id}/progress": Rule(ALL, READ, "deployment"),
    "GET /deployments/{id}/console": Rule(MEMBERS, Scope.OPERATE, "deployment"),
    "POST /deployments/{id}/console": Rule(MEMBERS, Scope.OPERATE, "deployment"),
    "GET /deployments/{id}/change": Rule(MEMBERS, ASK, "deployment"),
    "POST /deployments/{id}/change": Rule(MEMBERS, ASK, "deployment"),
    "GET /audit": Rule(AUDITORS, READ),
    "GET /audit/export.csv": Rule(AUDITORS, READ),
    "GET /api/v1/me": Rule(ALL, READ),
    "GET /api/v1/catalog": Rule(ALL, READ),
    "POST /api/v1/previews": Rule(MEMBERS, ASK),
    "GET /api/v1/requests": Rule(ALL, READ),
    "POST /api/v1/requests": Rule(MEMBERS, ASK),
    "GET /api/v1/requests/{id}": Rule(ALL, READ, "request"),
    "PUT /api/v1/requests/{id}": Rule(MEMBERS, ASK, "request"),
    "POST /api/v1/requests/{id}/withdrawal": Rule(MEMBERS, ASK, "request"),
    "POST /api/v1/requests/{id}/retry": Rule(MEMBERS, ASK, "request"),
    "GET /api/v1/requests/{id}/facts": Rule(TAKERS, READ, "request", DECIDERS),
    "POST /api/v1/requests/{id}/decision": Rule(TAKERS, Scope.APPROVE, "request", DECIDERS),
    "POST /api/v1/requests/{id}/review": Rule(TAKERS, Scope.APPROVE, "request", DECIDERS),
    "GET /api/v1/requests/{id}/events": Rule(ALL, READ, "request"),
    "GET /api/v1/approvals": Rule(TAKERS, READ),
    "GET /api/v1/reviews": Rule(TAKERS, READ),
    "GET /api/v1/delegations": Rule(TAKERS, READ),
    "POST /api/v1/delegations": Rule(DECIDERS, Scope.APPROVE),
    "POST /api/v1/delegations/{id}/revocation": Rule(TAKERS, Scope.APPROVE, "nobody"),
    "GET /api/v1/agencies": Rule(ALL, READ),
    "GET /api/v1/agencies/{id}": Rule(ALL, READ, "agency"),
    "GET /api/v1/operations": Rule(OVERSEERS, READ),
    "GET /api/v1/notices": Rule(ALL, READ),
    "POST /api/v1/notices/read": Rule(ALL, READ),
    "GET /api/v1/deployments": Rule(ALL, READ),
    "GET /api/v1/deployments/{id}": Rule(ALL, READ, "deployment"),
    "GET /api/v1/deployments/{id}/usage": Rule(ALL, READ, "deployment"),
    "POST /api/v1/deployments/{id}/actions": Rule(MEMBERS, Scope.OPERATE, "deployment"),
    "GET /api/v1/deployments/{id}/events": Rule(ALL, READ, "deployment"),
    "GET /api/v1/deployments/{id}/console": Rule(MEMBERS, Scope.OPERATE, "deployment"),
    "POST /api/v1/deployments/{id}/console": Rule(MEMBERS, Scope.OPERATE, "deployment"),
    "POST /api/v1/deployments/{id}/changes": Rule(MEMBERS, Scope.OPERATE, "deployment"),
    "GET /api/v1/audit": Rule(AUDITORS, READ),
}
THINGS = {
    "request": ("r13", "r15"),
    "deployment": ("d-hongbang", "d-lechan"),
    "agency": ("hongbang", "lechan"),
    "nobody": ("t1", "t1"),
    "": ("", ""),
}
"""What hongbang has, and the like of it of lechan. Both requests are fulfilled: their streams end."""
DRAFT = {
    "items": [{"item": "plain-server", "values": {"size": "nho", "name": "web-03"}}],
    "purpose": "Thử quyền truy cập",
}
BODIES = {
    "/api/v1/previews": DRAFT,
    "/api/v1/requests": DRAFT,
    "/api/v1/requests/{id}": {**DRAFT, "version": 1},
    "/api/v1/requests/{id}/withdrawal": {"version": 1},
    "/api/v1/requests/{id}/retry": {"version": 1},
    "/api/v1/requests/{id}/decision": {"version": 1, "verdict": "approve"},
    "/api/v1/requests/{id}/review": {"justified": True},
    "/api/v1/delegations": {"taker": "u-hoa", "stage": "city", "first": "2026-12-01", "last": "2026-12-02"},
    "/api/v1/delegations/{id}/revocation": None,
    "/api/v1/notices/read": {"ids": ["n1"]},
    "/api/v1/deployments/{id}/console": None,
    "/api/v1/deployments/{id}/changes": {"version": 1, "values": {"size": "vua"}},
    "/api/v1/deployments/{id}/actions": {"version": 1, "action": "reboot"},
}


def routes() -> Iterator[str]:
    """Each method and path that the application answers, as the application lists them."""
    from fastapi.routing import iter_route_contexts

    for context in iter_route_contexts(Stand().app.routes):
        route = context.original_route
        if isinstance(route, APIRoute):
            for method in sorted(route.methods - {"HEAD"}):
                yield f"{method} {context.path}"


def ask(client: Client, route: str, thing: str, **more: object) -> int:
    """The status of an answer; a form carries its token, JSON the header of a page's own script."""
    method, path = route.split(" ")
    place = path.replace("{id}", thing)
    headers = {"Idempotency-Key": "matrix-key-1", **client.headers_of_a_script()}
    if method == "GET":
        return client.get(place).status_code
    if path.startswith("/api/"):
        return client.request(method, place, json=BODIES[path], headers=headers).status_code
    return client.post(place, data={"csrf": client.csrf_or(""), "do": "check", "version": "1"}).status_code


def test_every_route_has_a_rule_and_every_rule_a_route() -> None:
    assert sorted(set(routes())) == sorted(RULES)


@pytest.mark.parametrize("route", [route for route, rule in RULES.items() if isinstance(rule, Rule)])
def test_nobody_gets_in_without_signing_in(route: str) -> None:
    rule = RULES[route]
    assert isinstance(rule, Rule)
    with Stand().client() as client:
        status = ask(client, route, THINGS[rule.of][0])
    page = route.startswith("GET") and "/api/" not in route
    assert status == (303 if page else 401)


@pytest.mark.parametrize("id", PEOPLE)
@pytest.mark.parametrize("route", [route for route, rule in RULES.items() if isinstance(rule, Rule)])
def test_a_role_gets_what_it_may_and_another_agencys_things_do_not_exist(route: str, id: str) -> None:
    rule, person = RULES[route], PEOPLE[id]
    assert isinstance(rule, Rule)
    for thing, agency in zip(THINGS[rule.of], ("hongbang", "lechan"), strict=True):
        with Stand().as_person(id) as client:
            status = ask(client, route, thing)
        if not person.roles & rule.roles:
            assert status == 403, f"{route} {thing}"
        elif rule.of and (rule.of == "nobody" or not person.sees(agency)):
            assert status == 404, f"{route} {thing}"
        elif not person.roles & rule.within:
            assert status == 403, f"{route} {thing}"
        else:
            # What its state forbids is told to who may see it; nobody learns it otherwise.
            allowed = {200, 201, 204, 303, 422} | (
                {403, 404, 409} if route.split(" ", maxsplit=1)[0] != "GET" or "change" in route else set()
            )
            assert status in allowed, f"{route} {thing}"


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize(
    "route", [route for route in RULES if "/api/" in route and isinstance(RULES[route], Rule)]
)
def test_a_token_opens_only_what_its_scope_is_for(route: str, scope: Scope) -> None:
    rule, stand = RULES[route], Stand()
    assert isinstance(rule, Rule)
    operator = stand.as_person("u-dung")
    session = stand.access.session(operator.cookies["__Host-session"])
    assert session is not None
    _, secret = stand.access.issue(session, "matrix", frozenset({scope}), 1)
    with stand.client() as client:
        client.headers["Authorization"] = f"Bearer {secret}"
        status = ask(client, route, THINGS[rule.of][0])
    assert (status in {401}) is False
    if rule.scope != scope:
        assert status == 403
    else:
        assert status in {200, 201, 204, 403, 404, 409, 422}
        assert status != 403 or rule.of == "request"


def test_a_list_holds_nothing_of_another_agency() -> None:
    stand = Stand()
    for id, person in PEOPLE.items():
        with stand.as_person(id) as client:
            for path in ("/api/v1/requests", "/api/v1/deployments"):
                agencies = {one["agency"] for one in client.get(path).json()["items"]}
                assert agencies == {code for code in ("hongbang", "lechan") if person.sees(code)}
                narrowed = client.get(path, params={"agency": "lechan"}).json()["items"]
                assert bool(narrowed) == person.sees("lechan")
            text = re.sub(r"\s+", " ", client.get("/requests").text)
            assert ("YC-2026-000014" in text) == person.sees("lechan")


def test_a_role_that_was_taken_away_is_gone_within_minutes() -> None:
    stand = Stand()
    with stand.as_person("u-binh") as client:
        assert client.get("/approvals/r12").status_code == 200
        stand.directory.people["u-binh"] = PEOPLE["u-hoa"].__class__(
            "u-binh", "binh", "hongbang", frozenset({Role.MEMBER})
        )
        stand.later(timedelta(minutes=6))
        assert client.get("/approvals/r12").status_code == 403
        del stand.directory.people["u-binh"]
        stand.later(timedelta(minutes=6))
        assert client.get("/approvals").status_code == 303

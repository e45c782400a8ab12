"""Deployments: the list, and one with how to reach it and what can be done with it."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from infra.domain.words import Words
from infra.portal import ability, api, live
from infra.portal.interface import InputRefused
from infra.portal.language import ACTIONS, DETAILED_ACTIONS
from infra.portal.usage_chart import usage_facts
from infra.portal.view import render
from infra.portal.visitor import Posted, Visitor, may, posts, wiring

router = APIRouter()
Reading = Annotated[Visitor, Depends(may(ability.READ))]
SURE = {"stop", "reboot", "retire", "rebuild", "revert", "restore", "delete_snapshot", "transfer"}
"""Actions that people are asked about once more."""
VALUES = {
    "open": ("service", "source", "port"),
    "close": ("opening",),
    "snapshot": ("name",),
    "delete_snapshot": ("snapshot",),
    "revert": ("snapshot",),
    "transfer": ("to",),
}
"""What is entered for an action, by the names of `Services.act`."""


@router.get("/deployments")
def deployments(
    request: Request, visitor: Reading, state: api.Short = "", agency: api.Short = "", after: api.After = ""
) -> Response:
    page = api.deployments(request, visitor, state, agency, after, 25)
    seen = wiring(request).services.agencies(visitor.known)
    return render(
        request, visitor, "deployments.html", page=page, chosen=state, agency=agency, after=after, seen=seen
    )


@router.get("/deployments/{id}")
def deployment(request: Request, visitor: Reading, id: str) -> Response:
    return _page(request, visitor, id)


@router.get("/deployments/{id}/progress")
def progress(request: Request, visitor: Reading, id: str) -> Response:
    """The part of the page that changes while its disk is made new or a snapshot is taken."""
    found = wiring(request).services.deployment(visitor.known, id)
    return render(request, visitor, "upkeep.html", deployment=found, entered={}, wrong={})


@router.get("/deployments/{id}/console")
def console(request: Request, visitor: api.Operating, id: str) -> Response:
    return render(request, visitor, "console.html", id=id, console=api.console(request, visitor, id))


@router.post("/deployments/{id}/console")
def remote_console(
    request: Request, sent: Annotated[Posted, Depends(posts(ability.OPERATE))], id: str
) -> Response:
    """To the server's screen, in a tab of its own: the address is a secret, which no page has in it."""
    found = wiring(request).services.remote_console(sent.visitor.known, id)
    return RedirectResponse(found.url, HTTPStatus.SEE_OTHER, {"Referrer-Policy": "no-referrer"})


@router.post("/deployments/{id}")
def act(request: Request, sent: Annotated[Posted, Depends(posts(ability.OPERATE))], id: str) -> Response:
    """The action, after a page that asks whether it is meant where it stops or loses something."""
    action = sent.text("action")
    if action not in ACTIONS and action not in DETAILED_ACTIONS:
        return _page(request, sent.visitor, id, HTTPStatus.UNPROCESSABLE_ENTITY)
    values = {name: sent.text(name).strip() for name in VALUES.get(action, ())}
    if action in SURE and all(values.values()) and sent.text("sure") != "yes":
        return _page(request, sent.visitor, id, asking=action, entered=values)
    version = sent.text("version")
    number = int(version) if version.isdecimal() and len(version) < 10 else 0
    person, key = sent.visitor.known, sent.text("key")
    try:
        wiring(request).services.act(person, id, action, number, key, values)
    except InputRefused as refused:
        wrong = {one.field.removeprefix("values."): one.told for one in refused.problems}
        refusal = HTTPStatus.UNPROCESSABLE_ENTITY
        return _page(request, sent.visitor, id, refusal, entered=values, wrong=wrong)
    return RedirectResponse(f"/deployments/{id}", HTTPStatus.SEE_OTHER)


def _page(
    request: Request, visitor: Visitor, id: str, status: int = HTTPStatus.OK, asking: str = "",
    entered: Mapping[str, str] | None = None, wrong: Mapping[str, Words] | None = None,
) -> Response:  # fmt: skip
    services = wiring(request).services
    found = services.deployment(visitor.known, id)
    usage = None if asking else usage_facts(services.usage(visitor.known, id), visitor.reader)
    return render(
        request, visitor, "deployment.html", status, deployment=found, asking=asking, usage=usage,
        entered=entered or {}, wrong=wrong or {}, shown=live.of_deployment(found).told,
    )  # fmt: skip

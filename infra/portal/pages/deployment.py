"""Deployments: the list, and one with how to reach it and what can be done with it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from infra.portal import ability, api
from infra.portal.language import ACTIONS
from infra.portal.schema import ActionIn
from infra.portal.usage_chart import usage_facts
from infra.portal.view import render
from infra.portal.visitor import Posted, Visitor, may, posts, wiring

router = APIRouter()
Reading = Annotated[Visitor, Depends(may(ability.READ))]
SURE = {"stop", "reboot", "retire"}
"""Actions that people are asked about once more."""


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


@router.post("/deployments/{id}")
def act(request: Request, sent: Annotated[Posted, Depends(posts(ability.OPERATE))], id: str) -> Response:
    """The action, after a page that asks whether it is meant where it stops something."""
    action = sent.text("action")
    if action not in ACTIONS:
        return _page(request, sent.visitor, id, HTTPStatus.UNPROCESSABLE_ENTITY)
    if action in SURE and sent.text("sure") != "yes":
        return _page(request, sent.visitor, id, asking=action)
    version = sent.text("version")
    wanted = ActionIn(action=action, version=int(version) if version.isdecimal() and len(version) < 10 else 0)
    api.act(request, sent.visitor, id, wanted, sent.text("key"))
    return RedirectResponse(f"/deployments/{id}", HTTPStatus.SEE_OTHER)


def _page(
    request: Request, visitor: Visitor, id: str, status: int = HTTPStatus.OK, asking: str = ""
) -> Response:
    services = wiring(request).services
    found = services.deployment(visitor.known, id)
    usage = None if asking else usage_facts(services.usage(visitor.known, id), visitor.reader)
    return render(request, visitor, "deployment.html", status, deployment=found, asking=asking, usage=usage)

"""Changing a deployment: the form of what can be changed of it, and handing it in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from infra.domain.parameter import ChangePolicy
from infra.portal import ability, api
from infra.portal.interface import Conflict, Deployment, Draft, FieldProblem, InputRefused, Line, NotFound
from infra.portal.request_form import Entered, whole
from infra.portal.view import render
from infra.portal.visitor import Posted, Visitor, may, posts, wiring

router = APIRouter()
Requesting = Annotated[Visitor, Depends(may(ability.REQUEST))]
Sent = Annotated[Posted, Depends(posts(ability.REQUEST))]
UNSIGNED = {"purpose", "legal_basis"}
"""What nobody has to say where nobody signs."""


@router.get("/deployments/{id}/change")
def change_form(request: Request, visitor: Requesting, id: str, again: api.Short = "") -> Response:
    """`again` is a returned request for this change, to be handed in again. Raises NotFound where there is
    nothing to change for this person.
    """
    found = wiring(request).services.deployment(visitor.known, id)
    if "change" not in found.may:
        raise NotFound(f"deployment {id}: nothing to change")
    entered = Entered.of_deployment(found)
    if again:
        before = api.one_request(request, visitor, again).draft
        line = next((one for one in before.items if one.deployment == id), None)
        if line is None:
            raise NotFound(f"request {again} changes something else")
        entered = entered.over(before, line.values)
    return _form(request, visitor, found, entered, again=again)


@router.post("/deployments/{id}/change")
def change(request: Request, sent: Sent, id: str) -> Response:
    visitor, again = sent.visitor, sent.text("again")
    found = wiring(request).services.deployment(visitor.known, id)
    entered = Entered.of_form({name: sent.text(name) for name in sent.form})
    if sent.text("do") != "submit":
        return _form(request, visitor, found, entered, again=again)
    draft = _draft(found, entered)
    try:
        made = _hand_in(request, sent, found, draft)
    except InputRefused as refused:
        wrong = HTTPStatus.UNPROCESSABLE_ENTITY
        return _form(request, visitor, found, entered, wrong, refused.problems, again=again)
    except Conflict as conflict:
        told = visitor.reader.words(conflict.told)
        return _form(request, visitor, found, entered, HTTPStatus.CONFLICT, alert=told, again=again)
    return RedirectResponse(f"/requests/{made}", HTTPStatus.SEE_OTHER)


def _hand_in(request: Request, sent: Posted, found: Deployment, draft: Draft) -> str:
    """At once where the catalog allows all of it, else as a request, or as a returned one again."""
    services, person, key = wiring(request).services, sent.visitor.known, sent.text("key")
    line, again = draft.items[0], sent.text("again")
    if again:
        version = api.one_request(request, sent.visitor, again).version
        services.change(person, again, draft, version, key)
        return again
    if _unsigned(found, line):
        return services.change_deployment(person, found.summary.id, line.values, line.version, key)
    return services.submit(person, draft, key)


def _unsigned(found: Deployment, line: Line) -> bool:
    policies = {one.name: one.change for one in found.changes}
    return bool(line.values) and all(policies.get(name) == ChangePolicy.ALLOWED for name in line.values)


def _draft(found: Deployment, entered: Entered) -> Draft:
    """Of the values only those that differ."""
    draft, _ = entered.draft(())
    usual = {one.name: "false" if one.kind.value == "switch" else "" for one in found.changes}
    stood = {**usual, **{name: value for name, value in found.values.items() if value}}
    given = draft.items[0].values if draft.items else {}
    values = {name: value for name, value in given.items() if value != stood.get(name, "")}
    line = Line(found.item, values, 1, found.summary.id, whole(entered.value("items[0].version")))
    return replace(draft, items=(line,), end=None)


def _form(
    request: Request, visitor: Visitor, found: Deployment, entered: Entered, status: int = HTTPStatus.OK,
    problems: Sequence[FieldProblem] = (), *, alert: str = "", again: str = "",
) -> Response:  # fmt: skip
    """With what was refused, and what is taken and costs more."""
    draft = _draft(found, entered)
    preview = wiring(request).services.preview(visitor.known, draft)
    hidden = UNSIGNED if _unsigned(found, draft.items[0]) else set()
    wrong = {one.field: one.told for one in problems if one.field not in hidden}
    labels = {f"items[0].values.{one.name}": one.label for one in found.changes}
    return render(
        request, visitor, "change.html", status, deployment=found, entered=entered, preview=preview,
        problems=wrong, labels=labels, alert=alert, again=again, stands=_stands(found),
        signed=any(one.change == ChangePolicy.REQUESTED for one in found.changes),
    )  # fmt: skip


def _stands(found: Deployment) -> dict[str, object]:
    """By parameter what stands, as people read it."""
    told = dict(found.stands)
    return {one.name: told.get(one.label) for one in found.changes}

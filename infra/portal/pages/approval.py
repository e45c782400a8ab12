"""Approvals: what waits for this person's decision, and the page with the facts to decide by."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from infra.domain.deployment import UNJUSTIFIED_DAYS
from infra.portal import ability, api
from infra.portal.interface import Conflict, InputRefused
from infra.portal.pages.request import _version as version_of
from infra.portal.schema import DecisionIn
from infra.portal.view import render
from infra.portal.visitor import Posted, Visitor, may, posts, wiring

router = APIRouter()
Deciding = Annotated[Visitor, Depends(may(ability.DECIDE))]
VERDICTS = ("approve", "return", "reject")


@router.get("/approvals")
def approvals(request: Request, visitor: Deciding, after: api.After = "") -> Response:
    page = api.approvals(request, visitor, after, 25)
    return render(request, visitor, "approvals.html", page=page, after=after)


@router.get("/approvals/reviews")
def reviews(request: Request, visitor: Deciding, after: api.After = "") -> Response:
    page = api.reviews(request, visitor, after, 25)
    return render(request, visitor, "reviews.html", page=page, after=after)


@router.get("/approvals/{id}")
def approval(request: Request, visitor: Deciding, id: str) -> Response:
    return _page(request, visitor, id)


@router.post("/approvals/{id}")
def decide(request: Request, sent: Annotated[Posted, Depends(posts(ability.DECIDE))], id: str) -> Response:
    visitor, verdict, reason = sent.visitor, sent.text("verdict"), sent.text("reason")
    if verdict not in VERDICTS or len(reason) > 2000:
        return _page(request, visitor, id, HTTPStatus.UNPROCESSABLE_ENTITY, reason=reason, wrong="verdict")
    decision = DecisionIn.model_validate({"verdict": verdict, "reason": reason, "version": version_of(sent)})
    try:
        api.decide(request, visitor, id, decision, sent.text("key"))
    except InputRefused as refused:
        told = "; ".join(visitor.reader.words(one.told) for one in refused.problems)
        return _page(
            request, visitor, id, HTTPStatus.UNPROCESSABLE_ENTITY, reason=reason, wrong="reason", alert=told,
            verdict=verdict,
        )  # fmt: skip
    except Conflict as conflict:
        told = visitor.reader.words(conflict.told)
        return _page(request, visitor, id, HTTPStatus.CONFLICT, reason=reason, alert=told, verdict=verdict)
    return RedirectResponse("/approvals?done=1", HTTPStatus.SEE_OTHER)


@router.post("/approvals/{id}/review")
def review(request: Request, sent: Annotated[Posted, Depends(posts(ability.DECIDE))], id: str) -> Response:
    visitor, verdict, reason = sent.visitor, sent.text("verdict"), sent.text("reason")
    if verdict not in ("approve", "reject") or len(reason) > 2000:
        return _page(request, visitor, id, HTTPStatus.UNPROCESSABLE_ENTITY, reason=reason, wrong="verdict")
    try:
        wiring(request).services.review(visitor.known, id, verdict, reason, sent.text("key"))
    except InputRefused as refused:
        told = "; ".join(visitor.reader.words(one.told) for one in refused.problems)
        return _page(
            request, visitor, id, HTTPStatus.UNPROCESSABLE_ENTITY, reason=reason, wrong="reason", alert=told,
            verdict=verdict,
        )  # fmt: skip
    return RedirectResponse("/approvals/reviews?done=1", HTTPStatus.SEE_OTHER)


def _page(
    request: Request, visitor: Visitor, id: str, status: int = HTTPStatus.OK, *, reason: str = "",
    wrong: str = "", alert: str = "", verdict: str = "",
) -> Response:  # fmt: skip
    services = wiring(request).services
    return render(
        request, visitor, "approval.html", status, request=services.request(visitor.known, id),
        facts=services.facts(visitor.known, id), verdicts=VERDICTS, reason=reason, wrong=wrong, alert=alert,
        verdict=verdict, unjustified_days=UNJUSTIFIED_DAYS,
    )  # fmt: skip

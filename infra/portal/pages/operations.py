"""The cloud's work: the queue, what failed, and what still fits."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from infra.portal import ability, api
from infra.portal.view import render
from infra.portal.visitor import Visitor, may, wiring

router = APIRouter()


@router.get("/operations")
def operations(request: Request, visitor: Annotated[Visitor, Depends(may(ability.OVERSEE))]) -> Response:
    found = api.operations(request, visitor)
    return render(request, visitor, "operations.html", found=found, ops_url=wiring(request).ops_url)

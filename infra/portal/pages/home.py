"""Home, the catalog, and the public status page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from infra.portal import ability
from infra.portal.view import render
from infra.portal.visitor import Visitor, anyone, may, wiring

router = APIRouter()


@router.get("/")
def home(request: Request, visitor: Annotated[Visitor, Depends(may(ability.READ))]) -> Response:
    return render(request, visitor, "home.html", home=wiring(request).services.home(visitor.known))


@router.get("/catalog")
def catalog(request: Request, visitor: Annotated[Visitor, Depends(may(ability.REQUEST))]) -> Response:
    return render(request, visitor, "catalog.html", items=wiring(request).services.catalog(visitor.known))


@router.get("/status")
def status(request: Request, visitor: Annotated[Visitor, Depends(anyone)]) -> Response:
    return render(request, visitor, "status.html", status=wiring(request).services.status())

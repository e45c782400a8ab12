"""The portal as an ASGI application."""

from __future__ import annotations

import gc
from importlib import resources

from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST

from infra.portal import api, problem
from infra.portal.guard import Guard
from infra.portal.metrics import LONGEST_SECONDS, Measured
from infra.portal.pages import (
    account,
    agency,
    approval,
    audit,
    change,
    delegation,
    deployment,
    home,
    notice,
    operations,
    request,
    sign_in,
)
from infra.portal.problem import Problem
from infra.portal.wiring import Wiring

PAGES = (
    home, request, delegation, approval, deployment, change, agency, operations, notice, audit, account,
    sign_in,
)  # fmt: skip
"""In the order in which their routes are tried: /approvals/delegations is no approval's id."""
HEALTHY = "/-/healthy"
METRICS = "/-/metrics"
"""What begins with /-/ is for the management network: the load balancer shows it to nobody."""
SCRAPE_LIMIT = "X-Prometheus-Scrape-Timeout-Seconds"
DESCRIPTION = """\
Ask for what the city's cloud offers, decide on requests, and use what was made.

A program sends a token (`Authorization: Bearer`), which a person makes on the portal's account page with
scopes and an end; it may do what both its scopes and the person's roles allow. What belongs to another agency
is not found. A call that changes something has an `Idempotency-Key`, chosen by the caller: sent again with
the same body, it does its work once and answers the same. Lists have pages: `next` of one is `after` of the
following. Failures are problems (RFC 9457) with a stable `code`, their sentences in the language of
`Accept-Language`: vi or en. How often one may call is limited: 429 says by `Retry-After` when to call again.
"""


def create_app(wiring: Wiring) -> FastAPI:
    """Everything comes with `wiring`: nothing here reads the environment or the clock."""
    app = FastAPI(
        title="City Cloud", version="1", openapi_url=f"{api.ROOT}/openapi.json", docs_url=None,
        redoc_url=None, description=DESCRIPTION, redirect_slashes=False,
    )  # fmt: skip
    app.state.wiring = wiring
    app.add_middleware(Guard, consoles=wiring.console_origin)
    app.add_middleware(Measured)
    problem.install(app)
    app.include_router(api.router)
    for page in PAGES:
        app.include_router(page.router, include_in_schema=False)
    app.add_api_route(HEALTHY, _healthy, include_in_schema=False)
    app.add_api_route(METRICS, _metrics, include_in_schema=False)
    static = str(resources.files("infra.portal").joinpath("static"))
    app.mount("/static", StaticFiles(directory=static), name="static")
    _document(app)
    return app


def keep_what_is_loaded() -> None:
    """Before serving: the garbage collector need not look through modules and the application, which are to
    stay. With them a full collection stops all pages for 120 ms.
    """
    gc.collect()
    gc.freeze()


def _healthy() -> Response:
    """That the process answers; what it needs is watched by its own metrics."""
    return Response("ok\n", media_type="text/plain")


def _metrics(request: Request) -> Response:
    """Within the time that Prometheus says it waits."""
    said = request.headers.get(SCRAPE_LIMIT, "")
    limit = float(said) if said.replace(".", "", 1).isdecimal() else LONGEST_SECONDS
    return Response(
        request.app.state.wiring.metrics.exposition(limit), headers={"Content-Type": CONTENT_TYPE_LATEST}
    )


def _document(app: FastAPI) -> None:
    """The OpenAPI document, with the shape of problems and how to sign in."""
    made = app.openapi()
    parts = made.setdefault("components", {})
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    parts.setdefault("schemas", {}).update({**schema.pop("$defs"), "Problem": schema})
    parts["schemas"].pop("HTTPValidationError", None)
    parts["schemas"].pop("ValidationError", None)
    parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    made["security"] = [{"token": []}]
    for path in made["paths"].values():
        for one in path.values():
            if one.get("security") == []:  # nobody has to say who they are
                for refused in ("401", "403"):
                    one["responses"].pop(refused)
    app.openapi_schema = made

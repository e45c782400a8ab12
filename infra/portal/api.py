"""The REST API. The pages' own forms call the same functions, so whatever a page can do a program can."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from infra.portal import ability, interface, live
from infra.portal.interface import AuditFilter, Page
from infra.portal.problem import answers
from infra.portal.schema import (
    ActionIn,
    ChangeIn,
    DecisionIn,
    DelegationIn,
    DraftIn,
    Me,
    ReadIn,
    ReviewIn,
    Submitted,
    ValuesIn,
    VersionIn,
)
from infra.portal.visitor import Visitor, anyone, count_read, may, wiring

ROOT = "/api/v1"
router = APIRouter(prefix=ROOT, responses=answers())

Reading = Annotated[Visitor, Depends(may(ability.READ))]
Requesting = Annotated[Visitor, Depends(may(ability.REQUEST))]
Deciding = Annotated[Visitor, Depends(may(ability.DECIDE))]
Signing = Annotated[Visitor, Depends(may(ability.SIGN))]
Overseeing = Annotated[Visitor, Depends(may(ability.OVERSEE))]
Weighing = Annotated[Visitor, Depends(may(ability.SEE_FACTS))]
Operating = Annotated[Visitor, Depends(may(ability.OPERATE))]
Auditing = Annotated[Visitor, Depends(may(ability.AUDIT))]
Key = Annotated[
    str, Header(alias="Idempotency-Key", min_length=8, max_length=100, pattern=r"^[\x21-\x7e]+$",
                description="Chosen by the caller; sent again, it does its work once."),
]  # fmt: skip
Id = Annotated[str, Path(max_length=64, description="As a list or an answer gave it.")]
After = Annotated[
    str, Query(max_length=200, description="`next` of the page before; nothing for the first page.")
]
Limit = Annotated[int, Query(ge=1, le=200, description="How many rows the page has at most.")]
Short = Annotated[str, Query(max_length=63, description="Only those; nothing for all.")]
NO_CONTENT: dict[str, Any] = {"status_code": HTTPStatus.NO_CONTENT, "responses": answers(404, 409)}
LOCATION = {"Location": {"description": "Where the request stands.", "schema": {"type": "string"}}}
NOT_TOLD = {"Referrer-Policy": {"description": "no-referrer", "schema": {"type": "string"}}}
ONE: dict[str, Any] = {"responses": answers(404)}


@router.get("/me", summary="Who I am")
def me(visitor: Reading) -> Me:
    return Me.of(visitor.known, visitor.scopes)


@router.get("/catalog", summary="What can be asked for")
def catalog(request: Request, visitor: Reading) -> tuple[interface.Item, ...]:
    return wiring(request).services.catalog(visitor.known)


@router.post("/previews", summary="What a draft would take, and what is wrong with it; nothing is kept")
def preview(request: Request, visitor: Requesting, draft: DraftIn) -> interface.Preview:
    return wiring(request).services.preview(visitor.known, draft.draft())


@router.get("/requests", summary="Requests, newest first")
def requests(
    request: Request, visitor: Reading, state: Short = "", agency: Short = "", mine: bool = False,
    after: After = "", limit: Limit = 50,
) -> Page[interface.RequestSummary]:  # fmt: skip
    return wiring(request).services.requests(
        visitor.known, state=state, agency=agency, mine=mine, after=after, limit=limit
    )


@router.post(
    "/requests", summary="Ask", status_code=HTTPStatus.CREATED,
    responses={201: {"headers": LOCATION}, **answers(409)},
)  # fmt: skip
def submit(request: Request, visitor: Requesting, draft: DraftIn, key: Key, response: Response) -> Submitted:
    made = wiring(request).services.submit(visitor.known, draft.draft(), key)
    response.headers["Location"] = f"{ROOT}/requests/{made}"
    return Submitted(id=made)


@router.get("/requests/{id}", summary="A request", **ONE)
def one_request(request: Request, visitor: Reading, id: Id) -> interface.Request:
    return wiring(request).services.request(visitor.known, id)


@router.put("/requests/{id}", summary="Hand in a returned request again", **NO_CONTENT)
def change(request: Request, visitor: Requesting, id: Id, draft: ChangeIn, key: Key) -> None:
    wiring(request).services.change(visitor.known, id, draft.draft(), draft.version, key)


@router.post("/requests/{id}/withdrawal", summary="Withdraw a request", **NO_CONTENT)
def withdraw(request: Request, visitor: Requesting, id: Id, seen: VersionIn, key: Key) -> None:
    wiring(request).services.withdraw(visitor.known, id, seen.version, key)


@router.post("/requests/{id}/retry", summary="Try a failed request again", **NO_CONTENT)
def retry(request: Request, visitor: Requesting, id: Id, seen: VersionIn, key: Key) -> None:
    wiring(request).services.retry(visitor.known, id, seen.version, key)


@router.get("/requests/{id}/facts", summary="What there is to weigh before deciding", **ONE)
def facts(request: Request, visitor: Weighing, id: Id) -> interface.Facts:
    return wiring(request).services.facts(visitor.known, id)


@router.post("/requests/{id}/decision", summary="Approve, reject or return a request", **NO_CONTENT)
def decide(request: Request, visitor: Deciding, id: Id, decision: DecisionIn, key: Key) -> None:
    wiring(request).services.decide(
        visitor.known, id, decision.verdict, decision.reason, decision.version, key
    )


@router.post("/requests/{id}/review", summary="Review an emergency", **NO_CONTENT)
def review(request: Request, visitor: Deciding, id: Id, seen: ReviewIn, key: Key) -> None:
    verdict = "approve" if seen.justified else "reject"
    wiring(request).services.review(visitor.known, id, verdict, seen.reason, key)


@router.get(
    "/requests/{id}/events", summary="Progress, as server-sent events", response_class=StreamingResponse,
    responses={200: {"content": live.DOCUMENTED, "description": live.__doc__}, **answers(404)},
)  # fmt: skip
def events(request: Request, visitor: Reading, id: Id) -> StreamingResponse:
    wired, person = wiring(request), visitor.known
    wired.services.request(person, id)  # not found is an answer, not an event
    return live.stream(
        wired, person, lambda: live.of_request(wired.services.request(person, id)), _still(request)
    )


def _still(request: Request) -> Callable[[], bool]:
    """Whether the cookie or token that opened a stream is still good for it."""

    def asked() -> bool:
        return anyone(request).may(ability.READ)

    return asked


@router.get("/approvals", summary="What waits for my decision, the most urgent first")
def approvals(
    request: Request, visitor: Weighing, after: After = "", limit: Limit = 50
) -> Page[interface.RequestSummary]:
    return wiring(request).services.to_decide(visitor.known, after=after, limit=limit)


@router.get("/reviews", summary="Emergencies that nobody has looked back at, the oldest first")
def reviews(
    request: Request, visitor: Weighing, after: After = "", limit: Limit = 50
) -> Page[interface.RequestSummary]:
    return wiring(request).services.to_review(visitor.known, after=after, limit=limit)


@router.get("/delegations", summary="Who signs for whom: those that I gave and took")
def delegations(request: Request, visitor: Weighing) -> interface.Delegations:
    return wiring(request).services.delegations(visitor.known)


@router.post(
    "/delegations", summary="Let a colleague sign in my place", status_code=HTTPStatus.CREATED,
    responses=answers(409),
)  # fmt: skip
def delegate(request: Request, visitor: Signing, wanted: DelegationIn, key: Key) -> Submitted:
    return Submitted(id=wiring(request).services.delegate(visitor.known, wanted.wanted(), key))


@router.post("/delegations/{id}/revocation", summary="End a delegation", **NO_CONTENT)
def revoke_delegation(request: Request, visitor: Deciding, id: Id, key: Key) -> None:
    wiring(request).services.revoke_delegation(visitor.known, id, key)


@router.get("/agencies", summary="Agencies with their quota, deployments and open requests")
def agencies(request: Request, visitor: Reading) -> tuple[interface.AgencySummary, ...]:
    return wiring(request).services.agency_summaries(visitor.known)


@router.get("/agencies/{id}", summary="An agency, by its code", **ONE)
def agency(request: Request, visitor: Reading, id: Id) -> interface.Agency:
    return wiring(request).services.agency(visitor.known, id)


@router.get("/operations", summary="What the cloud works on, what failed, and what still fits")
def operations(request: Request, visitor: Overseeing) -> interface.Operations:
    return wiring(request).services.operations(visitor.known)


@router.get("/notices", summary="What I was told, the newest first")
def notices(
    request: Request, visitor: Reading, unread: bool = False, after: After = "", limit: Limit = 50
) -> Page[interface.Notice]:
    return wiring(request).services.notices(visitor.known, unread=unread, after=after, limit=limit)


@router.post(
    "/notices/read", summary="Mark notices of mine as read", status_code=HTTPStatus.NO_CONTENT,
    responses=answers(409),
)  # fmt: skip
def read_notices(request: Request, visitor: Reading, seen: ReadIn, key: Key) -> None:
    """The same again changes nothing, whatever its key."""
    wiring(request).services.read_notices(visitor.known, seen.ids)


@router.get("/deployments", summary="Deployments, newest first")
def deployments(
    request: Request, visitor: Reading, state: Short = "", agency: Short = "", after: After = "",
    limit: Limit = 50,
) -> Page[interface.DeploymentSummary]:  # fmt: skip
    return wiring(request).services.deployments(
        visitor.known, state=state, agency=agency, after=after, limit=limit
    )


@router.get("/deployments/{id}", summary="A deployment", **ONE)
def deployment(request: Request, visitor: Reading, id: Id) -> interface.Deployment:
    return wiring(request).services.deployment(visitor.known, id)


@router.get("/deployments/{id}/usage", summary="How much of the time it answered, and how busy it is", **ONE)
def usage(request: Request, visitor: Reading, id: Id) -> interface.Usage:
    """`state` says whether anything is known: monitoring that does not answer is no failure of this call."""
    return wiring(request).services.usage(visitor.known, id)


@router.post("/deployments/{id}/actions", summary="Start, stop, open, restore, give back", **NO_CONTENT)
def act(request: Request, visitor: Operating, id: Id, wanted: ActionIn, key: Key) -> None:
    wiring(request).services.act(visitor.known, id, wanted.action, wanted.version, key, wanted.values)


@router.get(
    "/deployments/{id}/events", summary="Progress of a rebuild and of snapshots, as server-sent events",
    response_class=StreamingResponse,
    responses={200: {"content": live.DOCUMENTED, "description": live.__doc__}, **answers(404)},
)  # fmt: skip
def deployment_events(request: Request, visitor: Reading, id: Id) -> StreamingResponse:
    wired, person = wiring(request), visitor.known
    wired.services.deployment(person, id)  # not found is an answer, not an event
    return live.stream(
        wired, person, lambda: live.of_deployment(wired.services.deployment(person, id)), _still(request)
    )


@router.get(
    "/deployments/{id}/console", summary="What its server printed last; that it was read is audited", **ONE
)
def console(request: Request, visitor: Operating, id: Id) -> interface.Console:
    return wiring(request).services.console(visitor.known, id)


@router.post(
    "/deployments/{id}/console", status_code=HTTPStatus.CREATED,
    summary="Where its server's screen and keyboard are; that it was asked for is audited",
    responses={201: {"headers": NOT_TOLD}, **answers(404, 409)},
)  # fmt: skip
def remote_console(
    request: Request, visitor: Operating, id: Id, response: Response
) -> interface.RemoteConsole:
    """`url` is a secret: whoever opens it before `expires_at` is at the keyboard. It is kept nowhere, so this
    call has no idempotency key: each makes another one.
    """
    response.headers["Referrer-Policy"] = "no-referrer"
    return wiring(request).services.remote_console(visitor.known, id)


@router.post(
    "/deployments/{id}/changes", status_code=HTTPStatus.CREATED,
    summary="Change at once what the catalog lets be changed without a signature",
    responses={201: {"headers": LOCATION}, **answers(404, 409)},
)  # fmt: skip
def change_deployment(
    request: Request, visitor: Operating, id: Id, wanted: ValuesIn, key: Key, response: Response
) -> Submitted:
    """The answer names the request that carries it out. What the catalog wants decided on is handed in as a
    request, with a line that names the deployment.
    """
    made = wiring(request).services.change_deployment(
        visitor.known, id, wanted.values, wanted.version, key
    )  # fmt: skip
    response.headers["Location"] = f"{ROOT}/requests/{made}"
    return Submitted(id=made)


@router.get("/audit", summary="Audit records, newest first")
def audit(
    request: Request, visitor: Auditing, agency: Short = "", who: Short = "", action: Short = "",
    text: Annotated[str, Query(max_length=200)] = "", since: date | None = None, until: date | None = None,
    after: After = "", limit: Limit = 50,
) -> Page[interface.AuditEntry]:  # fmt: skip
    wanted = AuditFilter(agency, who, action, text, since, until)
    return wiring(request).services.audit(visitor.known, wanted, after=after, limit=limit)


@router.get("/status", summary="How the cloud is; open to everybody", openapi_extra={"security": []})
def status(request: Request) -> interface.PublicStatus:
    count_read(request)
    return wiring(request).services.status()

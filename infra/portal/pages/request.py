"""Requests: the form, the list, one request with its progress, and what its owner can do with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from infra.domain.words import Words
from infra.portal import ability, api, live
from infra.portal.interface import Conflict, Draft, FieldProblem, InputRefused, Item, NotFound
from infra.portal.request_form import MAX_ITEMS, Entered, whole
from infra.portal.schema import VersionIn
from infra.portal.ssh_key import MadeKey, make_key
from infra.portal.view import fragment, render
from infra.portal.visitor import Posted, Visitor, may, posts, wiring

router = APIRouter()
Reading = Annotated[Visitor, Depends(may(ability.READ))]
Requesting = Annotated[Visitor, Depends(may(ability.REQUEST))]
Sent = Annotated[Posted, Depends(posts(ability.REQUEST))]
Send = Callable[[Draft], str]


@router.get("/requests")
def requests(
    request: Request, visitor: Reading, state: api.Short = "", agency: api.Short = "", mine: bool = False,
    after: api.After = "",
) -> Response:  # fmt: skip
    """All that the person may see; `mine` narrows to what they asked for."""
    page = api.requests(request, visitor, state, agency, mine, after, 25)
    seen = wiring(request).services.agencies(visitor.known)
    return render(
        request, visitor, "requests.html", page=page, chosen=state, agency=agency, mine=mine, after=after,
        seen=seen,
    )  # fmt: skip


@router.get("/requests/new")
def new(request: Request, visitor: Requesting, item: api.Short = "") -> Response:
    items = wiring(request).services.catalog(visitor.known)
    chosen = next((one for one in items if one.name == item), None)
    if chosen is None:
        return RedirectResponse("/catalog", HTTPStatus.SEE_OTHER)
    key = wiring(request).services.latest_key(visitor.known)
    return _form(request, visitor, Entered((), {}).plus(chosen).with_key(key, items), items, shy=True)


@router.post("/requests/new")
def submit(request: Request, sent: Sent) -> Response:
    services, person = wiring(request).services, sent.visitor.known
    return _sent(request, sent, lambda draft: services.submit(person, draft, sent.text("key")))


@router.post("/requests/check")
def check(request: Request, sent: Sent) -> Response:
    """For the script: what the form takes as HTML, and its problems by field."""
    visitor = sent.visitor
    items = wiring(request).services.catalog(visitor.known)
    draft, problems = Entered.of_form(_texts(sent)).draft(items)
    preview = wiring(request).services.preview(visitor.known, draft)
    told = {one.field: visitor.reader.words(one.told) for one in [*preview.problems, *problems]}
    takes = fragment(request, visitor, "takes.html", preview=preview)
    return JSONResponse({"takes": takes, "problems": told})


@router.get("/requests/{id}")
def one(request: Request, visitor: Reading, id: str) -> Response:
    found = api.one_request(request, visitor, id)
    return render(request, visitor, "request.html", request=found, shown=live.of_request(found).told)


@router.get("/requests/{id}/progress")
def progress(request: Request, visitor: Reading, id: str) -> Response:
    """The part of the page that changes while a request is carried out."""
    return render(request, visitor, "progress.html", request=api.one_request(request, visitor, id))


@router.get("/requests/{id}/change")
def change_form(request: Request, visitor: Requesting, id: str) -> Response:
    """Raises NotFound where there is nothing to change for this person."""
    found = api.one_request(request, visitor, id)
    if "change" not in found.may:
        raise NotFound(f"request {id}: nothing to change")
    changed = next((line.deployment for line in found.draft.items if line.deployment), "")
    if changed:
        return RedirectResponse(f"/deployments/{changed}/change?again={id}", HTTPStatus.SEE_OTHER)
    items = wiring(request).services.catalog(visitor.known)
    return _form(
        request, visitor, Entered.of_draft(found.draft), items, changing=found.summary.number,
        version=found.version,
    )  # fmt: skip


@router.post("/requests/{id}/change")
def change(request: Request, sent: Sent, id: str) -> Response:
    number = api.one_request(request, sent.visitor, id).summary.number
    version = _version(sent)

    def hand_in(draft: Draft) -> str:
        wiring(request).services.change(sent.visitor.known, id, draft, version, sent.text("key"))
        return id

    return _sent(request, sent, hand_in, changing=number, version=version)


@router.post("/requests/{id}/withdraw")
def withdraw(request: Request, sent: Sent, id: str) -> Response:
    api.withdraw(request, sent.visitor, id, VersionIn(version=_version(sent)), sent.text("key"))
    return RedirectResponse(f"/requests/{id}", HTTPStatus.SEE_OTHER)


@router.post("/requests/{id}/retry")
def retry(request: Request, sent: Sent, id: str) -> Response:
    api.retry(request, sent.visitor, id, VersionIn(version=_version(sent)), sent.text("key"))
    return RedirectResponse(f"/requests/{id}", HTTPStatus.SEE_OTHER)


def _sent(request: Request, sent: Posted, send: Send, **shown: Any) -> Response:
    """A form that came: one item more or less, a key made for it, only looked at, or handed in."""
    items = wiring(request).services.catalog(sent.visitor.known)
    entered, wish = Entered.of_form(_texts(sent)), sent.text("do")
    verb, _, what = wish.partition(":")
    if verb == "add" and len(entered.items) < MAX_ITEMS:
        what = what or sent.text("add")
        if more := next((item for item in items if item.name == what), None):
            key = next((value for _, value in entered.key_fields(items) if value), "")
            key = key or wiring(request).services.latest_key(sent.visitor.known)
            entered = entered.plus(more).with_key(key, items)
    if verb == "remove" and what.isdigit():
        entered = entered.less(int(what))
    if verb == "key" and entered.asks_for_key(what, items):
        pair = _made_key(request, sent.visitor)
        entered = entered.filled(what, pair.public)
        return _form(request, sent.visitor, entered, items, shy=True, made_key=pair, **shown)
    if verb != "submit":
        return _form(request, sent.visitor, entered, items, shy=verb != "check", **shown)
    draft, problems = entered.draft(items)
    wrong = HTTPStatus.UNPROCESSABLE_ENTITY
    if problems:
        return _form(request, sent.visitor, entered, items, wrong, **shown)
    try:
        made = send(draft)
    except InputRefused as refused:
        return _form(request, sent.visitor, entered, items, wrong, refused.problems, **shown)
    except Conflict as conflict:
        return _form(
            request, sent.visitor, entered, items, HTTPStatus.CONFLICT,
            alert=sent.visitor.reader.words(conflict.told), **shown,
        )  # fmt: skip
    return RedirectResponse(f"/requests/{made}", HTTPStatus.SEE_OTHER)


def _made_key(request: Request, visitor: Visitor) -> MadeKey:
    """A new pair. The record says that it was made, and for which public half."""
    person = visitor.known
    made = make_key(person.name)
    told = Words(
        f"{person.name} tạo khóa SSH {made.fingerprint}", f"{person.name} made the SSH key {made.fingerprint}"
    )
    wiring(request).services.record(person, "ssh_key.make", made.fingerprint, told, visitor.address)
    return made


def _form(
    request: Request, visitor: Visitor, entered: Entered, items: Sequence[Item],
    status: int = HTTPStatus.OK, problems: Sequence[FieldProblem] = (), *, shy: bool = False, alert: str = "",
    changing: str = "", version: int = 0, made_key: MadeKey | None = None,
) -> Response:  # fmt: skip
    """`shy` tells of no problem: the person has not finished yet. `made_key` is shown once, here."""
    draft, unread = entered.draft(items)
    preview = wiring(request).services.preview(visitor.known, draft)
    wrong = {} if shy else {one.field: one.told for one in [*preview.problems, *unread, *problems]}
    return render(
        request, visitor, "request_form.html", status, entered=entered, preview=preview, problems=wrong,
        alert=alert, items=items, by_name={item.name: item for item in items},
        labels=_labels(entered, items), changing=changing,
        version=version, room=len(entered.items) < MAX_ITEMS, made_key=made_key,
    )  # fmt: skip


def _labels(entered: Entered, items: Sequence[Item]) -> dict[str, Words]:
    """What the fields of the chosen items are called, by name: a summary of problems says it."""
    known = {item.name: item for item in items}
    return {
        f"items[{at}].values.{parameter.name}": parameter.label
        for at, name in enumerate(entered.items)
        if name in known
        for parameter in known[name].parameters
    }


def _texts(sent: Posted) -> dict[str, str]:
    return {name: sent.text(name) for name in sent.form}


def _version(sent: Posted) -> int:
    """The version that the form was made from; 0, which no request has, where it is missing."""
    return whole(sent.text("version"))

"""Requests as pages and API show them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from infra.domain import request as domain
from infra.domain.approval import (
    Delegation,
    Signature,
    SignatureRefused,
    Stage,
    Subject,
    Verdict,
    open_stages,
    review,
    reviews_missing,
    sign,
    stages,
)
from infra.domain.calendar import ESCALATE_AFTER
from infra.domain.deployment import Deployment
from infra.domain.parameter import Parameter as ParameterData
from infra.domain.person import Person, Role
from infra.domain.request import RequestState
from infra.domain.step import LABELS
from infra.domain.words import NOTHING, Words
from infra.portal.interface import (
    Choice,
    Decision,
    Draft,
    Kind,
    Line,
    Parameter,
    Request,
    RequestedItem,
    RequestSummary,
    Step,
    StepState,
)
from infra.portal.service.ground import Ground
from infra.portal.service.standing import standing
from infra.store import deployment as deployments
from infra.store import journal
from infra.store import request as requests
from infra.store.portal_database import Connection
from infra.store.request import Signed

STAGE_WORDS = {
    Stage.AGENCY: Words("Người duyệt của cơ quan", "The agency's approver"),
    Stage.CITY: Words("Tổ vận hành đám mây thành phố", "The city's cloud team"),
}
STAGE_STEPS = {
    Stage.AGENCY: Words("Cơ quan duyệt", "The agency approves"),
    Stage.CITY: Words("Thành phố duyệt", "The city approves"),
}


def number(request: domain.Request) -> str:
    """What people write and say."""
    return request.written


def subject(request: domain.Request) -> Subject:
    return Subject(request.requester, request.agency, request.security_level, request.emergency)


def of_round(request: domain.Request, signed: Sequence[Signed]) -> tuple[Signature, ...]:
    """Signatures that count: those of the request as it was handed in last."""
    return tuple(one.signature for one in signed if one.round == request.round)


def summary(ground: Ground, request: domain.Request, signed: Sequence[Signed]) -> RequestSummary:
    agency = ground.site.agencies.get(request.agency)
    name = Words(agency.name_vi, agency.name_en) if agency else Words(request.agency, request.agency)
    waits, due = _waiting(ground, request, of_round(request, signed))
    return RequestSummary(
        request.id, number(request), request.agency, name, request.requester_name, request.state,
        _title(ground, request), request.purpose, request.created, request.emergency, waits, due,
    )  # fmt: skip


def request(ground: Ground, connection: Connection, person: Person, found: domain.Request) -> Request:
    signed = requests.signatures(connection, found.id)
    return Request(
        summary(ground, found, signed),
        tuple(_item(ground, one) for one in found.items),
        found.end,
        found.legal_basis,
        tuple(_decision(one) for one in signed),
        _steps(connection, found, signed),
        _draft(found),
        _may(ground, connection, person, found, signed),
        found.version,
        Words(found.failure_vi, found.failure_en),
        _deployments(connection, found),
    )


def _deployments(connection: Connection, found: domain.Request) -> tuple[str, ...]:
    """What a request made, or changes."""
    if found.change is not None:
        return (found.change.deployment,)
    return tuple(one.id for one in deployments.of_request(connection, found.id))


def item_label(ground: Ground, name: str) -> Words:
    """A name that the catalog has no more stands for itself."""
    for one in ground.site.catalog.items:
        if one.name == name:
            return Words(one.name_vi, one.name_en)
    return Words(name, name)


def security_level(ground: Ground, one: Deployment) -> int:
    """That of the agency's system or of what it was made from, whichever is higher."""
    agency = ground.site.agencies.get(one.agency)
    levels = [item.security_level for item in ground.site.catalog.items if item.name == one.item]
    return max([agency.security_level if agency else 1, *levels])


def parameter(one: ParameterData) -> Parameter:
    choices = tuple(Choice(choice.value, choice.label, choice.help) for choice in one.choices)
    return Parameter(
        one.name, Kind(one.kind), one.label, one.help, one.required, one.default, choices, one.minimum,
        one.maximum, one.pattern, one.unit, one.unless, str(one.change or ""),
    )  # fmt: skip


def values(ground: Ground, item: str, held: Mapping[str, str]) -> tuple[tuple[Words, Words], ...]:
    """Values of an item, (label, value) as people read them, in the order of its form."""
    return tuple(
        (_label(ground, item, name), _told(ground, item, name, held[name]))
        for name in _in_order(ground, item, held)
    )


def _in_order(ground: Ground, item: str, names: Iterable[str]) -> list[str]:
    known = next((one for one in ground.site.catalog.items if one.name == item), None)
    places = {one.name: place for place, one in enumerate(known.parameters)} if known else {}
    return sorted(names, key=lambda name: (places.get(name, len(places)), name))


def _parameter(ground: Ground, item: str, name: str) -> ParameterData | None:
    known = next((one for one in ground.site.catalog.items if one.name == item), None)
    return next((one for one in known.parameters if one.name == name), None) if known else None


def _label(ground: Ground, item: str, name: str) -> Words:
    """A name that the catalog has no more stands for itself, as a value does."""
    known = _parameter(ground, item, name)
    return known.label if known else Words(name, name)


def _told(ground: Ground, item: str, name: str, value: str) -> Words:
    known = _parameter(ground, item, name)
    return known.told(value) if known and value else Words(value, value)


def _title(ground: Ground, request: domain.Request) -> Words:
    if request.change is not None:
        name = request.change.name
        return Words(f"Thay đổi {name}", f"Change of {name}")
    labels = [(one.count, item_label(ground, one.item)) for one in request.items]
    return Words(
        ", ".join(f"{count} × {label.vi}" for count, label in labels),
        ", ".join(f"{count} × {label.en}" for count, label in labels),
    )


def _waiting(
    ground: Ground, request: domain.Request, signed: Sequence[Signature]
) -> tuple[Words, datetime | None]:
    if request.state == RequestState.RETURNED:
        return Words("Người yêu cầu", "Who asked for it"), None
    if request.state == RequestState.APPROVED:
        if request.change is not None:
            return Words("Hệ thống đang thay đổi", "It is being changed"), None
        return Words("Hệ thống đang tạo", "It is being made"), None
    if request.state != RequestState.SUBMITTED:
        return NOTHING, None
    wanted = [STAGE_WORDS[one] for one in open_stages(subject(request), signed)]
    since = max([request.submitted, *(one.at for one in signed)])
    waits = Words(" / ".join(one.vi for one in wanted), " / ".join(one.en for one in wanted))
    return waits, ground.site.calendar.due(since, ESCALATE_AFTER)


def _item(ground: Ground, asked: domain.RequestItem) -> RequestedItem:
    label = item_label(ground, asked.item)
    if asked.change is None:
        return RequestedItem(asked.item, label, asked.count, values(ground, asked.item, asked.values))
    before = asked.change.before
    changes = tuple(
        (
            _label(ground, asked.item, name),
            _told(ground, asked.item, name, old),
            _told(ground, asked.item, name, new),
        )
        for name in _in_order(ground, asked.item, asked.values)
        if (old := before.get(name, "")) != (new := asked.values[name])
    )
    return RequestedItem(asked.item, label, 1, (), asked.change.name, changes)


def _decision(one: Signed) -> Decision:
    signed = one.signature
    stage = f"{signed.authority.stage}_review" if one.review else str(signed.authority.stage)
    return Decision(one.signer_name, stage, signed.verdict, signed.reason, signed.at)


def _steps(
    connection: Connection, request: domain.Request, signed: Sequence[Signed]
) -> tuple[Step, ...]:  # fmt: skip
    handed_in = Step(
        "submitted", Words("Gửi yêu cầu", "Handed in"), StepState.DONE, request.submitted, request.submitted
    )  # fmt: skip
    made = [
        Step(
            one.name, LABELS.get(one.name, Words(one.name, one.name)), StepState(one.state),
            one.started, one.ended, one.note,
        )
        for one in journal.steps(connection, request.id)
    ]  # fmt: skip
    last = {
        RequestState.FULFILLED: StepState.DONE,
        RequestState.FAILED: StepState.FAILED,
    }.get(request.state, StepState.WAITING)
    ended = made[-1].ended if made and last != StepState.WAITING else None
    active = Step("active", Words("Sẵn sàng sử dụng", "Ready for use"), last, ended, ended)
    return (handed_in, *_approval_steps(request, of_round(request, signed)), *made, active)


def _approval_steps(request: domain.Request, signed: Sequence[Signature]) -> list[Step]:
    if request.allowed:
        return []
    done = {one.authority.stage: one for one in signed}
    wanted = {*stages(subject(request)), *done}
    now = set(open_stages(subject(request), signed)) if request.state == RequestState.SUBMITTED else set()
    found = []
    for stage in (one for one in Stage if one in wanted):
        state, started, ended, note = StepState.WAITING, None, None, NOTHING
        if stage in done:
            approved = done[stage].verdict == Verdict.APPROVE
            state, ended = StepState.DONE if approved else StepState.FAILED, done[stage].at
            note = Words(done[stage].reason, done[stage].reason)
            started = max([request.submitted, *(one.at for one in signed if one.at < ended)])
        elif stage in now:
            state, started = StepState.RUNNING, max([request.submitted, *(one.at for one in signed)])
        found.append(Step(f"approve_{stage}", STAGE_STEPS[stage], state, started, ended, note))
    return found


def _draft(request: domain.Request) -> Draft:
    lines = tuple(_line(one) for one in request.items)
    return Draft(
        lines, request.purpose, request.end, request.legal_basis, request.emergency, request.agency
    )  # fmt: skip


def _line(asked: domain.RequestItem) -> Line:
    """Of a change only what differs; it is asked of the deployment as it then is."""
    if asked.change is None:
        return Line(asked.item, dict(asked.values), asked.count)
    before = asked.change.before
    differs = {name: value for name, value in asked.values.items() if value != before.get(name, "")}
    return Line(asked.item, differs, 1, asked.change.deployment)


def may_decide(
    person: Person, request: domain.Request, signed: Sequence[Signed], given: Sequence[Delegation],
    now: datetime,
) -> bool:  # fmt: skip
    return request.state == RequestState.SUBMITTED and _accepted(sign, person, request, signed, given, now)


def may_review(
    person: Person, request: domain.Request, signed: Sequence[Signed], given: Sequence[Delegation],
    now: datetime,
) -> bool:  # fmt: skip
    if not reviews_missing(subject(request), of_round(request, signed)):
        return False
    return _accepted(review, person, request, signed, given, now)


def unjustified(signed: Sequence[Signed]) -> Signed | None:
    """The review that found an emergency not justified, if one did."""
    return next((one for one in signed if one.review and one.signature.verdict == Verdict.REJECT), None)


def _accepted(  # noqa: PLR0917 (those of the two functions above)
    act: Callable[..., Signature], person: Person, request: domain.Request, signed: Sequence[Signed],
    given: Sequence[Delegation], now: datetime,
) -> bool:  # fmt: skip
    """Whether the person's signature would be one; asked of the rule itself, so that both never differ."""
    past = of_round(request, signed)
    try:
        act(person, subject(request), past, verdict=Verdict.APPROVE, reason="", delegations=given, now=now)
    except SignatureRefused:
        return False
    return True


def _may(
    ground: Ground, connection: Connection, person: Person, request: domain.Request,
    signed: Sequence[Signed],
) -> frozenset[str]:  # fmt: skip
    own, state = person.id == request.requester, request.state
    given, now = standing(ground, connection, person), ground.clock()
    retried = state == RequestState.FAILED and not unjustified(signed)
    asked = {
        "withdraw": own and state in (RequestState.SUBMITTED, RequestState.RETURNED, RequestState.FAILED),
        "change": own and state == RequestState.RETURNED,
        "retry": retried and (own or Role.OPERATOR in person.roles),
        "decide": may_decide(person, request, signed, given, now),
        "review": may_review(person, request, signed, given, now),
    }
    return frozenset(name for name, may in asked.items() if may)

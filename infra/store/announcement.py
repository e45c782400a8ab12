"""Announcements: which people are told of an event, and what. Each function writes its notices in the
transaction of the event and changes nothing where they were told already.

Who signs for an agency is known from those who have signed in. Where nobody is known who could, the city's
cloud team is told instead, so that no request waits for a person who does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

import sqlalchemy as sa

from infra.domain import notice_text
from infra.domain.approval import Signature, Stage, Subject, Verdict, open_stages, reviews_missing, verdict
from infra.domain.audit import moment
from infra.domain.deployment import Deployment, Ladder, LadderStep
from infra.domain.notice import Notice, NoticeKind
from infra.domain.person import Person
from infra.domain.request import Request, RequestState
from infra.domain.words import Words
from infra.store import notice as notices
from infra.store import person as people
from infra.store.portal_database import Transaction
from infra.store.portal_schema import DELEGATION


def handed_in(tx: Transaction, request: Request, subject: Subject, now: datetime) -> None:
    """Who has to sign first; in an emergency every approver of the agency and every operator."""
    if request.emergency:
        told = notice_text.emergency(request)
        everybody = [
            *people.approvers(tx.connection, request.agency, now), *people.operators(tx.connection, now)
        ]  # fmt: skip
        _tell(tx, _ids(everybody, {request.requester}), request, NoticeKind.EMERGENCY, f"{request.round}",
              told, now)  # fmt: skip
        return
    _ask(tx, request, subject, (), now)


def signed(
    tx: Transaction, request: Request, subject: Subject, signatures: Sequence[Signature], now: datetime
) -> None:
    """After a signature on the round: who asked where it is decided, else who has to sign next."""
    outcome, last = verdict(subject, signatures), signatures[-1]
    if outcome is None:
        _ask(tx, request, subject, signatures, now)
        return
    told = notice_text.decided(request, outcome, last.reason)
    kind = notice_text.VERDICT_KINDS[outcome]
    _tell(tx, [request.requester], request, kind, f"{request.round}", told, now)
    if outcome == Verdict.APPROVE:
        for stage in reviews_missing(subject, signatures):
            _tell(
                tx, _signers(tx.connection, request, stage, signatures, now), request, NoticeKind.REVIEW,
                f"{request.round}/{stage}", notice_text.review(request), now,
            )  # fmt: skip


def ended(tx: Transaction, request: Request, now: datetime) -> None:
    """Who asked: it is fulfilled, or has failed with its reason."""
    if request.state == RequestState.FULFILLED:
        kind, told = NoticeKind.FULFILLED, notice_text.fulfilled(request)
    else:
        kind, told = NoticeKind.FAILED, notice_text.failed(request)
    _tell(tx, [request.requester], request, kind, f"{request.version}", told, now)


def remind(
    tx: Transaction, request: Request, subject: Subject, signatures: Sequence[Signature], now: datetime
) -> bool:
    """Who has to sign and has not yet; True where somebody was told. Once for a stage and round."""
    told = [
        _tell(
            tx, _signers(tx.connection, request, stage, signatures, now), request, NoticeKind.REMINDER,
            f"{request.round}/{stage}", notice_text.reminder(request), now,
        )
        for stage in open_stages(subject, signatures)
    ]  # fmt: skip
    return any(told)


def escalate(
    tx: Transaction, request: Request, subject: Subject, signatures: Sequence[Signature], now: datetime
) -> bool:
    """The city's cloud team, as `remind`."""
    operators = _ids(people.operators(tx.connection, now), {request.requester})
    told = [
        _tell(
            tx, operators, request, NoticeKind.ESCALATION, f"{request.round}/{stage}",
            notice_text.escalation(request), now,
        )
        for stage in open_stages(subject, signatures)
    ]  # fmt: skip
    return any(told)


def review_overdue(
    tx: Transaction, request: Request, subject: Subject, signatures: Sequence[Signature], now: datetime
) -> bool:
    """Who has to review an emergency, and the city's cloud team, as `remind`."""
    operators = _ids(people.operators(tx.connection, now), {request.requester})
    told = [
        _tell(
            tx, [*_signers(tx.connection, request, stage, signatures, now), *operators], request,
            NoticeKind.REVIEW_OVERDUE, f"{request.round}/{stage}", notice_text.review_overdue(request), now,
        )
        for stage in reviews_missing(subject, signatures)
    ]  # fmt: skip
    return any(told)


def ladder_step(
    tx: Transaction, one: Deployment, step: LadderStep, ladder: Ladder, *, now: datetime, today: date
) -> None:
    """The owner; where the owner is not there any more the agency's approvers as well, or else the city's
    cloud team.
    """
    known = people.find(tx.connection, one.owner)
    to = [one.owner]
    if known is None or known.person.agency != one.agency or not known.person.roles:
        heirs = people.approvers(tx.connection, one.agency, now) or people.operators(tx.connection, now)
        to += _ids(heirs, set())
    told = notice_text.ladder_step(one, step, ladder, today)
    for person in dict.fromkeys(to):
        notices.add(
            tx,
            Notice(
                person, one.agency, notice_text.LADDER_KINDS[step.kind], one.id, one.name,
                f"{one.expires}/{step.threshold}", told, now,
            ),
        )  # fmt: skip


def tell_of(  # noqa: PLR0917 (what a notice is made of, in its order)
    tx: Transaction, one: Deployment, to: Iterable[str], kind: NoticeKind, told: Words, now: datetime
) -> None:
    """These people, of what was done to a deployment that has its version from it."""
    for person in dict.fromkeys(to):
        notices.add(tx, Notice(person, one.agency, kind, one.id, one.name, f"{one.version}", told, now))


def _ask(
    tx: Transaction, request: Request, subject: Subject, signatures: Sequence[Signature], now: datetime
) -> None:
    """Everybody who may sign now."""
    for stage in open_stages(subject, signatures):
        occasion = f"{request.round}/{stage}"
        signers = _known_signers(tx.connection, request, stage, signatures, now)
        if signers:
            _tell(tx, signers, request, NoticeKind.DECIDE, occasion, notice_text.waits(request), now)
        else:
            operators = _ids(people.operators(tx.connection, now), {request.requester})
            told = notice_text.waits_unowned(request)
            _tell(tx, operators, request, NoticeKind.ESCALATION, f"{occasion}/nobody", told, now)


def _signers(
    connection: sa.Connection, request: Request, stage: Stage, signatures: Sequence[Signature], now: datetime
) -> list[str]:
    """Who may sign at the stage; the city's cloud team where nobody is known."""
    found = _known_signers(connection, request, stage, signatures, now)
    return found or _ids(people.operators(connection, now), {request.requester})


def _known_signers(
    connection: sa.Connection, request: Request, stage: Stage, signatures: Sequence[Signature], now: datetime
) -> list[str]:
    """Those with the role and those whom they have delegated it to, without who asked and who has signed."""
    if stage == Stage.AGENCY:
        own = people.approvers(connection, request.agency, now)
    else:
        own = people.operators(connection, now)
    given = sa.select(DELEGATION.c.taker).where(
        DELEGATION.c.stage == stage, DELEGATION.c.giver != request.requester,
        DELEGATION.c.start <= moment(now), DELEGATION.c.end > moment(now), DELEGATION.c.revoked == "",
    )  # fmt: skip
    if stage == Stage.AGENCY:
        given = given.where(DELEGATION.c.agency == request.agency)
    takers = [row.taker for row in connection.execute(given.order_by(DELEGATION.c.taker))]
    spent = frozenset({request.requester}).union(*(one.authority.people for one in signatures))
    return list(dict.fromkeys(one for one in (*_ids(own, set()), *takers) if one not in spent))


def _ids(found: Iterable[Person], without: set[str]) -> list[str]:
    return [one.id for one in found if one.id not in without]


def _tell(  # noqa: PLR0917 (what a notice is made of, in its order)
    tx: Transaction, to: Iterable[str], request: Request, kind: NoticeKind, occasion: str, told: Words,
    now: datetime,
) -> bool:  # fmt: skip
    """Whether anybody was told who was not before."""
    fresh = [
        notices.add(
            tx,
            Notice(person, request.agency, kind, request.id, request.written, occasion, told, now),
        )
        for person in dict.fromkeys(to)
    ]  # fmt: skip
    return any(fresh)

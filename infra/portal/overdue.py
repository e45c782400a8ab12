"""Overdue: what waits for a decision for too long, by the working days of the city's offices.

After one working day those who have to sign are reminded, after three the city's cloud team is told; once for
each stage and round. Emergencies that nobody has reviewed are told of after three.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from infra.domain.approval import Signature, Stage, Subject, open_stages, reviews_missing
from infra.domain.calendar import ESCALATE_AFTER, REMIND_AFTER, WorkCalendar
from infra.domain.notice import NoticeKind
from infra.domain.request import Request, RequestState
from infra.domain.words import Words
from infra.portal.service import shown
from infra.store import announcement
from infra.store import notice as notices
from infra.store import request as requests
from infra.store.portal_database import Connection, PortalDatabase, Transaction
from infra.store.request import Wanted

WHO = "citycloud:chores"
_MOST = 10_000
_REVIEWED = (RequestState.APPROVED, RequestState.FULFILLED, RequestState.FAILED)


@dataclass(frozen=True)
class _Rule:
    """`days` are working days; `stages` those that are waited for; `tell` writes the notices."""

    kind: NoticeKind
    days: int
    states: tuple[RequestState, ...]
    emergency: bool
    stages: Callable[[Subject, Sequence[Signature]], tuple[Stage, ...]]
    since: Callable[[Request, Sequence[Signature]], datetime]
    tell: Callable[[Transaction, Request, Subject, Sequence[Signature], datetime], bool]
    told: Words


def _last_step(request: Request, signed: Sequence[Signature]) -> datetime:
    return max([request.submitted, *(one.at for one in signed)])


def _approved(request: Request, signed: Sequence[Signature]) -> datetime:
    return signed[0].at if signed else request.submitted


_APPROVALS = (
    _Rule(
        NoticeKind.REMINDER, REMIND_AFTER, (RequestState.SUBMITTED,), False, open_stages, _last_step,
        announcement.remind, Words("Nhắc duyệt yêu cầu", "Reminded of"),
    ),
    _Rule(
        NoticeKind.ESCALATION, ESCALATE_AFTER, (RequestState.SUBMITTED,), False, open_stages, _last_step,
        announcement.escalate, Words("Báo tổ vận hành: quá hạn duyệt", "Told the cloud team that it waits:"),
    ),
)  # fmt: skip
_REVIEWS = (
    _Rule(
        NoticeKind.REVIEW_OVERDUE, ESCALATE_AFTER, _REVIEWED, True, reviews_missing, _approved,
        announcement.review_overdue, Words("Báo quá hạn rà soát khẩn cấp", "Told that nobody has reviewed"),
    ),
)  # fmt: skip


class Overdue:
    def __init__(
        self, database: PortalDatabase, calendar: WorkCalendar, clock: Callable[[], datetime]
    ) -> None:  # fmt: skip
        self._database, self._calendar, self._clock = database, calendar, clock

    def approvals(self) -> int:
        """How many reminders and escalations there were, each told to all who are concerned."""
        return sum(self._follow(rule) for rule in _APPROVALS)

    def reviews(self) -> int:
        """How many emergencies were told of that nobody has reviewed in time."""
        return sum(self._follow(rule) for rule in _REVIEWS)

    def _follow(self, rule: _Rule) -> int:
        with self._database.reading() as connection:
            late = list(self._late(connection, rule))
        return sum(self._tell(rule, one) for one in late)

    def _late(self, connection: Connection, rule: _Rule) -> Iterator[str]:
        """Requests that nobody was told of yet."""
        wanted = Wanted(states=rule.states, emergency=rule.emergency, limit=_MOST)
        found = requests.listed(connection, wanted)
        signed = requests.signatures_of(connection, [one.id for one in found])
        for one in found:
            count = shown.of_round(one, signed.get(one.id, ()))
            if self._is_late(rule, one, count) and not _was_told(connection, rule, one, count):
                yield one.id

    def _is_late(self, rule: _Rule, one: Request, signed: Sequence[Signature]) -> bool:
        if one.state not in rule.states or not rule.stages(shown.subject(one), signed):
            return False
        return self._clock() >= self._calendar.due(rule.since(one, signed), rule.days)

    def _tell(self, rule: _Rule, request: str) -> bool:
        """In one transaction with its audit record, where it still waits."""
        with self._database.writing() as tx:
            one = requests.find(tx.connection, request)
            signed = requests.signatures(tx.connection, request)
            if one is None:
                return False
            count, now = shown.of_round(one, signed), self._clock()
            if not self._is_late(rule, one, count) or not rule.tell(tx, one, shown.subject(one), count, now):
                return False
            told = Words(f"{rule.told.vi} {one.written}", f"{rule.told.en} {one.written}")
            tx.audit(
                at=now, who=WHO, who_name=WHO, agency=one.agency, action=f"request.{rule.kind}",
                about=one.id, told=told, facts={"round": one.round, "days": rule.days},
            )  # fmt: skip
            return True


def _was_told(connection: Connection, rule: _Rule, one: Request, signed: Sequence[Signature]) -> bool:
    stages = rule.stages(shown.subject(one), signed)
    return all(
        notices.was_told(connection, rule.kind, one.id, f"{one.round}/{stage}") for stage in stages
    )  # fmt: skip

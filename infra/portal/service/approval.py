"""Deciding: what waits for a person, the facts beside it, and the signature."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from infra.domain import request as domain
from infra.domain.approval import (
    Signature,
    Verdict,
    authorities,
    sign,
    verdict,
)
from infra.domain.auto_approval import Asked, Rule, conclusion, judge
from infra.domain.person import Person
from infra.domain.request import RequestEvent, RequestState
from infra.domain.reservation import Account, passed
from infra.domain.words import Words
from infra.portal.interface import (
    Conflict,
    Cost,
    Facts,
    FieldProblem,
    InputRefused,
    PolicyResult,
)
from infra.portal.service import shown
from infra.portal.service.draft import BASIS_FROM_LEVEL
from infra.portal.service.ground import CHANGED, Ground, Refused
from infra.portal.service.request import RequestService, quota_lines
from infra.portal.service.standing import confirm, standing
from infra.store import announcement
from infra.store import deployment as deployments
from infra.store import request as requests
from infra.store import reservation as reservations
from infra.store.portal_database import Connection, Transaction
from infra.store.request import Wanted
from infra.store.transition import move_request

SIMILAR = 5
LONGEST_REASON = 2000
_EVENTS = {
    Verdict.APPROVE: RequestEvent.APPROVE,
    Verdict.REJECT: RequestEvent.REJECT,
    Verdict.RETURN: RequestEvent.RETURN,
}
_TOLD = {
    Verdict.APPROVE: Words("Duyệt", "approved"),
    Verdict.REJECT: Words("Từ chối", "rejected"),
    Verdict.RETURN: Words("Trả lại", "returned"),
}


class ApprovalService:
    def __init__(self, ground: Ground, asking: RequestService) -> None:
        self._ground = ground
        self._asking = asking

    def facts(self, person: Person, request: str) -> Facts:
        with self._ground.reading() as connection:
            found = self._asking.find_to_sign(connection, person, request)
            given = standing(self._ground, connection, person)
            if not authorities(person, found.agency, given, self._ground.clock()):
                raise Refused(_NO_APPROVER)
            return self._facts(connection, found)

    def decide(  # noqa: PLR0917 (the interface's)
        self, person: Person, request: str, verdict: str, reason: str, version: int, key: str
    ) -> None:  # fmt: skip
        wanted = to_verdict(verdict, reason)
        confirm(self._ground, person)

        def effect(tx: Transaction) -> str:
            found = self._asking.find_to_sign(tx.connection, person, request)
            if found.version != version or found.state != RequestState.SUBMITTED:
                raise Conflict(CHANGED)
            past = shown.of_round(found, requests.signatures(tx.connection, found.id))
            now = self._ground.clock()
            made = sign(
                person, shown.subject(found), past, verdict=wanted, reason=reason,
                delegations=standing(self._ground, tx.connection, person), now=now,
            )  # fmt: skip
            self._conclude(tx, person, found, (*past, made), version)
            return request

        self._ground.once(person, key, ["decide", request, verdict, reason, version], effect)

    def _conclude(
        self,
        tx: Transaction,
        person: Person,
        found: domain.Request,
        signed: Sequence[Signature],
        version: int,
    ) -> None:
        """Keep the last signature and what follows from it. Quota is checked at each approval."""
        made = signed[-1]
        requests.add_signature(tx, found, made, _name(person))
        if made.verdict == Verdict.APPROVE:
            reservations.check_again(tx, found.agency, found.id)
            if found.end is not None and found.end <= self._ground.today():
                raise Conflict(_ENDED)
        facts = {"shadow": self._facts(tx.connection, found).shadow.en}
        outcome = verdict(shown.subject(found), signed)
        if outcome is not None:
            move_request(tx, found, _EVENTS[outcome], version)
        else:
            requests.save(tx, found, version)
        announcement.signed(tx, found, shown.subject(found), signed, self._ground.clock())
        self._audit(tx, person, found, made, action=f"request.{made.verdict}", facts=facts)

    def _facts(self, connection: Connection, found: domain.Request) -> Facts:
        site = self._ground.site
        account = reservations.account(connection, found.agency)
        own = reservations.held(connection, found.id)
        before = Account(
            account.agency, account.limit, account.used,
            type(own)(**{name: value - getattr(own, name) for name, value in vars(account.held).items()}),
        )  # fmt: skip
        rules = self._rules(found, before, self._end(connection, found))
        wanted = Wanted([found.agency], not_id=found.id, limit=SIMILAR * 10)
        items = {one.item for one in found.items}
        alike = [
            one for one in requests.listed(connection, wanted) if items & {part.item for part in one.items}
        ]  # fmt: skip
        return Facts(
            quota_lines(before, found.difference),
            site.capacity(found),
            tuple(Cost(label, vnd) for label, vnd in site.catalog.prices.of(found.difference)),
            tuple(_policy(one) for one in (*rules, _basis(found))),
            tuple(shown.summary(self._ground, one, ()) for one in alike[:SIMILAR]),
            conclusion(rules),
            found.change is not None,
        )

    @staticmethod
    def _end(connection: Connection, found: domain.Request) -> date | None:
        """What is changed keeps its end."""
        if found.change is None:
            return found.end
        one = deployments.find(connection, found.change.deployment)
        return one.expires if one is not None else None

    def _rules(self, found: domain.Request, before: Account, end: date | None) -> tuple[Rule, ...]:
        asked = Asked(
            found.security_level, found.emergency, found.takes, before.used,
            self._ground.site.busy(found.agency), (end - self._ground.today()).days if end else None,
            not passed(before, found.takes, more=found.takes),
        )  # fmt: skip
        return judge(asked, self._ground.site.auto_approval)

    def _audit(
        self, tx: Transaction, person: Person, found: domain.Request, made: Signature, *, action: str,
        facts: dict[str, Any],
    ) -> None:  # fmt: skip
        number, words = shown.number(found), _TOLD[made.verdict]
        told = Words(f"{words.vi} {number}: {made.reason}", f"{number} {words.en}: {made.reason}")
        if found.emergency:
            told = Words(f"KHẨN CẤP: {told.vi}", f"EMERGENCY: {told.en}")
        facts = {**signing_facts(found, made), **facts}
        self._ground.audit(tx, person, found.agency, action=action, about=found.id, told=told, facts=facts)


def signing_facts(found: domain.Request, made: Signature) -> dict[str, Any]:
    """What the audit keeps of a signature for a later judgement."""
    return {
        "stage": made.authority.stage, "on_behalf_of": made.authority.on_behalf_of,
        "requester": found.requester, "round": found.round, "emergency": found.emergency,
    }  # fmt: skip


def to_verdict(verdict: str, reason: str) -> Verdict:
    """Raises InputRefused."""
    if verdict not in set(Verdict):
        raise InputRefused([FieldProblem("verdict", _NO_VERDICT)])
    if len(reason) > LONGEST_REASON or not all(one.isprintable() or one in "\r\n\t" for one in reason):
        raise InputRefused([FieldProblem("reason", _LONG_REASON)])
    return Verdict(verdict)


def _policy(rule: Rule) -> PolicyResult:
    return PolicyResult(rule.name, "pass" if rule.kept else "warn", rule.reason)


def _basis(found: domain.Request) -> Rule:
    name = Words("Căn cứ pháp lý", "Legal basis")
    if found.legal_basis:
        return Rule(name, True, Words(found.legal_basis, found.legal_basis))
    needed = found.security_level >= BASIS_FROM_LEVEL or found.emergency
    return Rule(name, not needed, Words("không ghi", "none is given"))


def _name(person: Person) -> str:
    return person.display_name or person.name


_NO_APPROVER = Words(
    "Chỉ người duyệt của cơ quan hoặc tổ vận hành mới xem được phần này.",
    "Only the agency's approvers and the city's cloud team may do this.",
)
_NO_VERDICT = Words("Hãy chọn duyệt, từ chối hoặc trả lại.", "Choose approve, reject or return.")
_LONG_REASON = Words(
    f"Nhiều nhất {LONGEST_REASON} ký tự, không có ký tự điều khiển.",
    f"{LONGEST_REASON} characters at most, without control characters.",
)
_ENDED = Words(
    "Ngày kết thúc của yêu cầu đã qua; hãy trả lại để người yêu cầu sửa.",
    "The end that was asked for has passed; return it, so that it can be changed.",
)

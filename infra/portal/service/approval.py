"""Deciding: what waits for a person, the facts beside it, and the signature."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from infra.domain import request as domain
from infra.domain.approval import (
    Delegation,
    Signature,
    Stage,
    Verdict,
    authorities,
    open_stages,
    review,
    reviews_missing,
    sign,
    verdict,
)
from infra.domain.auto_approval import Asked, Rule, conclusion, judge
from infra.domain.person import Person, Role
from infra.domain.request import RequestEvent, RequestState
from infra.domain.reservation import Account, passed
from infra.domain.words import Words
from infra.portal.interface import (
    Conflict,
    Cost,
    Facts,
    FieldProblem,
    InputRefused,
    Page,
    PolicyResult,
    RequestSummary,
)
from infra.portal.service import shown
from infra.portal.service.draft import BASIS_FROM_LEVEL
from infra.portal.service.ground import CHANGED, Ground, Refused
from infra.portal.service.request import RequestService, quota_lines
from infra.store import announcement
from infra.store import request as requests
from infra.store import reservation as reservations
from infra.store.portal_database import Connection, Transaction
from infra.store.request import Wanted
from infra.store.transition import move_request

SIMILAR = 5
LONGEST_REASON = 2000
_MOST_WAITING = 500
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

    def to_decide(self, person: Person, *, after: str = "", limit: int = 50) -> Page[RequestSummary]:
        """Emergencies first, then by the day until which they are due. `after` is a count of rows."""
        now = self._ground.clock()
        with self._ground.reading() as connection:
            given = requests.delegations_to(connection, person.id, now)
            agencies = self._agencies(person, given)
            wanted = Wanted(
                agencies, [RequestState.SUBMITTED], not_requester=person.id, limit=_MOST_WAITING
            )  # fmt: skip
            found = requests.listed(connection, wanted) if agencies != [] else ()
            signed = requests.signatures_of(connection, [one.id for one in found])
        rows = []
        for one in found:
            count = shown.of_round(one, signed.get(one.id, ()))
            rights = {right.stage for right in authorities(person, one.agency, given, now)}
            spent = {who for past in count for who in past.authority.people}
            if rights & set(open_stages(shown.subject(one), count)) and person.id not in spent:
                rows.append(shown.summary(self._ground, one, signed.get(one.id, ())))
        rows.sort(key=lambda row: (not row.emergency, row.due or row.submitted))
        start = int(after) if after.isascii() and after.isdecimal() and len(after) < 10 else 0
        end = start + max(1, min(limit, 200))
        return Page(tuple(rows[start:end]), str(end) if len(rows) > end else "")

    def facts(self, person: Person, request: str) -> Facts:
        with self._ground.reading() as connection:
            found = self._find(connection, person, request)
            given = requests.delegations_to(connection, person.id, self._ground.clock())
            if not authorities(person, found.agency, given, self._ground.clock()):
                raise Refused(_NO_APPROVER)
            return self._facts(connection, found)

    def decide(  # noqa: PLR0917 (the interface's)
        self, person: Person, request: str, verdict: str, reason: str, version: int, key: str
    ) -> None:  # fmt: skip
        wanted = _verdict(verdict, reason)

        def effect(tx: Transaction) -> str:
            found = self._find(tx.connection, person, request)
            if found.version != version or found.state != RequestState.SUBMITTED:
                raise Conflict(CHANGED)
            past = shown.of_round(found, requests.signatures(tx.connection, found.id))
            now = self._ground.clock()
            made = sign(
                person, shown.subject(found), past, verdict=wanted, reason=reason,
                delegations=requests.delegations_to(tx.connection, person.id, now), now=now,
            )  # fmt: skip
            self._conclude(tx, person, found, (*past, made), version)
            return request

        self._ground.once(person, key, ["decide", request, verdict, reason, version], effect)

    def review(self, person: Person, request: str, verdict: str, reason: str, key: str) -> None:
        """Look afterwards at what was approved in an emergency: approve finds it right, reject does not."""
        wanted = _verdict(verdict, reason)
        if wanted == Verdict.RETURN:
            raise InputRefused([FieldProblem("verdict", _NO_VERDICT)])

        def effect(tx: Transaction) -> str:
            found = self._find(tx.connection, person, request)
            past = shown.of_round(found, requests.signatures(tx.connection, found.id))
            now = self._ground.clock()
            made = review(
                person, shown.subject(found), past, verdict=wanted, reason=reason,
                delegations=requests.delegations_to(tx.connection, person.id, now), now=now,
            )  # fmt: skip
            requests.add_signature(tx, found, made, _name(person), review=True)
            self._audit(tx, person, found, made, action=f"request.review_{wanted}", facts={})
            return request

        self._ground.once(person, key, ["review", request, verdict, reason], effect)

    def to_review(self, person: Person) -> tuple[RequestSummary, ...]:
        """Emergencies that still wait for somebody's review, the oldest first."""
        states = [RequestState.APPROVED, RequestState.FULFILLED, RequestState.FAILED]
        now = self._ground.clock()
        with self._ground.reading() as connection:
            given = requests.delegations_to(connection, person.id, now)
            agencies = self._agencies(person, given)
            wanted = Wanted(agencies, states, emergency=True, limit=_MOST_WAITING)
            found = requests.listed(connection, wanted) if agencies != [] else ()
            signed = requests.signatures_of(connection, [one.id for one in found])
        return tuple(
            shown.summary(self._ground, one, signed.get(one.id, ()))
            for one in reversed(found)
            if reviews_missing(shown.subject(one), shown.of_round(one, signed.get(one.id, ())))
        )

    def delegate(self, person: Person, taker: str, start: datetime, end: datetime, key: str) -> None:
        """Let `taker` (a person's id) sign in one's place during a leave; all that one may sign oneself."""
        if taker == person.id or not taker or end <= start or end <= self._ground.clock():
            raise InputRefused([FieldProblem("taker" if taker in ("", person.id) else "end", _DELEGATION)])

        def effect(tx: Transaction) -> str:
            rights = authorities(person, person.agency, (), self._ground.clock())
            if not rights:
                raise Refused(_NO_APPROVER)
            for right in rights:
                given = Delegation(
                    person.id, _name(person), taker, person.agency, right.stage, start, end
                )  # fmt: skip
                requests.delegate(tx, given)
            told = Words(f"Ủy quyền duyệt cho {taker}", f"Delegated signing to {taker}")
            facts = {"from": start.isoformat(), "until": end.isoformat()}
            self._ground.audit(
                tx, person, person.agency, action="approval.delegate", about=taker, told=told, facts=facts
            )
            return taker

        self._ground.once(person, key, ["delegate", taker, start.isoformat(), end.isoformat()], effect)

    def _find(self, connection: Connection, person: Person, request: str) -> domain.Request:
        """Who signs for another may belong to another agency, and sees what they sign."""
        found = requests.find(connection, request)
        now = self._ground.clock()
        if found is not None and Role.AUDITOR not in person.roles:
            given = requests.delegations_to(connection, person.id, now)
            if authorities(person, found.agency, given, now):
                return found
        return self._asking.find(connection, person, request)

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
        rules = self._rules(found, before)
        wanted = Wanted([found.agency], not_id=found.id, limit=SIMILAR * 10)
        items = {one.item for one in found.items}
        alike = [
            one for one in requests.listed(connection, wanted) if items & {part.item for part in one.items}
        ]  # fmt: skip
        return Facts(
            quota_lines(before, found.takes),
            site.capacity(found),
            tuple(Cost(label, vnd) for label, vnd in site.catalog.prices.of(found.takes)),
            tuple(_policy(one) for one in (*rules, _basis(found))),
            tuple(shown.summary(self._ground, one, ()) for one in alike[:SIMILAR]),
            conclusion(rules),
        )

    def _rules(self, found: domain.Request, before: Account) -> tuple[Rule, ...]:
        asked = Asked(
            found.security_level, found.emergency, found.takes, before.used,
            self._ground.site.busy(found.agency), (found.end - self._ground.today()).days if found.end else
            None, not passed(before, found.takes, more=found.takes),
        )  # fmt: skip
        return judge(asked, self._ground.site.auto_approval)

    def _agencies(self, person: Person, given: Sequence[Delegation]) -> list[str] | None:
        """Of which agencies the person may sign anything; None for all."""
        if Role.AUDITOR in person.roles:
            return []
        if Role.OPERATOR in person.roles or any(one.stage == Stage.CITY for one in given):
            return None
        own = [person.agency] if Role.APPROVER in person.roles else []
        return sorted({*own, *(one.agency for one in given)})

    def _audit(
        self, tx: Transaction, person: Person, found: domain.Request, made: Signature, *, action: str,
        facts: dict[str, Any],
    ) -> None:  # fmt: skip
        number, words = shown.number(found), _TOLD[made.verdict]
        told = Words(f"{words.vi} {number}: {made.reason}", f"{number} {words.en}: {made.reason}")
        if found.emergency:
            told = Words(f"KHẨN CẤP: {told.vi}", f"EMERGENCY: {told.en}")
        facts = {
            "stage": made.authority.stage, "on_behalf_of": made.authority.on_behalf_of,
            "requester": found.requester, "round": found.round, "emergency": found.emergency, **facts,
        }  # fmt: skip
        self._ground.audit(tx, person, found.agency, action=action, about=found.id, told=told, facts=facts)


def _verdict(verdict: str, reason: str) -> Verdict:
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
_DELEGATION = Words(
    "Hãy chọn một người khác và khoảng thời gian còn ở phía trước.",
    "Choose another person, and a time that is not over yet.",
)

"""Looking back at an emergency: was it one? What was made by one that was not ends soon."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from infra.domain import deployment as deployment_domain
from infra.domain import request as domain
from infra.domain.approval import Signature, Verdict, review
from infra.domain.deployment import UNJUSTIFIED_DAYS
from infra.domain.person import Person
from infra.domain.request import RequestState
from infra.domain.words import Words
from infra.portal.interface import FieldProblem, InputRefused
from infra.portal.service import shown
from infra.portal.service.approval import signing_facts, to_verdict
from infra.portal.service.ground import Ground
from infra.portal.service.request import RequestService
from infra.portal.service.standing import confirm, standing
from infra.store import deployment as deployments
from infra.store import request as requests
from infra.store.portal_database import Transaction


class ReviewService:
    def __init__(self, ground: Ground, asking: RequestService) -> None:
        self._ground = ground
        self._asking = asking

    def review(self, person: Person, request: str, verdict: str, reason: str, key: str) -> None:
        """`verdict` is approve (it was justified) or reject (it was not, which needs a reason)."""
        wanted = to_verdict(verdict, reason)
        if wanted == Verdict.RETURN:
            raise InputRefused([FieldProblem("verdict", _NO_VERDICT)])
        confirm(self._ground, person)

        def effect(tx: Transaction) -> str:
            found = self._asking.find_to_sign(tx.connection, person, request)
            past = shown.of_round(found, requests.signatures(tx.connection, found.id))
            made = review(
                person, shown.subject(found), past, verdict=wanted, reason=reason,
                delegations=standing(self._ground, tx.connection, person), now=self._ground.clock(),
            )  # fmt: skip
            requests.add_signature(tx, found, made, person.display_name or person.name, review=True)
            self._audit(tx, person, found, made)
            if wanted == Verdict.REJECT:
                self._curtail(tx, person, found, made.reason)
            return request

        self._ground.once(person, key, ["review", request, verdict, reason], effect)

    def _curtail(self, tx: Transaction, person: Person, found: domain.Request, reason: str) -> None:
        """What was made by it, and what may still be made, ends soon; the ladder tells its owner."""
        today, number = self._ground.today(), shown.number(found)
        for one in deployments.of_request(tx.connection, found.id):
            end = deployment_domain.curtailed(one, today)
            if end is None:
                continue
            changed = replace(one, expires=end, noticed=None, noticed_on=None)
            deployments.save(tx, changed, one.version)
            day = f"{end:%d/%m/%Y}"
            told = Words(
                f"{one.name} sẽ hết hạn ngày {day}: yêu cầu khẩn cấp {number} không chính đáng theo kết quả"
                f" rà soát. Lý do: {reason}",
                f"{one.name} now ends on {day}: the emergency {number} was found not justified: {reason}",
            )
            facts = {"request": found.id, "before": str(one.expires or ""), "after": str(end)}
            self._ground.audit(
                tx, person, one.agency, action="deployment.curtail", about=one.id, told=told, facts=facts
            )
        soon = today + timedelta(days=UNJUSTIFIED_DAYS)
        if found.state in (RequestState.APPROVED, RequestState.FAILED) and (
            found.end is None or found.end > soon
        ):
            requests.save(tx, replace(found, end=soon), found.version)

    def _audit(self, tx: Transaction, person: Person, found: domain.Request, made: Signature) -> None:
        words, number = _TOLD[made.verdict], shown.number(found)
        reason = f": {made.reason}" if made.reason else ""
        told = Words(f"KHẨN CẤP: {words.vi} {number}{reason}", f"EMERGENCY: {words.en} {number}{reason}")
        self._ground.audit(
            tx, person, found.agency, action=f"request.review_{made.verdict}", about=found.id, told=told,
            facts=signing_facts(found, made),
        )  # fmt: skip


_TOLD = {
    Verdict.APPROVE: Words("Rà soát, có lý do chính đáng:", "reviewed and justified:"),
    Verdict.REJECT: Words("Rà soát, không chính đáng:", "reviewed and not justified:"),
}
_NO_VERDICT = Words("Hãy chọn chính đáng hoặc không chính đáng.", "Choose justified or not justified.")

"""Asking: preview, hand in, change, withdraw, retry, and reading one's requests."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any
from uuid import uuid4

from infra.domain import request as domain
from infra.domain.approval import authorities
from infra.domain.parameter import ParameterKind
from infra.domain.person import SEES_ALL, Person, Role
from infra.domain.quota import NO_QUOTA, RESOURCES, Quota
from infra.domain.request import RequestEvent, RequestState
from infra.domain.reservation import Account, QuotaExceeded
from infra.domain.reservation import check as check_quota
from infra.domain.words import Words
from infra.portal.interface import (
    Conflict,
    Cost,
    Draft,
    FieldProblem,
    InputRefused,
    NotFound,
    Page,
    Preview,
    QuotaLine,
    Request,
    RequestSummary,
)
from infra.portal.service import draft as drafts
from infra.portal.service import shown
from infra.portal.service.ground import CHANGED, Ground, Refused
from infra.portal.service.owning import NOT_YOURS, barred, owns
from infra.portal.service.standing import standing
from infra.store import announcement
from infra.store import deployment as deployments
from infra.store import request as requests
from infra.store import reservation as reservations
from infra.store.portal_database import Connection, Transaction
from infra.store.request import Wanted
from infra.store.transition import move_request, reserve

LONGEST_LIST = 200
LOOKED_FOR_KEY = 20
"""How many of a person's requests are looked through for the SSH key that they gave last."""


class RequestService:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def preview(self, person: Person, draft: Draft) -> Preview:
        with self._ground.reading() as connection:
            checked = self.checked(connection, person, draft)
            account = reservations.account(connection, checked.agency)
            problems = list(checked.problems)
            if barred := self._barred(connection, draft):
                problems.append(FieldProblem("items", barred))
        try:
            check_quota(account, checked.takes)
        except QuotaExceeded as error:
            problems.append(FieldProblem("items", error.told))
        prices = self._ground.site.catalog.prices
        costs = tuple(Cost(label, vnd) for label, vnd in prices.of(checked.difference))
        changes = drafts.changed_of(draft) is not None
        return Preview(quota_lines(account, checked.difference), costs, tuple(problems), changes)

    def submit(self, person: Person, draft: Draft, key: str) -> str:
        def effect(tx: Transaction) -> str:
            checked = self.flawless(tx.connection, person, draft)
            made = self.kept(tx, person, draft, checked)
            announcement.handed_in(tx, made, shown.subject(made), made.created)
            self.audit(tx, person, made, "request.submit", Words("Gửi yêu cầu", "Handed in"))
            return made.id

        return self._ground.once(person, key, ["submit", _plain(draft)], effect)

    def kept(
        self, tx: Transaction, person: Person, draft: Draft, checked: drafts.CheckedDraft,
        state: RequestState = RequestState.SUBMITTED,
    ) -> domain.Request:  # fmt: skip
        """A new request of a draft that was checked, with what it reserves."""
        now = self._ground.clock()
        made = domain.Request(
            str(uuid4()), requests.next_number(tx), checked.agency, person.id,
            person.display_name or person.name, state, checked.items, draft.purpose.strip(), checked.end,
            draft.legal_basis.strip(), draft.emergency, checked.security_level, 1, 1, now, now,
        )  # fmt: skip
        requests.insert(tx, made)
        reserve(tx, made)
        return made

    def change(self, person: Person, request: str, draft: Draft, version: int, key: str) -> None:
        def effect(tx: Transaction) -> str:
            before = self.own(tx.connection, person, request)
            checked = self.flawless(tx.connection, person, draft)
            if checked.agency != before.agency:
                raise Refused(_SAME_AGENCY)
            change = checked.items[0].change
            if (change and change.deployment) != (before.change and before.change.deployment):
                raise Refused(_SAME_DEPLOYMENT)
            now = self._ground.clock()
            changed = move_request(
                tx, before, RequestEvent.RESUBMIT, version, items=checked.items,
                purpose=draft.purpose.strip(), end=checked.end, legal_basis=draft.legal_basis.strip(),
                emergency=draft.emergency, security_level=checked.security_level, round=before.round + 1,
                submitted=now,
            )  # fmt: skip
            announcement.handed_in(tx, changed, shown.subject(changed), now)
            self.audit(tx, person, changed, "request.change", Words("Gửi lại yêu cầu", "Handed in again"))
            return request

        self._ground.once(person, key, ["change", request, version, _plain(draft)], effect)

    def withdraw(self, person: Person, request: str, version: int, key: str) -> None:
        def effect(tx: Transaction) -> str:
            before = self.own(tx.connection, person, request)
            move_request(tx, before, RequestEvent.WITHDRAW, version)
            self.audit(tx, person, before, "request.withdraw", Words("Rút yêu cầu", "Withdrawn"))
            return request

        self._ground.once(person, key, ["withdraw", request, version], effect)

    def retry(self, person: Person, request: str, version: int, key: str) -> None:
        def effect(tx: Transaction) -> str:
            before = self.find(tx.connection, person, request)
            if Role.OPERATOR not in person.roles and person.id != before.requester:
                raise Refused(_NOT_YOURS)
            if shown.unjustified(requests.signatures(tx.connection, request)):
                raise Refused(_UNJUSTIFIED)
            move_request(tx, before, RequestEvent.RETRY, version)
            self.audit(tx, person, before, "request.retry", Words("Thử lại", "Tried again"))
            return request

        self._ground.once(person, key, ["retry", request, version], effect)

    def requests(
        self, person: Person, *, state: str = "", agency: str = "", mine: bool = False, after: str = "",
        limit: int = 50,
    ) -> Page[RequestSummary]:  # fmt: skip
        agencies = self._agencies(person, agency)
        states = [RequestState(state)] if state in set(RequestState) else []
        if agencies == [] or (state and not states):
            return Page(())
        size = max(1, min(limit, LONGEST_LIST))
        wanted = Wanted(
            agencies, states, person.id if mine else "", below=_below(after), limit=size + 1
        )  # fmt: skip
        with self._ground.reading() as connection:
            found = requests.listed(connection, wanted)
            signed = requests.signatures_of(connection, [one.id for one in found])
        rows = tuple(shown.summary(self._ground, one, signed.get(one.id, ())) for one in found[:size])
        return Page(rows, str(found[size - 1].number) if len(found) > size else "")

    def request(self, person: Person, request: str) -> Request:
        with self._ground.reading() as connection:
            found = self.find_to_sign(connection, person, request)
            return shown.request(self._ground, connection, person, found)

    def latest_key(self, person: Person) -> str:
        """Of the person's own requests, the newest that has a key."""
        fields = {
            (item.name, one.name)
            for item in self._ground.site.catalog.items
            for one in item.parameters
            if one.kind == ParameterKind.SSH_KEY
        }
        wanted = Wanted(requester=person.id, limit=LOOKED_FOR_KEY)
        with self._ground.reading() as connection:
            found = requests.listed(connection, wanted)
        keys = (
            value
            for one in found for item in one.items
            for name, value in item.values.items() if value and (item.item, name) in fields
        )  # fmt: skip
        return next(keys, "")

    def find(self, connection: Connection, person: Person, request: str) -> domain.Request:
        """Raises NotFound for what the person may not see, and for what is not there, with the same words."""
        found = requests.find(connection, request)
        if found is None or not person.sees(found.agency):
            raise NotFound("there is no such request, or it belongs to another agency")
        return found

    def find_to_sign(self, connection: Connection, person: Person, request: str) -> domain.Request:
        """As `find`, also for who may sign it in another's place: they may be of another agency."""
        found = requests.find(connection, request)
        if found is not None and not person.sees(found.agency):
            given = standing(self._ground, connection, person)
            if authorities(person, found.agency, given, self._ground.clock()):
                return found
        return self.find(connection, person, request)

    def own(self, connection: Connection, person: Person, request: str) -> domain.Request:
        """Raises Refused where another one asked for it."""
        found = self.find(connection, person, request)
        if found.requester != person.id:
            raise Refused(_NOT_YOURS)
        return found

    def checked(self, connection: Connection, person: Person, draft: Draft) -> drafts.CheckedDraft:
        """With its problems. Raises Refused for who may not ask for it at all."""
        site, id_ = self._ground.site, drafts.changed_of(draft)
        if id_ is None:
            agency = drafts.agency_of(person, draft, list(site.agencies))
            return drafts.check(draft, site.agencies[agency], site.catalog, self._ground.today())
        one = deployments.find(connection, id_)
        seen = one if one is not None and person.sees(one.agency) else None
        agency = drafts.agency_of(
            person, replace(draft, agency=seen.agency) if seen else draft, list(site.agencies)
        )
        if seen is not None and not owns(person, seen):
            raise Refused(NOT_YOURS)
        took = reservations.taken(connection, id_) if seen else NO_QUOTA
        changing = drafts.Changing(seen, took, site.flavors)
        return drafts.check_changing(draft, site.agencies[agency], site.catalog, changing)

    def flawless(self, connection: Connection, person: Person, draft: Draft) -> drafts.CheckedDraft:
        """Raises InputRefused, and Conflict where what is to be changed does not allow it now."""
        checked = self.checked(connection, person, draft)
        if barred := self._barred(connection, draft):
            raise Conflict(barred)
        if checked.problems:
            raise InputRefused(checked.problems)
        return checked

    @staticmethod
    def _barred(connection: Connection, draft: Draft) -> Words | None:
        """Why what a draft changes does not allow it now; None where it does, or where it changes nothing."""
        id_ = drafts.changed_of(draft)
        one = deployments.find(connection, id_) if id_ is not None else None
        if one is None:
            return None
        if draft.items[0].version not in (0, one.version):
            return CHANGED
        return barred(connection, one)

    def _agencies(self, person: Person, wanted: str) -> list[str] | None:
        """Of which agencies the person is shown something; None for all."""
        if person.roles & SEES_ALL:
            return [wanted] if wanted else None
        return [person.agency] if person.sees(wanted or person.agency) else []

    def audit(
        self, tx: Transaction, person: Person, request: domain.Request, action: str, told: Words
    ) -> None:  # fmt: skip
        loud = request.emergency and action in ("request.submit", "request.change")
        number = shown.number(request)
        told = Words(f"{told.vi} {number}", f"{number}: {told.en.lower()}")
        if loud:
            told = Words(f"KHẨN CẤP: {told.vi}", f"EMERGENCY: {told.en}")
        facts: dict[str, Any] = {
            "state": request.state, "round": request.round, "emergency": request.emergency,
            "level": request.security_level, "takes": _some(request.takes),
            "items": [[one.item, one.blueprint, one.count] for one in request.items],
        }  # fmt: skip
        self._ground.audit(
            tx, person, request.agency, action=action, about=request.id, told=told, facts=facts
        )


def quota_lines(account: Account, takes: Quota = NO_QUOTA) -> tuple[QuotaLine, ...]:
    """A line for each resource that the agency has or that is asked for."""
    return tuple(
        QuotaLine(name, getattr(account.limit, name), getattr(account.used, name),
                  getattr(account.held, name), getattr(takes, name))
        for name in RESOURCES
        if getattr(account.limit, name) or getattr(takes, name)
    )  # fmt: skip


def _below(after: str) -> int:
    return int(after) if after.isascii() and after.isdecimal() and len(after) < 19 else 0


def _some(quota: Quota) -> dict[str, int]:
    return {name: value for name, value in asdict(quota).items() if value}


def _plain(draft: Draft) -> dict[str, Any]:
    lines = [
        [line.item, dict(line.values), line.count, line.deployment, line.version] for line in draft.items
    ]
    end = draft.end.isoformat() if draft.end else ""
    return {
        "items": lines, "purpose": draft.purpose, "end": end, "basis": draft.legal_basis,
        "emergency": draft.emergency, "agency": draft.agency,
    }  # fmt: skip


_NOT_YOURS = Words("Chỉ người đã gửi yêu cầu được làm việc này.", "Only who asked for it may do this.")
_UNJUSTIFIED = Words(
    "Sau khi rà soát, yêu cầu khẩn cấp này không chính đáng nên không thử lại được; hãy gửi yêu cầu thường.",
    "This emergency was found not justified, so it is not tried again; hand in an ordinary request.",
)
_SAME_DEPLOYMENT = Words(
    "Yêu cầu thay đổi luôn gắn với tài nguyên của nó; hãy gửi yêu cầu mới cho việc khác.",
    "A request that changes a deployment stays with it; ask anew for something else.",
)
_SAME_AGENCY = Words("Không được đổi cơ quan của yêu cầu.", "A request stays with its agency.")

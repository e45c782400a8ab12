"""The other half of the city in memory: delegations, reviews of emergencies, agencies and operations."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from infra.domain.person import Person, Role
from infra.domain.sla import Month
from infra.domain.words import Words
from infra.portal.interface import (
    Agency,
    AgencyPerson,
    AgencySummary,
    Colleague,
    Component,
    Conflict,
    Decision,
    Delegation,
    Delegations,
    Deployment,
    FieldProblem,
    InputRefused,
    NewDelegation,
    NotAllowed,
    NotFound,
    Notice,
    Operations,
    Page,
    QueuedRequest,
    QuotaLine,
    Request,
    RequestSummary,
    Room,
    Sla,
)
from tests.functional.portal.memory_sla import STATEMENTS

SIGNERS = frozenset({Role.APPROVER, Role.OPERATOR})


@dataclass
class Given:
    """A delegation as it is kept."""

    id: str
    giver: Person
    taker: Person
    wanted: NewDelegation
    revoked: bool = False


@dataclass
class MemorySigning:
    now: datetime
    people: dict[str, Person]
    agency_names: dict[str, Words]
    found: dict[str, Request] = field(default_factory=dict)
    living: dict[str, Deployment] = field(default_factory=dict)
    by: dict[str, str] = field(default_factory=dict)
    statements: dict[tuple[str, str], Sla] = field(default_factory=lambda: dict(STATEMENTS))
    given: list[Given] = field(default_factory=list)
    told: dict[str, list[Notice]] = field(default_factory=dict)
    languages: dict[str, str] = field(default_factory=dict)
    places: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def _quota(self, agency: str, lines: tuple[object, ...]) -> tuple[QuotaLine, ...]:
        raise NotImplementedError

    def status_of_parts(self) -> tuple[Component, ...]:
        raise NotImplementedError

    def signs_for(self, person: Person) -> tuple[Person, ...]:
        today = self.now.date()
        return tuple(
            one.giver for one in self.given
            if one.taker.id == person.id and not one.revoked and one.wanted.first <= today <= one.wanted.last
        )  # fmt: skip

    def signs(self, person: Person, request: Request) -> bool:
        """Whether the person's own role or a delegation lets them sign it; never one's own."""
        if self.by[request.summary.id] == person.id or Role.AUDITOR in person.roles:
            return False
        return any(
            Role.OPERATOR in one.roles
            or (Role.APPROVER in one.roles and one.agency == request.summary.agency)
            for one in (person, *self.signs_for(person))
        )

    def may_review(self, person: Person, found: Request) -> bool:
        approved = any(one.verdict == "approve" for one in found.decisions)
        reviewed = any(one.stage.endswith("review") for one in found.decisions)
        mine = any(one.by == person.display_name for one in found.decisions)
        return (
            found.summary.emergency and approved and not reviewed and not mine and self.signs(person, found)
        )

    def to_review(self, person: Person, *, after: str = "", limit: int = 50) -> Page[RequestSummary]:
        waits = Words("Tổ vận hành đám mây thành phố", "The city's cloud team")
        rows = [
            replace(one.summary, waits_for=waits, due=self.now + timedelta(days=2))
            for one in self.found.values()
            if one.summary.emergency and not any(d.stage.endswith("review") for d in one.decisions)
            and person.sees(one.summary.agency) and person.roles & SIGNERS
        ]  # fmt: skip
        return Page(tuple(rows[:limit]))

    def review(self, person: Person, request: str, verdict: str, reason: str, key: str) -> None:
        found = self.found.get(request)
        if found is None or not (person.sees(found.summary.agency) or self.signs(person, found)):
            raise NotFound(f"request {request}: there is none")
        if not self.may_review(person, found):
            raise NotAllowed("no review by this person")
        if verdict == "reject" and not reason:
            raise InputRefused([FieldProblem("reason", Words("Hãy ghi lý do.", "Give a reason."))])
        stage = "city_review" if Role.OPERATOR in person.roles else "agency_review"
        made = Decision(person.display_name, stage, verdict, reason, self.now)
        self.found[request] = replace(found, decisions=(*found.decisions, made), version=found.version + 1)
        if verdict == "reject":
            for id in found.deployments:
                one = self.living[id]
                end = self.now.date() + timedelta(days=7)
                note = Words(f"Không chính đáng: {reason}", f"Not justified: {reason}")
                self.living[id] = replace(one, summary=replace(one.summary, expires=end), note=note)

    def delegations(self, person: Person) -> Delegations:
        mine = [one for one in reversed(self.given) if person.id in (one.giver.id, one.taker.id)]
        stages = [stage for stage, role in (("agency", Role.APPROVER), ("city", Role.OPERATOR))
                  if role in person.roles and Role.AUDITOR not in person.roles]  # fmt: skip
        others = [
            Colleague(one.id, one.display_name) for one in self.people.values()
            if one.agency == person.agency and one.id != person.id and Role.AUDITOR not in one.roles
        ]  # fmt: skip
        return Delegations(
            tuple(self._shown(one, person) for one in mine), tuple(stages), tuple(others if stages else ())
        )

    def delegate(self, person: Person, wanted: NewDelegation, key: str) -> str:
        mine = self.delegations(person)
        if wanted.stage not in mine.stages:
            raise NotAllowed("signs nothing themselves")
        if wanted.taker not in {one.id for one in mine.colleagues}:
            raise InputRefused(
                [FieldProblem("taker", Words("Hãy chọn một đồng nghiệp.", "Choose a colleague."))]
            )
        if not self.now.date() <= wanted.first <= wanted.last:
            raise InputRefused(
                [FieldProblem("last", Words("Không trước ngày đầu.", "Not before the first day."))]
            )
        made = Given(f"g{next(self.places)}", person, self.people[wanted.taker], wanted)
        self.given.append(made)
        return made.id

    def revoke_delegation(self, person: Person, delegation: str, key: str) -> None:
        for one in self.given:
            if one.id == delegation and person.id in (one.giver.id, one.taker.id):
                if one.revoked:
                    raise Conflict(Words("Đã kết thúc.", "It has ended."))
                one.revoked = True
                return
        raise NotFound("there is none")

    def agency_summaries(self, person: Person) -> tuple[AgencySummary, ...]:
        return tuple(self._summary(code) for code in self.agency_names if person.sees(code))

    def agency(self, person: Person, code: str) -> Agency:
        if code not in self.agency_names or not person.sees(code):
            raise NotFound(f"agency {code}: there is none")
        people = tuple(
            AgencyPerson(one.display_name, tuple(sorted(one.roles)))
            for one in self.people.values() if one.agency == code
        )  # fmt: skip
        return Agency(self._summary(code), people)

    def sla(self, person: Person, code: str, month: Month) -> Sla:
        self.agency(person, code)
        return self.statements.get((code, str(month)), Sla(str(month)))

    def operations(self, person: Person) -> Operations:
        if not person.roles & {Role.OPERATOR, Role.AUDITOR}:
            raise NotAllowed("not for this person")
        rows = [one for one in self.found.values() if one.summary.state in ("approved", "failed")]
        queued = {
            state: tuple(
                QueuedRequest(
                    one.summary, state == "approved",
                    Words("Tạo máy chủ và mạng", "Servers and networks are made"),
                    self.now - timedelta(minutes=3), one.failure,
                )
                for one in rows if one.summary.state == state
            )
            for state in ("approved", "failed")
        }  # fmt: skip
        living = [one.summary for one in self.living.values()]
        return Operations(
            queued["approved"], queued["failed"],
            tuple(replace(one, state="provisioning", address="") for one in living[:1]),
            tuple(replace(one, state="failed", address="") for one in living[1:]), self.status_of_parts(),
            (
                Room(Words("Máy chủ ảo", "Plain server"), 42, 17),
                Room(Words("Máy chủ web", "Web server"), 12, 0),
                Room(Words("Máy chủ cơ sở dữ liệu", "Database server"), None, None),
            ),
            self.now,
        )  # fmt: skip

    def notices(
        self, person: Person, *, unread: bool = False, after: str = "", limit: int = 50
    ) -> Page[Notice]:
        rows = [one for one in self.told.get(person.id, []) if not (unread and one.read)]
        start = int(after or 0)
        more = len(rows) > start + limit
        return Page(tuple(rows[start : start + limit]), str(start + limit) if more else "")

    def read_notices(self, person: Person, ids: Sequence[str] | None) -> None:
        self.told[person.id] = [
            replace(one, read=True) if ids is None or one.id in ids else one
            for one in self.told.get(person.id, [])
        ]  # fmt: skip

    def open_notice(self, person: Person, notice: str) -> str:
        for one in self.told.get(person.id, []):
            if one.id == notice:
                self.read_notices(person, [notice])
                return one.place
        raise NotFound("there is none")

    def choose_language(self, person: Person, language: str) -> None:
        self.languages[person.id] = language

    def _shown(self, one: Given, person: Person) -> Delegation:
        today, wanted = self.now.date(), one.wanted
        state = "coming" if today < wanted.first else "in_force" if today <= wanted.last else "ended"
        if one.revoked:
            state = "revoked"
        elif not self.people[one.giver.id].roles & SIGNERS:
            state = "void"
        return Delegation(
            one.id, one.giver.display_name, one.taker.display_name, wanted.stage, wanted.first, wanted.last,
            state, one.giver.id == person.id,
        )  # fmt: skip

    def _summary(self, code: str) -> AgencySummary:
        living = Counter(one.summary.state for one in self.living.values() if one.summary.agency == code)
        open_ = Counter(
            one.summary.state for one in self.found.values()
            if one.summary.agency == code and one.summary.state in ("submitted", "returned", "approved")
        )  # fmt: skip
        return AgencySummary(code, self.agency_names[code], self._quota(code, ()), living, open_, 2)


FAILURE = Words(
    "Không còn đủ chỗ trên máy chủ vật lý; đã hoàn tác.", "No hypervisor had room; it was taken back."
)

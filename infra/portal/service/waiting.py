"""What waits for a person: requests to decide on, and emergencies to review."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from infra.domain import request as domain
from infra.domain.approval import Delegation, Stage, Verdict, reviews_missing
from infra.domain.calendar import ESCALATE_AFTER
from infra.domain.person import Person, Role
from infra.domain.request import RequestState
from infra.domain.words import Words
from infra.portal.interface import Page, RequestSummary
from infra.portal.service import shown
from infra.portal.service.ground import Ground
from infra.portal.service.standing import standing
from infra.store import request as requests
from infra.store.portal_database import Connection
from infra.store.request import Signed, Wanted

_REVIEWED = (RequestState.APPROVED, RequestState.FULFILLED, RequestState.FAILED, RequestState.WITHDRAWN)
"""States of what was approved once. Where nothing came of it, the approval is looked at as well."""
Found = tuple[domain.Request, Sequence[Signed]]


class WaitingService:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def to_decide(self, person: Person, *, after: str = "", limit: int = 50) -> Page[RequestSummary]:
        """Emergencies first, then by the day until which they are due. `after` is a count of rows."""
        with self._ground.reading() as connection:
            found = self._decidable(connection, person)
        rows = [shown.summary(self._ground, one, signed) for one, signed in found]
        rows.sort(key=lambda row: (not row.emergency, row.due or row.submitted))
        return _page(rows, after, limit)

    def to_review(self, person: Person, *, after: str = "", limit: int = 50) -> Page[RequestSummary]:
        """Emergencies in the person's sight whose review is open, the oldest first; it says whose it is."""
        with self._ground.reading() as connection:
            found = self._reviewable(connection, person)
        return _page([self._awaiting_review(one, signed) for one, signed in found], after, limit)

    def counts(self, connection: Connection, person: Person) -> tuple[int, int]:
        """How many the person can decide on, and how many they can review themselves."""
        given = standing(self._ground, connection, person)
        own = [
            one for one, signed in self._reviewable(connection, person)
            if shown.may_review(person, one, signed, given, self._ground.clock())
        ]  # fmt: skip
        return len(self._decidable(connection, person)), len(own)

    def _decidable(self, connection: Connection, person: Person) -> list[Found]:
        given, now = standing(self._ground, connection, person), self._ground.clock()
        wanted = Wanted(
            _agencies(person, given), [RequestState.SUBMITTED], not_requester=person.id, limit=None,
            for_city=_signs_for_the_city_only(person, given),
        )  # fmt: skip
        found = _with_signatures(connection, wanted)
        return [
            (one, signed) for one, signed in found if shown.may_decide(person, one, signed, given, now)
        ]  # fmt: skip

    def _reviewable(self, connection: Connection, person: Person) -> list[Found]:
        given = standing(self._ground, connection, person)
        wanted = Wanted(_agencies(person, given), _REVIEWED, unreviewed=True, limit=None)
        found = _with_signatures(connection, wanted)
        return [
            (one, signed) for one, signed in reversed(found)
            if reviews_missing(shown.subject(one), shown.of_round(one, signed))
        ]  # fmt: skip

    def _awaiting_review(self, one: domain.Request, signed: Sequence[Signed]) -> RequestSummary:
        past = shown.of_round(one, signed)
        stages = [shown.STAGE_WORDS[stage] for stage in reviews_missing(shown.subject(one), past)]
        approved = max(mark.at for mark in past if mark.verdict == Verdict.APPROVE)
        return replace(
            shown.summary(self._ground, one, signed),
            waits_for=Words(" / ".join(w.vi for w in stages), " / ".join(w.en for w in stages)),
            due=self._ground.site.calendar.due(approved, ESCALATE_AFTER),
        )


def _with_signatures(connection: Connection, wanted: Wanted) -> list[Found]:
    if wanted.agencies == []:
        return []
    found = requests.listed(connection, wanted)
    signed = requests.signatures_of(connection, [one.id for one in found])
    return [(one, signed.get(one.id, ())) for one in found]


def _agencies(person: Person, given: Sequence[Delegation]) -> list[str] | None:
    """Of which agencies the person may sign anything; None for all."""
    if Role.AUDITOR in person.roles:
        return []
    if Role.OPERATOR in person.roles or any(one.stage == Stage.CITY for one in given):
        return None
    own = [person.agency] if Role.APPROVER in person.roles else []
    return sorted({*own, *(one.agency for one in given)})


def _signs_for_the_city_only(person: Person, given: Sequence[Delegation]) -> bool:
    return Role.APPROVER not in person.roles and all(one.stage == Stage.CITY for one in given)


def _page(rows: Sequence[RequestSummary], after: str, limit: int) -> Page[RequestSummary]:
    start = int(after) if after.isascii() and after.isdecimal() and len(after) < 10 else 0
    end = start + max(1, min(limit, 200))
    return Page(tuple(rows[start:end]), str(end) if len(rows) > end else "")

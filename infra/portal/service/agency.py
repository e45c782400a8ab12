"""Agencies with what they may hold, hold and wait for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from infra.domain.deployment import DeploymentState
from infra.domain.person import SEES_ALL, Person
from infra.domain.request import OPEN
from infra.domain.sla import Month
from infra.domain.words import Words
from infra.portal.interface import NotFound
from infra.portal.oversight import Agency, AgencyPerson, AgencySummary
from infra.portal.service.ground import Ground
from infra.portal.service.request import quota_lines
from infra.portal.sla import Sla
from infra.store import deployment as deployments
from infra.store import person as people
from infra.store import request as requests
from infra.store import reservation as reservations
from infra.store.portal_database import Connection

_STANDING = tuple(one for one in DeploymentState if one != DeploymentState.RETIRED)


class AgencyService:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def agencies(self, person: Person) -> tuple[AgencySummary, ...]:
        """Those in the person's sight."""
        with self._ground.reading() as connection:
            return self._summaries(connection, self._codes(person))

    def agency(self, person: Person, code: str) -> Agency:
        """Raises NotFound."""
        self._expect_sight(person, code)
        with self._ground.reading() as connection:
            (summary,) = self._summaries(connection, [code])
            known = people.everybody(connection, [code])
        return Agency(
            summary,
            tuple(
                AgencyPerson(one.display_name or one.name, tuple(sorted(one.roles))) for one in known
            ),
        )  # fmt: skip

    def sla(self, person: Person, code: str, month: Month) -> Sla:
        """The statement of a month. Raises NotFound before anything is asked of the ledger."""
        self._expect_sight(person, code)
        return self._ground.site.sla(code, month)

    def _expect_sight(self, person: Person, code: str) -> None:
        if code not in self._codes(person):
            raise NotFound("there is no such agency, or it is not yours")

    def _codes(self, person: Person) -> list[str]:
        known = self._ground.site.agencies
        if person.roles & SEES_ALL:
            return list(known)
        return [person.agency] if person.roles and person.agency in known else []

    def _summaries(self, connection: Connection, codes: Sequence[str]) -> tuple[AgencySummary, ...]:
        accounts = reservations.accounts(connection, codes)
        living = deployments.counts(connection, codes, _STANDING)
        open_ = requests.counts(connection, codes, sorted(OPEN))
        none: Mapping[str, int] = {}
        agencies = self._ground.site.agencies
        return tuple(
            AgencySummary(
                code, Words(agencies[code].name_vi, agencies[code].name_en),
                quota_lines(accounts[code]) if code in accounts else (), living.get(code, none),
                open_.get(code, none), agencies[code].security_level,
            )
            for code in codes
        )  # fmt: skip

"""The cloud's work as its team sees it: what waits, what is being done, what failed, and what still fits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from infra.domain import request as domain
from infra.domain.catalog import CatalogItem
from infra.domain.deployment import DeploymentState
from infra.domain.parameter import check_values
from infra.domain.person import SEES_ALL, Person
from infra.domain.request import RequestItem, RequestState
from infra.domain.step import LABELS, JournalStep, StepState
from infra.domain.words import NOTHING, Words
from infra.portal.interface import Component
from infra.portal.oversight import Operations, QueuedRequest, Room
from infra.portal.service import shown
from infra.portal.service.deployment import DeploymentService
from infra.portal.service.ground import Ground, Refused
from infra.store import deployment as deployments
from infra.store import journal
from infra.store import request as requests
from infra.store.deployment import WantedDeployments
from infra.store.portal_database import Connection
from infra.store.request import Signed, Wanted

MOST_SHOWN = 100
_S = DeploymentState


class OperationsService:
    def __init__(self, ground: Ground, living: DeploymentService) -> None:
        self._ground = ground
        self._living = living

    def operations(self, person: Person) -> Operations:
        """Raises Refused for who does not see all agencies."""
        if not person.roles & SEES_ALL:
            raise Refused(_NOT_YOURS)
        with self._ground.reading() as connection:
            approved = requests.listed(connection, Wanted(None, [RequestState.APPROVED], limit=MOST_SHOWN))
            failed = requests.listed(connection, Wanted(None, [RequestState.FAILED], limit=MOST_SHOWN))
            queue = self._queued(connection, sorted(approved, key=_in_turn))
            lost = self._queued(connection, failed)
            changing = deployments.listed(
                connection, WantedDeployments(None, [_S.PROVISIONING, _S.RETIRING], limit=MOST_SHOWN)
            )
            broken = deployments.listed(connection, WantedDeployments(None, [_S.FAILED], limit=MOST_SHOWN))
        return Operations(
            queue, lost, tuple(self._living.summary(one) for one in changing),
            tuple(self._living.summary(one) for one in broken), self.components(), self._room(),
            self._ground.clock(),
        )  # fmt: skip

    def components(self) -> tuple[Component, ...]:
        """The cloud's parts as the site tells of them, and this portal, which answers."""
        here = Component(Words("Cổng tự phục vụ", "Self-service portal"), "up")
        return (here, *self._ground.site.status())

    def _queued(
        self, connection: Connection, found: Sequence[domain.Request]
    ) -> tuple[QueuedRequest, ...]:  # fmt: skip
        signed = requests.signatures_of(connection, [one.id for one in found])
        last = {one.id: journal.steps(connection, one.id)[-1:] for one in found}
        return tuple(self._one(one, signed.get(one.id, ()), last[one.id]) for one in found)

    def _one(
        self, one: domain.Request, signed: Sequence[Signed], last: Sequence[JournalStep]
    ) -> QueuedRequest:  # fmt: skip
        summary = shown.summary(self._ground, one, signed)
        approved = max([one.submitted, *(mark.signature.at for mark in signed if not mark.review)])
        why = Words(one.failure_vi, one.failure_en)
        # What the journal says of an attempt before the last approval or retry says nothing of this one.
        if not last or (one.state == RequestState.APPROVED and last[0].state == StepState.FAILED):
            return QueuedRequest(summary, False, NOTHING, approved, why)
        step = last[0]
        label = LABELS.get(step.name, Words(step.name, step.name))
        running = one.state == RequestState.APPROVED
        return QueuedRequest(summary, running, label, step.started if running else _end(step), why)

    def _room(self) -> tuple[Room, ...]:
        servers = [one for one in self._ground.site.catalog.requestable if one.kind == "server"]
        return tuple(self._room_for(one) for one in servers)

    def _room_for(self, item: CatalogItem) -> Room:
        checked = check_values(item.parameters, {})
        asked = RequestItem(item.name, item.blueprint, 1, checked.values, item.takes + checked.takes)
        now = self._ground.clock()
        nobody = domain.Request(
            "", 0, "", "", "", RequestState.SUBMITTED, (asked,), "", None, "", False, 1, 1, 1, now, now
        )
        found = self._ground.site.capacity(nobody)
        worst = None if found.after_n_1 is None else max(0, found.after_n_1 + 1)
        return Room(Words(item.name_vi, item.name_en), found.before, worst)


def _in_turn(one: domain.Request) -> tuple[bool, int]:
    """As workers take them: emergencies first, then the oldest."""
    return not one.emergency, one.number


def _end(step: JournalStep) -> datetime:
    return step.ended or step.started


_NOT_YOURS = Words(
    "Chỉ tổ vận hành và kiểm toán viên xem được trang này.",
    "Only the city's cloud team and its auditors may see this.",
)

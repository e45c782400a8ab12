"""What a worker writes: an approved request is begun, its deployments become active or fail, and it ends
fulfilled or failed. Each call is one transaction, fenced by the worker's lease, with its audit record; asked
twice it changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

import sqlalchemy as sa

from infra.domain.deployment import Deployment, DeploymentEvent, DeploymentState
from infra.domain.quota import NO_QUOTA, Quota
from infra.domain.request import Request, RequestEvent, RequestState
from infra.domain.step import StepState
from infra.domain.words import NOTHING, Words
from infra.store import announcement, journal
from infra.store import change as changes
from infra.store import deployment as deployments
from infra.store import request as requests
from infra.store import reservation as reservations
from infra.store import snapshot as snapshots
from infra.store.deployment import WantedDeployments
from infra.store.lease import Lease, fence
from infra.store.portal_database import PortalDatabase, Transaction
from infra.store.portal_schema import REQUEST
from infra.store.transition import move_deployment, move_request

_MOST = 100_000
WORKER = "citycloud:worker"
"""Who the audit records of a worker are by."""


@dataclass(frozen=True)
class Work:
    """An approved request, and its deployments in the state in which they are; none before it is begun."""

    request: Request
    deployments: tuple[Deployment, ...]


@dataclass(frozen=True)
class Standing:
    """How far a request is. `deployments` are those of it that are not retired; `holds` tells whether it
    still holds quota for what is not begun; `failure` is why its last attempt failed, NOTHING if it did not.
    """

    request: Request
    deployments: tuple[Deployment, ...]
    holds: bool
    failure: Words

    @property
    def rolling_back(self) -> bool:
        """Whether what was made is being taken back: then it ends failed, and is not made a second time."""
        going = (DeploymentState.RETIRING, DeploymentState.FAILED)
        return any(one.state in going for one in self.deployments) or not (self.deployments or self.holds)


class WorkBook:
    """What workers read and write; every write is fenced by the lease of the agency (see `fence`)."""

    def __init__(self, database: PortalDatabase) -> None:
        self._database = database

    def living(self, agency: str | None = None) -> tuple[Deployment, ...]:
        """What ought to stand in the cloud, of one agency or of all, the oldest first."""
        stand = (DeploymentState.PROVISIONING, DeploymentState.ACTIVE, DeploymentState.SUSPENDED)
        return self._listed(*stand, agencies=None if agency is None else [agency])

    def undoing(self) -> Mapping[str, tuple[str, ...]]:
        """Deployments whose change is being taken back -> parameters that stay as the cloud has them."""
        with self._database.reading() as connection:
            found = {}
            for deployment, request in changes.undoing(connection).items():
                asked = requests.find(connection, request)
                if asked is not None and asked.change is not None:
                    found[deployment] = tuple(sorted(asked.change.stays))
            return found

    def leaving(self) -> tuple[Deployment, ...]:
        """What is to be removed from the cloud."""
        return self._listed(DeploymentState.RETIRING)

    def standing(self, request: str) -> Standing:
        """Raises LookupError."""
        with self._database.reading() as connection:
            found = requests.find(connection, request)
            if found is None:
                raise LookupError(f"there is no request {request}")
            mine = deployments.of_request(connection, request)
            holds = reservations.held(connection, request) != NO_QUOTA
            told = journal.steps(connection, request)
        left = tuple(one for one in mine if one.state != DeploymentState.RETIRED)
        return Standing(found, left, holds, journal.failure(told))

    def step(self, lease: Lease, request: str, name: str, now: datetime, *, anew: bool = False) -> int:
        """Write into the journal that a step begins; its place."""
        with self._database.writing() as tx:
            return journal.begin(tx, lease, request, name=name, now=now, anew=anew)

    def step_ended(
        self,
        lease: Lease,
        request: str,
        place: int,
        *,
        state: StepState,
        now: datetime,
        note: Words = NOTHING,
    ) -> None:
        with self._database.writing() as tx:
            journal.end(tx, lease, request, place, state=state, now=now, note=note)

    def _listed(
        self, *states: DeploymentState, agencies: Sequence[str] | None = None
    ) -> tuple[Deployment, ...]:
        with self._database.reading() as connection:
            found = deployments.listed(connection, WantedDeployments(agencies, states, limit=_MOST))
        return tuple(reversed(found))

    def waiting(self) -> tuple[tuple[str, str], ...]:
        """(agency, request) of all that is approved and not done, the oldest first."""
        asked = (
            sa.select(REQUEST.c.agency, REQUEST.c.id)
            .where(REQUEST.c.state == RequestState.APPROVED)
            .order_by(REQUEST.c.emergency.desc(), REQUEST.c.number)
        )
        with self._database.reading() as connection:
            return tuple((row.agency, row.id) for row in connection.execute(asked))

    def begin(self, lease: Lease, request: str, now: datetime) -> Work:
        """Check the quota for the last time and give each thing that is asked for its deployment, with a name
        and an id that are the same however often this is begun. Raises QuotaExceeded, LeaseLost, and
        LookupError where the request is not approved.
        """
        with self._database.writing() as tx:
            fence(tx, lease)
            found = approved(tx, request)
            if found.change is not None:
                raise LookupError(f"request {found.number} changes what stands: ChangeBook begins it")
            mine = tuple(
                one
                for one in deployments.of_request(tx.connection, request)
                if one.state != DeploymentState.RETIRED
            )
            if mine:
                return Work(found, mine)
            reservations.check_again(tx, found.agency, request)
            made = _planned(tx, found, now)
            for one, _ in made:
                deployments.insert(tx, one)
            reservations.take(tx, request, {one.id: takes for one, takes in made})
            names = ", ".join(one.name for one, _ in made)
            audit(tx, found, now, "request.begin", Words(f"Bắt đầu tạo {names}", f"Began to make {names}"))
            return Work(found, tuple(one for one, _ in made))

    def activate(
        self, lease: Lease, deployment: str, outputs: Mapping[str, str], now: datetime
    ) -> None:  # fmt: skip
        """Its probes are green. `outputs` are what its owner needs: address, user and ways to connect; no
        secrets.
        """
        with self._database.writing() as tx:
            fence(tx, lease)
            before = _deployment(tx, deployment)
            if before.state == DeploymentState.ACTIVE and dict(before.outputs) == dict(outputs):
                return
            move_deployment(tx, before, DeploymentEvent.ACTIVATE, before.version, outputs=dict(outputs))
            told = Words(f"{before.name} sẵn sàng", f"{before.name} is ready")
            audit_deployment(tx, before, now, "deployment.activate", told)

    def fulfill(self, lease: Lease, request: str, now: datetime) -> None:
        """Raises LookupError while a deployment of it is not active: all of them or none."""
        with self._database.writing() as tx:
            fence(tx, lease)
            found = _known(tx, request)
            if found.state == RequestState.FULFILLED:
                return
            living = [
                one
                for one in deployments.of_request(tx.connection, request)
                if one.state != DeploymentState.RETIRED
            ]
            waiting = [one.name for one in living if one.state == DeploymentState.PROVISIONING]
            if waiting or len(living) != len(found.units):
                raise LookupError(f"request {found.number} is not whole: {', '.join(waiting) or 'too few'}")
            announcement.ended(tx, move_request(tx, found, RequestEvent.FULFILL, found.version), now)
            audit(tx, found, now, "request.fulfill", Words("Hoàn thành", "Fulfilled"))

    def failed(self, lease: Lease, request: str, why: Words, now: datetime) -> None:
        """Making it has failed: its deployments wait to be taken back, and only then the request ends."""
        with self._database.writing() as tx:
            fence(tx, lease)
            found = approved(tx, request)
            for one in deployments.of_request(tx.connection, request):
                if one.state == DeploymentState.PROVISIONING:
                    one = move_deployment(tx, one, DeploymentEvent.FAIL, one.version)  # noqa: PLW2901
                if one.state in (DeploymentState.FAILED, DeploymentState.ACTIVE):
                    move_deployment(tx, one, DeploymentEvent.RETIRE, one.version)
            told = Words(f"Không tạo được: {why.vi}", f"Could not be made: {why.en}")
            audit(tx, found, now, "request.roll_back", told)

    def gone(self, lease: Lease, deployment: str, now: datetime) -> None:
        """Nothing of it is left in the cloud: its quota is free."""
        with self._database.writing() as tx:
            fence(tx, lease)
            before = _deployment(tx, deployment)
            if before.state == DeploymentState.RETIRED:
                return
            move_deployment(tx, before, DeploymentEvent.GONE, before.version)
            snapshots.all_gone(tx, deployment)
            told = Words(f"Đã xóa {before.name}", f"{before.name} is deleted")
            audit_deployment(tx, before, now, "deployment.gone", told)

    def fail(self, lease: Lease, request: str, why: Words, now: datetime) -> None:
        """The request ends failed, with a reason in plain words. Raises LookupError while something that was
        made for it is still there.
        """
        with self._database.writing() as tx:
            fence(tx, lease)
            found = _known(tx, request)
            if found.state == RequestState.FAILED:
                return
            left = [
                one.name
                for one in deployments.of_request(tx.connection, request)
                if one.state != DeploymentState.RETIRED
            ]
            if left:
                raise LookupError(f"request {found.number} still has {', '.join(left)}; take it back first")
            after = move_request(tx, found, RequestEvent.FAIL, found.version, failure=why)
            announcement.ended(tx, after, now)
            audit(tx, found, now, "request.fail", Words(f"Thất bại: {why.vi}", f"Failed: {why.en}"))


def _planned(tx: Transaction, found: Request, now: datetime) -> list[tuple[Deployment, Quota]]:
    """Names are the item's and the request's number, which no other request has. After a failed attempt the
    names of then are not given again.
    """
    taken = deployments.names(tx.connection, found.agency)
    made: list[tuple[Deployment, Quota]] = []
    for item in found.items:
        for _ in range(item.count):
            place = len(made) + 1
            name = f"{item.item[:40]}-{found.number}-{place}"
            attempt = 1
            while name in taken:
                attempt += 1
                name = f"{item.item[:40]}-{found.number}-{place}-{attempt}"
            id_ = str(uuid5(NAMESPACE_URL, f"citycloud:{found.id}:{name}"))
            one = Deployment(
                id_, name, found.agency, found.requester, found.id, item.item, item.blueprint,
                dict(item.values), DeploymentState.PROVISIONING, 1, now, expires=found.end,
            )  # fmt: skip
            made.append((one, item.unit))
    return made


def _known(tx: Transaction, request: str) -> Request:
    found = requests.find(tx.connection, request)
    if found is None:
        raise LookupError(f"there is no request {request}")
    return found


def approved(tx: Transaction, request: str) -> Request:
    """Raises LookupError where it is not."""
    found = _known(tx, request)
    if found.state != RequestState.APPROVED:
        raise LookupError(f"request {found.number} is {found.state}, not approved; leave it alone")
    return found


def _deployment(tx: Transaction, deployment: str) -> Deployment:
    found = deployments.find(tx.connection, deployment)
    if found is None:
        raise LookupError(f"there is no deployment {deployment}")
    return found


def audit(tx: Transaction, found: Request, now: datetime, action: str, told: Words = NOTHING) -> None:
    """Record what a worker did with a request."""
    tx.audit(
        at=now, who=WORKER, who_name=WORKER, agency=found.agency, action=action, about=found.id, told=told,
        facts={"number": found.number, "round": found.round},
    )  # fmt: skip


def audit_deployment(
    tx: Transaction, found: Deployment, now: datetime, action: str, told: Words, *, request: str = ""
) -> None:
    """`request` is the one that it was done for, by default the one that made the deployment."""
    tx.audit(
        at=now, who=WORKER, who_name=WORKER, agency=found.agency, action=action, about=found.id, told=told,
        facts={"request": request or found.request},
    )  # fmt: skip

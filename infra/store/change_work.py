"""What a worker writes of an approved change: its deployment gets the new values, and either takes them on or
goes back to those that it had. Each call is one transaction, fenced by the worker's lease, with its audit
record; asked twice it changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from infra.domain.change import Change, ChangeRefused, ChangeState
from infra.domain.deployment import Deployment, DeploymentState
from infra.domain.request import Request, RequestEvent
from infra.domain.words import Words
from infra.store import announcement, journal
from infra.store import change as changes
from infra.store import deployment as deployments
from infra.store import request as requests
from infra.store import reservation as reservations
from infra.store.lease import Lease, fence
from infra.store.portal_database import PortalDatabase, Transaction
from infra.store.transition import move_request
from infra.store.work import approved, audit, audit_deployment


@dataclass(frozen=True)
class ChangeStanding:
    """An approved request that changes the `deployment`, and how far it is; `failure` is why its last attempt
    failed, NOTHING if it did not.
    """

    request: Request
    deployment: Deployment
    state: ChangeState
    failure: Words


class ChangeBook:
    """What workers read and write; every write is fenced by the lease of the agency (see `fence`)."""

    def __init__(self, database: PortalDatabase) -> None:
        self._database = database

    def changes(self, request: str) -> bool:
        """Whether the request changes something that stands."""
        with self._database.reading() as connection:
            return changes.state(connection, request) is not None

    def standing(self, request: str) -> ChangeStanding:
        """Raises LookupError."""
        with self._database.reading() as connection:
            found, state = requests.find(connection, request), changes.state(connection, request)
            change = found.change if found is not None else None
            one = deployments.find(connection, change.deployment) if change is not None else None
            if found is None or one is None or state is None:
                raise LookupError(f"there is no request {request} that changes a deployment")
            failure = journal.failure(journal.steps(connection, request))
        return ChangeStanding(found, one, state, failure)

    def begin(self, lease: Lease, request: str, now: datetime) -> Deployment:
        """Check for the last time, and give the deployment its new values. Raises QuotaExceeded, LeaseLost,
        ChangeRefused where what stands is not what was signed any more, and LookupError where the request is
        not approved.
        """
        with self._database.writing() as tx:
            found, change, one = _fenced(tx, lease, request)
            if changes.state(tx.connection, request) != ChangeState.ASKED:
                return one
            _check(one, change)
            reservations.check_again(tx, found.agency, request)
            reservations.add(tx, request, one.id)
            after = deployments.save(tx, replace(one, values=dict(found.items[0].values)), one.version)
            changes.move(tx, request, ChangeState.MAKING)
            audit(tx, found, now, "request.begin",
                  Words(f"Bắt đầu thay đổi {one.name}", f"Began to change {one.name}"))  # fmt: skip
            return after

    def settle(self, lease: Lease, request: str, outputs: Mapping[str, str], now: datetime) -> None:
        """The cloud has the new values: the deployment takes what they take, and the request is fulfilled."""
        with self._database.writing() as tx:
            found, change, one = _fenced(tx, lease, request)
            deployments.save(tx, replace(one, outputs=dict(outputs)), one.version)
            reservations.settle(tx, found.agency, request, deployment=one.id, takes=change.takes)
            announcement.ended(tx, move_request(tx, found, RequestEvent.FULFILL, found.version), now)
            told = Words(f"Đã thay đổi {one.name}", f"{one.name} is changed")
            audit_deployment(tx, one, now, "deployment.change", told, request=request)
            audit(tx, found, now, "request.fulfill", Words("Hoàn thành", "Fulfilled"))

    def undo(self, lease: Lease, request: str, why: Words, now: datetime) -> None:
        """The cloud could not make it: the deployment has its old values again, which it then is to have."""
        with self._database.writing() as tx:
            found, change, one = _fenced(tx, lease, request)
            if changes.state(tx.connection, request) != ChangeState.MAKING:
                return
            deployments.save(tx, replace(one, values=dict(change.before)), one.version)
            changes.move(tx, request, ChangeState.UNDOING)
            told = Words(f"Không thay đổi được: {why.vi}", f"Could not be changed: {why.en}")
            audit(tx, found, now, "request.roll_back", told)

    def undone(
        self, lease: Lease, request: str, outputs: Mapping[str, str], *, why: Words, now: datetime
    ) -> None:
        """The cloud has again what stood before, but for what cannot shrink: the request ends failed."""
        with self._database.writing() as tx:
            found, change, one = _fenced(tx, lease, request)
            values, takes = change.undone(found.items[0].values, outputs)
            deployments.save(tx, replace(one, values=values, outputs=dict(outputs)), one.version)
            reservations.settle(tx, found.agency, request, deployment=one.id, takes=takes)
            kept = values != dict(change.before)
            told = _KEPT if kept else Words(f"{one.name} trở lại như cũ", f"{one.name} is as it was")
            audit_deployment(tx, one, now, "deployment.change_undone", told, request=request)
            failure = Words(f"{why.vi}. {_KEPT.vi}", f"{why.en}. {_KEPT.en}") if kept else why
            _fail(tx, found, failure, now)

    def refuse(self, lease: Lease, request: str, why: Words, now: datetime) -> None:
        """It was not begun, and is not: the request ends failed, and nothing has changed."""
        with self._database.writing() as tx:
            found, _, _ = _fenced(tx, lease, request)
            _fail(tx, found, why, now)


def _fenced(tx: Transaction, lease: Lease, request: str) -> tuple[Request, Change, Deployment]:
    fence(tx, lease)
    found = approved(tx, request)
    change = found.change
    one = deployments.find(tx.connection, change.deployment) if change is not None else None
    if change is None or one is None:
        raise LookupError(f"request {found.number} changes no deployment")
    return found, change, one


def _check(one: Deployment, change: Change) -> None:
    """What was signed is still what is to be changed. Notices and restarts since then do not matter; values,
    its state and whether it runs do.
    """
    if one.state != DeploymentState.ACTIVE or one.power != "on":
        raise ChangeRefused(
            Words(
                f"{one.name} không còn đang chạy nên không thay đổi được; hãy bật lại rồi thử lại.",
                f"{one.name} does not run any more, so it cannot be changed; start it and try again.",
            )
        )
    if dict(one.values) != dict(change.before):
        raise ChangeRefused(
            Words(
                f"{one.name} đã thay đổi sau khi yêu cầu được gửi; hãy gửi yêu cầu thay đổi mới.",
                f"{one.name} has changed since this was asked for; ask for the change anew.",
            )
        )


def _fail(tx: Transaction, found: Request, why: Words, now: datetime) -> None:
    after = move_request(tx, found, RequestEvent.FAIL, found.version, failure=why)
    announcement.ended(tx, after, now)
    audit(tx, found, now, "request.fail", Words(f"Thất bại: {why.vi}", f"Failed: {why.en}"))


_KEPT = Words(
    "Những phần đã tăng không thu nhỏ được nên giữ nguyên; phần còn lại trở lại như cũ",
    "What has grown cannot shrink and stays so; the rest is as it was",
)

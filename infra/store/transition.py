"""The one way from a state to the next: quota is held, given to a deployment or given back with it. Of an
agency that is closed nothing moves but what its closure (`closing`) moves.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from infra.domain import deployment as deployment_domain
from infra.domain import request as request_domain
from infra.domain.deployment import Deployment, DeploymentEvent, DeploymentState
from infra.domain.request import HOLDS_QUOTA, Request, RequestEvent
from infra.domain.words import NOTHING, Words
from infra.store import change as changes
from infra.store import deployment as deployments
from infra.store import request as requests
from infra.store import reservation as reservations
from infra.store.closed import must_be_open
from infra.store.portal_database import Transaction


def move_request(
    tx: Transaction, before: Request, event: RequestEvent, version: int, *, failure: Words = NOTHING,
    closing: bool = False, **fields: Any,
) -> Request:  # fmt: skip
    """Raises TransitionRefused, ChangedMeanwhile, AgencyClosed, QuotaExceeded where quota would have to be
    held anew, and ChangeRefused where another request changes the same deployment by now. `fields` change
    with it; units that are held anew are those after them.
    """
    if not closing:
        must_be_open(tx.connection, before.agency)
    state = request_domain.next_state(before.state, event)
    changed = replace(before, state=state, failure_vi=failure.vi, failure_en=failure.en, **fields)
    after = requests.save(tx, changed, version)
    if before.state in HOLDS_QUOTA and state not in HOLDS_QUOTA:
        reservations.release(tx, request=before.id)
        changes.end(tx, before.id)
    if before.state not in HOLDS_QUOTA and state in HOLDS_QUOTA:
        reserve(tx, after)
    return after


def reserve(tx: Transaction, request: Request) -> None:
    """Hold the quota of a request that is handed in, and the deployment that it changes. Raises
    QuotaExceeded, ChangeRefused.
    """
    reservations.hold(tx, request.agency, request.id, request.units)
    if request.change:
        changes.begin(tx, request.id, request.change.deployment)


def move_deployment(
    tx: Transaction, before: Deployment, event: DeploymentEvent, version: int, *, closing: bool = False,
    **changes: Any,
) -> Deployment:  # fmt: skip
    """Raises DeploymentRefused, ChangedMeanwhile and AgencyClosed. A retired deployment gives its quota
    back.
    """
    if not closing:
        must_be_open(tx.connection, before.agency)
    state = deployment_domain.next_state(before.state, event)
    after = deployments.save(tx, replace(before, state=state, **changes), version)
    if state == DeploymentState.RETIRED:
        reservations.release(tx, deployment=before.id)
    return after

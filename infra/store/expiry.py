"""The ladder at the end of a deployment's life, taken a step at a time: each step is one transaction with its
audit record and its notice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from infra.domain.deployment import (
    Deployment,
    DeploymentEvent,
    DeploymentState,
    Ladder,
    LadderStep,
    StepKind,
)
from infra.domain.words import Words
from infra.store import announcement
from infra.store import change as changes
from infra.store import deployment as deployments
from infra.store.closed import closed_agencies
from infra.store.deployment import WantedDeployments
from infra.store.portal_database import PortalDatabase, Transaction
from infra.store.transition import move_deployment
from infra.store.work import WORKER

_MOST = 100_000


@dataclass(frozen=True)
class TakenStep:
    deployment: Deployment
    step: LadderStep
    told: Words


def take_due_steps(
    database: PortalDatabase, ladder: Ladder, now: datetime, today: date,
    archive: Callable[[Deployment], bool],
) -> tuple[TakenStep, ...]:  # fmt: skip
    """Every step that is due today, in any agency that is not closed. `archive` makes a deployment's archive
    in the cloud, outside of any transaction, and tells whether it is there; it may be asked again for the
    same one.
    """
    horizon = today + timedelta(days=max(ladder.notices))
    wanted = WantedDeployments(
        None, [DeploymentState.ACTIVE, DeploymentState.SUSPENDED], expires_by=horizon, limit=_MOST
    )  # fmt: skip
    with database.reading() as connection:
        closed = closed_agencies(connection)
        found = [one for one in deployments.listed(connection, wanted) if one.agency not in closed]
    taken = []
    for one in found:
        step = ladder.due(one, today)
        if step is None or (step.kind == StepKind.ARCHIVE and not archive(one)):
            continue
        with database.writing() as tx:
            fresh = deployments.find(tx.connection, one.id)
            if fresh is None or fresh.agency in closed_agencies(tx.connection):
                continue
            if ladder.due(fresh, today) == step and not _waits(tx, fresh, step):
                taken.append(_take(tx, fresh, step, now, today))
                announcement.ladder_step(tx, fresh, step, ladder, now=now, today=today)
    return tuple(taken)


def _waits(tx: Transaction, one: Deployment, step: LadderStep) -> bool:
    """What a worker is changing at this moment is stopped when that is done."""
    change = changes.running(tx.connection, one.id)
    return step.kind == StepKind.SUSPEND and change is not None and change.begun


def _take(tx: Transaction, one: Deployment, step: LadderStep, now: datetime, today: date) -> TakenStep:
    if step.kind == StepKind.NOTICE:
        after = deployments.save(tx, replace(one, noticed=step.threshold, noticed_on=today), one.version)
    elif step.kind == StepKind.SUSPEND:
        after = move_deployment(tx, one, DeploymentEvent.SUSPEND, one.version, suspended_on=today)
    elif step.kind == StepKind.ARCHIVE:
        after = deployments.save(tx, replace(one, archived=today), one.version)
    else:
        after = move_deployment(tx, one, DeploymentEvent.RETIRE, one.version)
    told = _told(one, step)
    tx.audit(
        at=now, who=WORKER, who_name=WORKER, agency=one.agency, action=f"deployment.expiry_{step.kind}",
        about=one.id, told=told, facts={"days_left": step.days_left, "owner": one.owner},
    )  # fmt: skip
    return TakenStep(after, step, told)


def _told(one: Deployment, step: LadderStep) -> Words:
    name, left = one.name, step.days_left
    if step.kind == StepKind.SUSPEND:
        return Words(f"{name} đã hết hạn, đã tắt và khóa", f"{name} has ended; it is stopped and locked")
    if step.kind == StepKind.ARCHIVE:
        return Words(f"{name} đã được lưu trữ", f"{name} is kept as an archive")
    if step.kind == StepKind.RETIRE:
        return Words(f"{name} đang được xóa", f"{name} is being deleted")
    if left < 0:
        return Words(f"{name} đã hết hạn; ngày mai sẽ bị tắt", f"{name} has ended; it is stopped tomorrow")
    return Words(f"{name} còn {left} ngày là hết hạn", f"{name} ends in {left} days")

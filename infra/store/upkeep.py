"""What workers read and write of snapshots and rebuilds; every write is fenced by the lease of the agency."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from infra.domain.deployment import Deployment, DeploymentState
from infra.domain.rebuild import Rebuild, RebuildState
from infra.domain.snapshot import Snapshot, SnapshotState
from infra.domain.step import StepState
from infra.domain.words import NOTHING, Words
from infra.store import deployment as deployments
from infra.store import journal
from infra.store import rebuild as rebuilds
from infra.store import snapshot as snapshots
from infra.store.lease import Lease, fence
from infra.store.portal_database import Connection, PortalDatabase, Transaction
from infra.store.portal_schema import REBUILD_STEP
from infra.store.work import WORKER

_STANDS = (DeploymentState.ACTIVE, DeploymentState.SUSPENDED)


@dataclass(frozen=True)
class DueSnapshot:
    """`snapshot` is wanted or leaving."""

    snapshot: Snapshot
    deployment: Deployment


@dataclass(frozen=True)
class DueRebuild:
    """`source` is the snapshot that the disk is made from, None for the item's image."""

    rebuild: Rebuild
    deployment: Deployment
    source: Snapshot | None


class UpkeepBook:
    def __init__(self, database: PortalDatabase) -> None:
        self._database = database

    def due_snapshots(self) -> tuple[DueSnapshot, ...]:
        """Those of what stands; what is given back takes its snapshots along."""
        with self._database.reading() as connection:
            wanted = snapshots.in_states(connection, [SnapshotState.WANTED, SnapshotState.LEAVING])
            found = [DueSnapshot(one, _known(connection, one.deployment)) for one in wanted]
        return tuple(one for one in found if one.deployment.state in _STANDS)

    def due_rebuilds(self) -> tuple[DueRebuild, ...]:
        with self._database.reading() as connection:
            return tuple(
                DueRebuild(
                    one, _known(connection, one.deployment),
                    snapshots.find(connection, one.snapshot) if one.snapshot else None,
                )
                for one in rebuilds.wanted(connection)
            )  # fmt: skip

    def deployment(self, id_: str) -> Deployment:
        """Raises LookupError."""
        with self._database.reading() as connection:
            return _known(connection, id_)

    def snapshot_begun(self, lease: Lease, snapshot: Snapshot, image: str) -> None:
        """The cloud makes it, as this image."""
        with self._database.writing() as tx:
            fence(tx, lease)
            snapshots.move(tx, snapshot, SnapshotState.WANTED, image=image)

    def snapshot_ready(self, lease: Lease, due: DueSnapshot, size: int, now: datetime) -> None:
        with self._database.writing() as tx:
            fence(tx, lease)
            if snapshots.move(tx, due.snapshot, SnapshotState.READY, size=size):
                name = due.snapshot.name
                told = Words(f"Đã có bản chụp {name}", f"The snapshot {name} is made")
                _audit(tx, due.deployment, now, "deployment.snapshot_ready", told)

    def snapshot_failed(self, lease: Lease, due: DueSnapshot, why: Words, now: datetime) -> None:
        with self._database.writing() as tx:
            fence(tx, lease)
            if snapshots.move(tx, due.snapshot, SnapshotState.FAILED, why):
                name = due.snapshot.name
                told = Words(
                    f"Không chụp được {name}: {why.vi}", f"The snapshot {name} could not be made: {why.en}"
                )
                _audit(tx, due.deployment, now, "deployment.snapshot_failed", told)

    def snapshot_gone(self, lease: Lease, due: DueSnapshot, now: datetime) -> None:
        with self._database.writing() as tx:
            fence(tx, lease)
            if snapshots.move(tx, due.snapshot, SnapshotState.GONE):
                name = due.snapshot.name
                told = Words(f"Đã xóa bản chụp {name}", f"The snapshot {name} is deleted")
                _audit(tx, due.deployment, now, "deployment.snapshot_gone", told)

    def step(self, lease: Lease, rebuild: str, name: str, now: datetime, *, anew: bool = False) -> int:
        """Write into the journal that a step begins; its place."""
        with self._database.writing() as tx:
            return journal.begin(tx, lease, rebuild, name=name, now=now, anew=anew, table=REBUILD_STEP)

    def step_ended(
        self, lease: Lease, rebuild: str, place: int, *, state: StepState, now: datetime,
        note: Words = NOTHING,
    ) -> None:  # fmt: skip
        with self._database.writing() as tx:
            journal.end(tx, lease, rebuild, place, state=state, now=now, note=note, table=REBUILD_STEP)

    def rebuilt(self, lease: Lease, due: DueRebuild) -> Deployment:
        """The server's disk is new; what is to be set up in it comes after."""
        with self._database.writing() as tx:
            fence(tx, lease)
            before = _known(tx.connection, due.deployment.id)
            return deployments.save(tx, replace(before, rebuilt=due.rebuild.id), before.version)

    def rebuild_ended(
        self, lease: Lease, due: DueRebuild, state: RebuildState, now: datetime, why: Words = NOTHING
    ) -> None:
        with self._database.writing() as tx:
            fence(tx, lease)
            if not rebuilds.end(tx, due.rebuild.id, state, why):
                return
            name, done = due.deployment.name, state == RebuildState.DONE
            told = Words(f"Ổ hệ thống của {name} đã làm mới", f"The disk of {name} is made new")
            if not done:
                told = Words(
                    f"Không làm mới được ổ hệ thống của {name}: {why.vi}",
                    f"The disk of {name} could not be made new: {why.en}",
                )
            action = "deployment.rebuilt" if done else "deployment.rebuild_failed"
            _audit(tx, due.deployment, now, action, told)


def _known(connection: Connection, deployment: str) -> Deployment:
    found = deployments.find(connection, deployment)
    if found is None:
        raise LookupError(f"there is no deployment {deployment}")
    return found


def _audit(tx: Transaction, found: Deployment, now: datetime, action: str, told: Words) -> None:
    tx.audit(
        at=now, who=WORKER, who_name=WORKER, agency=found.agency, action=action, about=found.id, told=told,
        facts={"request": found.request},
    )  # fmt: skip

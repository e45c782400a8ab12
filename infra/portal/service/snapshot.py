"""Snapshots of a deployment, going back to one, making its disk new, and bringing back what was archived."""

from __future__ import annotations

import re
from collections.abc import Mapping

from infra.domain.deployment import Deployment
from infra.domain.snapshot import KEPT, SnapshotState
from infra.domain.snapshot import Snapshot as Kept
from infra.domain.step import LABELS
from infra.domain.words import Words
from infra.portal.interface import Conflict, FieldProblem, InputRefused
from infra.portal.service.ground import Ground
from infra.portal.upkeep import Phase, Rebuild, Snapshot
from infra.store import deployment as deployments
from infra.store import journal
from infra.store import rebuild as rebuilds
from infra.store import snapshot as snapshots
from infra.store.portal_database import Connection, Transaction
from infra.store.portal_schema import REBUILD_STEP

LONGEST_NAME = 63
Told = tuple[Words, Mapping[str, str]]
"""What the audit says of an action, and its facts."""


def shown(connection: Connection, deployment: str) -> tuple[Snapshot, ...]:
    return tuple(
        Snapshot(
            one.id, one.name, one.state, one.who_name, one.created, one.size, one.archive, one.note
        )
        for one in snapshots.of_deployment(connection, deployment)
    )  # fmt: skip


def last_rebuild(connection: Connection, deployment: str) -> Rebuild | None:
    found = rebuilds.last(connection, deployment)
    if found is None:
        return None
    source = snapshots.find(connection, found.snapshot) if found.snapshot else None
    phases = tuple(
        Phase(LABELS.get(one.name, Words(one.name, one.name)), one.state, one.started, one.ended, one.note)
        for one in journal.steps(connection, found.id, REBUILD_STEP)
    )
    return Rebuild(_source(source), found.state, found.created, phases, found.note)


def is_busy(connection: Connection, deployment: str) -> bool:
    """Whether a snapshot of it is being made: its disk is not made new before that is whole."""
    found = snapshots.of_deployment(connection, deployment)
    return any(one.state == SnapshotState.WANTED for one in found)


def take(  # noqa: PLR0917 (what every action needs, and who)
    ground: Ground, tx: Transaction, who: str, before: Deployment, values: Mapping[str, str], version: int
) -> Told:
    """Raises InputRefused, and Conflict where it has as many as it may."""
    name = " ".join(values.get("name", "").split())
    if not re.fullmatch(rf"[\w][\w .,:()/-]{{0,{LONGEST_NAME - 1}}}", name):
        raise InputRefused([FieldProblem("values.name", _NAME)])
    have = snapshots.of_deployment(tx.connection, before.id)
    if any(one.name == name for one in have):
        raise InputRefused([FieldProblem("values.name", _TAKEN)])
    most = ground.site.policies.snapshots
    if sum(one.state in KEPT for one in have) >= most:
        raise Conflict(_too_many(most))
    deployments.save(tx, before, version)
    id_ = snapshots.insert(tx, before.id, name, who, ground.clock())
    told = Words(f"Chụp {before.name}: {name}", f"Asked for a snapshot of {before.name}: {name}")
    return told, {"snapshot": id_}


def delete(tx: Transaction, before: Deployment, values: Mapping[str, str], version: int) -> Told:
    found = _named(tx.connection, before, values, (SnapshotState.READY, SnapshotState.FAILED))
    deployments.save(tx, before, version)
    snapshots.move(tx, found, SnapshotState.LEAVING)
    told = Words(
        f"Xóa bản chụp {found.name} của {before.name}", f"Deleted snapshot {found.name} of {before.name}"
    )
    return told, {"snapshot": found.id}


def make_new(
    ground: Ground, tx: Transaction, before: Deployment, values: Mapping[str, str], version: int
) -> Told:
    """From the snapshot that `values` names, else from the item's image."""
    found = _named(tx.connection, before, values, (SnapshotState.READY,)) if values else None
    deployments.save(tx, before, version)
    id_ = rebuilds.insert(tx, before.id, found.id if found else "", ground.clock())
    source = _source(found)
    told = Words(
        f"Làm mới ổ hệ thống của {before.name} từ {source.vi}",
        f"Made the system disk of {before.name} new from {source.en}",
    )
    return told, {"rebuild": id_, "snapshot": found.id if found else ""}


def keep_archive(ground: Ground, tx: Transaction, who: str, before: Deployment) -> None:
    """What was archived runs again from its own disk, and its archive becomes a snapshot to go back to."""
    day = before.archived or ground.today()
    name = f"archive {day.isoformat()}"
    snapshots.insert(tx, before.id, name, who, ground.clock(), archive=True)


def _named(
    connection: Connection, before: Deployment, values: Mapping[str, str], states: tuple[SnapshotState, ...]
) -> Kept:
    found = snapshots.find(connection, values.get("snapshot", ""))
    if found is None or found.deployment != before.id or found.state not in states:
        raise InputRefused([FieldProblem("values.snapshot", _NO_SNAPSHOT)])
    return found


def _source(found: Kept | None) -> Words:
    if found is None:
        return Words("ảnh gốc của loại máy này", "the original image of its kind")
    return Words(f"bản chụp {found.name}", f"the snapshot {found.name}")


def _too_many(most: int) -> Words:
    return Words(
        f"Mỗi máy giữ nhiều nhất {most} bản chụp; hãy xóa một bản cũ trước.",
        f"A deployment keeps {most} snapshots at most; delete an old one first.",
    )


_NAME = Words(
    f"Hãy đặt tên bằng chữ và số, nhiều nhất {LONGEST_NAME} ký tự.",
    f"Name it with letters and digits, {LONGEST_NAME} characters at most.",
)
_TAKEN = Words("Đã có bản chụp mang tên này.", "There is a snapshot of this name already.")
_NO_SNAPSHOT = Words(
    "Hãy chọn một bản chụp đã sẵn sàng của máy này.", "Choose a snapshot of this deployment that is ready."
)

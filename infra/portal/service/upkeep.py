"""A deployment's upkeep: which of its actions are possible now, what is shown of it, and what each does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from infra.domain.deployment import Deployment, DeploymentState
from infra.domain.person import Person
from infra.domain.snapshot import SnapshotState
from infra.portal.service import opening, snapshot, transfer
from infra.portal.service.ground import Ground
from infra.portal.service.snapshot import Told
from infra.portal.upkeep import Snapshot, Upkeep
from infra.store import rebuild as rebuilds
from infra.store.portal_database import Connection, Transaction

ACTIONS = ("open", "close", "snapshot", "delete_snapshot", "revert", "rebuild", "transfer")
INTERRUPTS = frozenset({"start", "stop", "reboot", "retire"})
"""What is not done to a server whose disk is being made new."""
DISKS = frozenset({"snapshot", "revert", "rebuild"})
"""What is not done to a server that is being changed, as well."""


def may(connection: Connection, one: Deployment) -> set[str]:
    """What its people may do with it. Under a legal hold nothing of it is lost: no disk is made new, no
    snapshot deleted.
    """
    if one.state not in (DeploymentState.ACTIVE, DeploymentState.SUSPENDED):
        return set()
    allowed = {"transfer"}
    if not one.has_server or rebuilds.is_wanted(connection, one.id):
        return allowed
    kept = snapshot.shown(connection, one.id)
    if kept and not one.legal_hold:
        allowed.add("delete_snapshot")
    if one.state == DeploymentState.SUSPENDED:
        return allowed
    allowed |= {"open", "snapshot"} | ({"close"} if one.openings else set())
    if one.power == "on" and not one.legal_hold and not snapshot.is_busy(connection, one.id):
        allowed |= {"rebuild"} | ({"revert"} if _ready(kept) else set())
    return allowed


def shown(ground: Ground, connection: Connection, one: Deployment, allowed: set[str]) -> Upkeep:
    return Upkeep(
        opening.shown(one), snapshot.shown(connection, one.id), ground.site.policies.snapshots,
        snapshot.last_rebuild(connection, one.id),
        transfer.heirs(connection, one) if "transfer" in allowed else (),
    )  # fmt: skip


def done(  # noqa: PLR0917 (what every action needs)
    ground: Ground, tx: Transaction, person: Person, before: Deployment, action: str,
    values: Mapping[str, str], version: int,
) -> Told:  # fmt: skip
    """Raises InputRefused, Conflict, QuotaExceeded, ChangedMeanwhile; KeyError for no action of `ACTIONS`."""
    who = person.display_name or person.name
    chosen = {"snapshot": values.get("snapshot", "")}
    acts: Mapping[str, Callable[[], Told]] = {
        "open": lambda: opening.add(ground, tx, before, values, version),
        "close": lambda: opening.remove(tx, before, values, version),
        "snapshot": lambda: snapshot.take(ground, tx, who, before, values, version),
        "delete_snapshot": lambda: snapshot.delete(tx, before, values, version),
        "revert": lambda: snapshot.make_new(ground, tx, before, chosen, version),
        "rebuild": lambda: snapshot.make_new(ground, tx, before, {}, version),
        "transfer": lambda: transfer.hand_on(ground, tx, before, values, version),
    }
    return acts[action]()


def _ready(kept: Sequence[Snapshot]) -> bool:
    return any(one.state == SnapshotState.READY for one in kept)

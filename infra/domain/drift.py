"""Drift: what the cloud has that the code has not, the reverse, and what nobody owns."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

DriftKind = Literal["changed", "missing", "foreign"]
KINDS: tuple[DriftKind, ...] = ("changed", "missing", "foreign")
PLATFORM = "platform"
"""What stands for an agency where the stack is the platform's."""


def finding_id(kind_of_thing: str, identity: str) -> str:
    """Eight hex digits that name a thing in the cloud, the same in every report on it."""
    return hashlib.sha256(f"{kind_of_thing}\0{identity}".encode()).hexdigest()[:8]


@dataclass(frozen=True)
class PropertyDrift:
    """One property: what the code says and what the cloud has. Secrets are shown as `[secret]`."""

    name: str
    code: Any
    cloud: Any


@dataclass(frozen=True)
class Finding:
    """One thing that is not as the code says.

    changed: in state and cloud, with other values; missing: in the state, gone in the cloud; foreign: in the
    agency's domain or projects, in no state. `type` is the provider's token, `name` the resource's name in
    its stack or, of a foreign thing, its own. `urn` is "" and `created_at` is set for foreign things only.
    `adoptable` and `revertible` are False where this release cannot; `sentence` then says why.
    """

    id: str
    kind: DriftKind
    agency: str
    type: str
    name: str
    identity: str
    sentence: str
    urn: str = ""
    changes: tuple[PropertyDrift, ...] = ()
    created_at: str = ""
    adoptable: bool = True
    revertible: bool = True


@dataclass(frozen=True)
class StackDrift:
    """One stack. `unread` says why it could not be read whole ("" if it was): then it is never clean.

    `taken_at` (UTC, ISO) is when this was read; `read_at` when the stack was last read whole, "" for never.
    """

    agency: str
    stack: str
    resources: int
    taken_at: str
    read_at: str
    findings: tuple[Finding, ...] = ()
    unread: str = ""

    @property
    def clean(self) -> bool:
        return not self.findings and not self.unread

    def count(self, kind: DriftKind) -> int:
        return sum(finding.kind == kind for finding in self.findings)


@dataclass(frozen=True)
class Orphan:
    """A thing that no project, stack or request owns. `created_at` (UTC, ISO) is "" where the cloud keeps no
    time of it.
    """

    id: str
    kind: str
    name: str
    identity: str
    project_id: str
    created_at: str
    sentence: str

    def age_seconds(self, now: dt.datetime) -> float | None:
        """Seconds since it was made, None where nobody knows."""
        made = moment(self.created_at)
        return None if made is None else max(0.0, (now - made).total_seconds())


@dataclass(frozen=True)
class DriftReport:
    """The drift of a site. Stacks that a run left out stand as the last one saw them, with its `taken_at`."""

    site: str
    taken_at: str
    seconds: float
    stacks: tuple[StackDrift, ...]
    orphans: tuple[Orphan, ...]
    orphans_read_at: str = ""
    orphans_unread: str = ""

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for stack in self.stacks for finding in stack.findings)

    @property
    def whole(self) -> bool:
        """Whether everything that was asked for could be read."""
        return not self.orphans_unread and not any(stack.unread for stack in self.stacks)

    @property
    def clean(self) -> bool:
        return self.whole and not self.orphans and all(stack.clean for stack in self.stacks)


@dataclass(frozen=True)
class Choice:
    """What to do about findings: the ids to take into the code and those to take back, or all of either."""

    adopt: tuple[str, ...] = ()
    revert: tuple[str, ...] = ()
    adopt_all: bool = False
    revert_all: bool = False

    def __bool__(self) -> bool:
        return bool(self.adopt or self.revert or self.adopt_all or self.revert_all)


def moment(text: str) -> dt.datetime | None:
    """A time as one of the APIs writes it, in UTC; None for "" and for what is no time."""
    try:
        told = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return told.astimezone(dt.UTC) if told.tzinfo else told.replace(tzinfo=dt.UTC)


def oldest(orphans: Iterable[Orphan]) -> Mapping[str, dt.datetime]:
    """When the oldest orphan of each kind was made, for kinds that have a time."""
    found: dict[str, dt.datetime] = {}
    for orphan in orphans:
        made = moment(orphan.created_at)
        if made is not None and (orphan.kind not in found or made < found[orphan.kind]):
            found[orphan.kind] = made
    return found


@dataclass(frozen=True)
class Delivered:
    """Where a report went; `failures` says, by monitoring server, why it did not."""

    file: str
    servers: tuple[str, ...] = ()
    failures: Mapping[str, str] = field(default_factory=dict, hash=False)

"""What pages and API show and send of delegations: who signs for whom while they are on leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class NewDelegation:
    """`taker` is a person's id; `stage` agency or city; both days count."""

    taker: str
    stage: str
    first: date
    last: date


@dataclass(frozen=True)
class Delegation:
    """`given` tells those that the reader gave from those that they took. `state` is coming, in_force, ended,
    revoked, or void: its giver has the role no more, so nobody signs by it.
    """

    id: str
    giver: str
    taker: str
    stage: str
    first: date
    last: date
    state: str
    given: bool

    @property
    def may_revoke(self) -> bool:
        return self.state in ("coming", "in_force", "void")


@dataclass(frozen=True)
class Colleague:
    """Somebody who can sign in one's place."""

    id: str
    name: str


@dataclass(frozen=True)
class Delegations:
    """The reader's own, the latest first, and what a new one can be: `stages` is empty for who signs nothing
    themselves.
    """

    items: tuple[Delegation, ...]
    stages: tuple[str, ...]
    colleagues: tuple[Colleague, ...]

"""A step of a worker's work, between two records of the journal: that it begins, and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from infra.domain.step import StepState
from infra.domain.words import NOTHING, Words
from infra.errors import InfraError
from infra.provisioning.failure_words import plain_words
from infra.store.lease import Lease, LeaseLost

T = TypeVar("T")


class Journal(Protocol):
    """Where steps are written down before they are done, and how they ended."""

    def step(self, lease: Lease, owner: str, name: str, now: datetime, /, *, anew: bool = False) -> int: ...

    def step_ended(
        self, lease: Lease, owner: str, place: int, /, *, state: StepState, now: datetime,
        note: Words = NOTHING,
    ) -> None: ...  # fmt: skip


@dataclass(frozen=True)
class Steps:
    journal: Journal
    clock: Callable[[], datetime]

    def take(self, lease: Lease, owner: str, name: str, act: Callable[[], T], *, anew: bool = False) -> T:
        """What `act` returns. `owner` is the request or the rebuild whose step it is; `anew` begins a new
        attempt.
        """
        place = self.journal.step(lease, owner, name, self.clock(), anew=anew)
        try:
            done = act()
        except LeaseLost:
            raise
        except InfraError as error:
            self.journal.step_ended(
                lease, owner, place, state=StepState.FAILED, now=self.clock(), note=plain_words(error)
            )
            raise
        self.journal.step_ended(lease, owner, place, state=StepState.DONE, now=self.clock())
        return done

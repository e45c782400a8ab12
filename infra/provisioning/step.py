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
        place = self.begin(lease, owner, name, anew=anew)
        try:
            done = act()
        except LeaseLost:
            raise
        except InfraError as error:
            self.end(lease, owner, place, error)
            raise
        self.end(lease, owner, place)
        return done

    def begin(self, lease: Lease, owner: str, name: str, *, anew: bool = False) -> int:
        """The place of a step that is taken together with others' (see `take`)."""
        return self.journal.step(lease, owner, name, self.clock(), anew=anew)

    def end(self, lease: Lease, owner: str, place: int, error: InfraError | None = None) -> None:
        """It is done, or failed with this error."""
        state, note = (StepState.DONE, NOTHING) if error is None else (StepState.FAILED, plain_words(error))
        self.journal.step_ended(lease, owner, place, state=state, now=self.clock(), note=note)

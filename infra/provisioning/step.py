"""A step of a worker's work on a request, between two records of the journal: it begins, and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from infra.domain.step import StepState
from infra.errors import InfraError
from infra.provisioning.failure_words import plain_words
from infra.store.lease import Lease, LeaseLost
from infra.store.work import WorkBook

T = TypeVar("T")


@dataclass(frozen=True)
class Steps:
    book: WorkBook
    clock: Callable[[], datetime]

    def take(self, lease: Lease, request: str, name: str, act: Callable[[], T], *, anew: bool = False) -> T:
        """What `act` returns. `anew` begins a new attempt."""
        place = self.book.step(lease, request, name, self.clock(), anew=anew)
        try:
            done = act()
        except LeaseLost:
            raise
        except InfraError as error:
            self.book.step_ended(
                lease, request, place, state=StepState.FAILED, now=self.clock(), note=plain_words(error)
            )
            raise
        self.book.step_ended(lease, request, place, state=StepState.DONE, now=self.clock())
        return done

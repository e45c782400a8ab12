"""Carries out one approved change of a deployment: gives the cloud its new values, sets the guest up again
and sees it work, or goes back to what stood.

The same stack is brought to the new values, so nothing is made a second time, and every phase may be begun
again from the start after a kill. What stood is never destroyed: the old values are put back where the new
ones cannot be had, and what cannot shrink stays as it has grown (`Wanted.stays`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from infra.domain.blueprint import Wanted
from infra.domain.change import ChangeState
from infra.domain.words import Words
from infra.errors import InfraError
from infra.provisioning.agency_stack import Outputs
from infra.provisioning.failure_words import plain_words
from infra.provisioning.fulfilment import Hands, NotYet
from infra.provisioning.step import Steps
from infra.store.change_work import ChangeBook, ChangeStanding
from infra.store.lease import Lease, LeaseLost


@dataclass(frozen=True)
class ChangeWork:
    """`up` makes what the store says of an agency stand; `gives_up` says whether an error ends the request
    now (True) or is tried again later.
    """

    book: ChangeBook
    steps: Steps
    hands: Hands
    up: Callable[[str], Outputs]
    clock: Callable[[], datetime]
    gives_up: Callable[[str, InfraError], bool]

    def carry_out(self, lease: Lease, request: str) -> None:
        """Until it is fulfilled or failed. Raises NotYet, and LeaseLost."""
        standing = self.book.standing(request)
        if standing.state == ChangeState.UNDOING:
            self._go_back(lease, standing, standing.failure)
            return
        try:
            self._make(lease, standing)
        except LeaseLost:
            raise
        except InfraError as error:
            if not self.gives_up(request, error):
                raise NotYet(f"request {standing.request.number}: {error}") from error
            self._give_up(lease, request, plain_words(error))

    def _make(self, lease: Lease, standing: ChangeStanding) -> None:
        request, agency = standing.request.id, standing.request.agency
        one = self.steps.take(
            lease, request, "prepare", lambda: self.book.begin(lease, request, self.clock()), anew=True
        )
        made = self.steps.take(lease, request, "change", lambda: self.up(agency))
        outputs, wanted = dict(made.get(one.id, {})), Wanted.of(one)
        if outputs.get("server_id"):
            self.steps.take(
                lease, request, "configure", lambda: self.hands.set_up(agency, wanted, outputs)
            )  # fmt: skip
            self.steps.take(lease, request, "probe", lambda: self.hands.await_green(wanted, outputs))
        self.book.settle(lease, request, outputs, self.clock())

    def _give_up(self, lease: Lease, request: str, why: Words) -> None:
        if self.book.standing(request).state == ChangeState.ASKED:
            self.book.refuse(lease, request, why, self.clock())
            return
        self.book.undo(lease, request, why, self.clock())
        self._go_back(lease, self.book.standing(request), why)

    def _go_back(self, lease: Lease, standing: ChangeStanding, why: Words) -> None:
        request, agency = standing.request.id, standing.request.agency
        try:
            made = self.steps.take(lease, request, "change_back", lambda: self.up(agency))
        except LeaseLost:
            raise
        except InfraError as error:
            raise NotYet(f"request {standing.request.number} is being taken back: {error}") from error
        outputs = dict(made.get(standing.deployment.id, {}))
        self.book.undone(lease, request, outputs, why=why, now=self.clock())

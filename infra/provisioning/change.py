"""Carries out one approved change of a deployment: gives the cloud its new values, sets the guest up again
and sees it work, or goes back to what stood.

The same stack is brought to the new values, so nothing is made a second time, and every phase may be begun
again from the start after a kill. What stood is never destroyed: the old values are put back where the new
ones cannot be had, and what cannot shrink stays as it has grown (`Wanted.stays`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from infra.domain.blueprint import Wanted
from infra.domain.change import ChangeState
from infra.domain.deployment import Deployment
from infra.domain.request import Request
from infra.domain.words import Words
from infra.errors import InfraError
from infra.provisioning.agency_run import Instead
from infra.provisioning.agency_stack import Outputs
from infra.provisioning.batch import NotYet, Share
from infra.provisioning.failure_words import plain_words
from infra.provisioning.fulfilment import Hands
from infra.provisioning.step import Steps
from infra.store.change_work import ChangeBook, ChangeStanding
from infra.store.lease import Lease, LeaseLost


@dataclass(frozen=True)
class ChangeWork:
    """`gives_up` says whether an error ends the request now (True) or is tried again later. What it wants of
    the stack are shares of a run (see `Share`).
    """

    book: ChangeBook
    steps: Steps
    hands: Hands
    clock: Callable[[], datetime]
    gives_up: Callable[[str, InfraError], bool]

    def begin(self, lease: Lease, request: str) -> Share | None:
        """Raises NotYet, and LeaseLost."""
        standing = self.book.standing(request)
        if standing.state == ChangeState.UNDOING:
            return self._go_back(lease, standing, standing.failure)
        try:
            one = self.steps.take(
                lease, request, "prepare", lambda: self.book.begin(lease, request, self.clock()), anew=True
            )
        except LeaseLost:
            raise
        except InfraError as error:
            return self._failed(lease, request, error)
        return Share(
            request, "change", [one], partial(self._finish, lease, standing.request, one),
            partial(self._failed, lease, request), instead=_as_it_was(standing.request, one),
        )  # fmt: skip

    def _finish(self, lease: Lease, request: Request, one: Deployment, made: Outputs) -> Share | None:
        try:
            self._make(lease, request, one, dict(made.get(one.id, {})))
        except LeaseLost:
            raise
        except InfraError as error:
            return self._failed(lease, request.id, error)
        return None

    def _make(self, lease: Lease, request: Request, one: Deployment, outputs: dict[str, str]) -> None:
        id_, agency, wanted = request.id, request.agency, Wanted.of(one)
        if outputs.get("server_id"):
            self.steps.take(lease, id_, "configure", lambda: self.hands.set_up(agency, wanted, outputs))
            self.steps.take(lease, id_, "probe", lambda: self.hands.await_green(wanted, outputs))
        self.book.settle(lease, id_, outputs, self.clock())

    def _failed(self, lease: Lease, request: str, error: InfraError) -> Share | None:
        standing = self.book.standing(request)
        if not self.gives_up(request, error):
            raise NotYet(f"request {standing.request.number}: {error}") from error
        why = plain_words(error)
        if standing.state == ChangeState.ASKED:
            self.book.refuse(lease, request, why, self.clock())
            return None
        self.book.undo(lease, request, why, self.clock())
        return self._go_back(lease, self.book.standing(request), why)

    def _go_back(self, lease: Lease, standing: ChangeStanding, why: Words) -> Share:
        request, one = standing.request.id, standing.deployment

        def back(made: Outputs) -> None:
            self.book.undone(lease, request, dict(made.get(one.id, {})), why=why, now=self.clock())

        def not_back(error: InfraError) -> None:
            raise NotYet(f"request {standing.request.number} is being taken back: {error}") from error

        return Share(request, "change_back", [one], back, not_back)


def _as_it_was(request: Request, one: Deployment) -> Instead:
    """As its change is undone."""
    change = request.change
    if change is None:
        return {}
    return {one.id: Wanted.of(replace(one, values=dict(change.before)), tuple(sorted(change.stays)))}

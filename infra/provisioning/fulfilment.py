"""Carries out one approved request: makes what it asks for, sets it up, sees it work, or takes it all back.

Every phase may be begun again from the start after a kill at any moment: quota is taken once, the stack
adopts what stands, the playbook changes nothing the second time. So nothing is remembered but what the store
and the cloud say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from infra.domain.blueprint import Wanted
from infra.domain.deployment import Deployment, DeploymentState
from infra.domain.snapshot import Snapshot
from infra.domain.words import Words
from infra.errors import InfraError
from infra.provisioning.agency_stack import Outputs
from infra.provisioning.batch import NotYet, Share
from infra.provisioning.failure_words import plain_words
from infra.provisioning.step import Steps
from infra.store.lease import Lease, LeaseLost
from infra.store.work import Standing, Work, WorkBook


class Hands(Protocol):
    """What reaches into the cloud. Calls take as long as it takes, and raise InfraError."""

    def up(self, agency: str, wanted: Sequence[Wanted]) -> Outputs:
        """Make exactly these deployments of the agency stand."""

    def forget(self, deployment: str) -> None:
        """Remove what is kept of a deployment that stands no more: its archive, its snapshots."""

    def set_up(self, agency: str, wanted: Wanted, outputs: dict[str, str]) -> None:
        """What the item's playbook does inside its server; nothing where it has none."""

    def await_green(self, wanted: Wanted, outputs: dict[str, str]) -> None:
        """Return when the probes of the monitoring are all good."""

    def take_snapshot(self, snapshot: Snapshot) -> str:
        """The image that it becomes: there already, or asked for now."""

    def snapshot_size(self, snapshot: Snapshot) -> int | None:
        """Bytes; None while it is being made. Raises WentWrong where the cloud gave it up."""

    def drop_snapshot(self, snapshot: Snapshot) -> None:
        """Remove its image; that there is none is success."""

    def rebuild(self, wanted: Wanted, rebuild: str, image: str) -> None:
        """Make the server's disk new from this image ("": that of its item), once for each `rebuild`, and
        return when it is done."""


@dataclass(frozen=True)
class Fulfilment:
    """`gives_up` says whether an error ends the request now (True) or is tried again later. What it wants of
    the stack are shares of a run (see `Share`).
    """

    book: WorkBook
    steps: Steps
    hands: Hands
    clock: Callable[[], datetime]
    gives_up: Callable[[str, InfraError], bool]

    def begin(self, lease: Lease, request: str) -> Share | None:
        """Raises NotYet, and LeaseLost."""
        standing = self.book.standing(request)
        if standing.rolling_back:
            return self._take_back(lease, standing, standing.failure)
        try:
            work = self.steps.take(
                lease, request, "prepare", lambda: self.book.begin(lease, request, self.clock()), anew=True
            )
        except LeaseLost:
            raise
        except InfraError as error:
            return self._failed(lease, request, error)
        new = [one for one in work.deployments if one.state == DeploymentState.PROVISIONING]
        return Share(
            request, "create", work.deployments, partial(self._finish, lease, work),
            partial(self._failed, lease, request), instead=dict.fromkeys([one.id for one in new]),
        )  # fmt: skip

    def _finish(self, lease: Lease, work: Work, made: Outputs) -> Share | None:
        try:
            self._make(lease, work, made)
        except LeaseLost:
            raise
        except InfraError as error:
            return self._failed(lease, work.request.id, error)
        return None

    def _make(self, lease: Lease, work: Work, made: Outputs) -> None:
        request, agency = work.request.id, work.request.agency
        wanted = {one.id: Wanted.of(one) for one in work.deployments}
        new = [one for one in work.deployments if one.state == DeploymentState.PROVISIONING]
        outputs = {one.id: dict(made.get(one.id, {})) for one in new}
        servers = [one for one in new if outputs[one.id].get("server_id")]
        if servers:
            self.steps.take(
                lease, request, "configure", lambda: self._set_up(agency, servers, wanted, outputs)
            )
            self.steps.take(lease, request, "probe", lambda: self._see(servers, wanted, outputs))
        for one in new:
            self.book.activate(lease, one.id, outputs[one.id], self.clock())
        self.book.fulfill(lease, request, self.clock())

    def _set_up(
        self, agency: str, servers: Sequence[Deployment], wanted: dict[str, Wanted],
        outputs: dict[str, dict[str, str]],
    ) -> None:  # fmt: skip
        for one in servers:
            self.hands.set_up(agency, wanted[one.id], outputs[one.id])

    def _see(
        self, servers: Sequence[Deployment], wanted: dict[str, Wanted], outputs: dict[str, dict[str, str]]
    ) -> None:
        for one in servers:
            self.hands.await_green(wanted[one.id], outputs[one.id])

    def _failed(self, lease: Lease, request: str, error: InfraError) -> Share | None:
        standing = self.book.standing(request)
        if not self.gives_up(request, error):
            raise NotYet(f"request {standing.request.number}: {error}") from error
        why = plain_words(error)
        if standing.deployments:
            self.book.failed(lease, request, why, self.clock())
        return self._take_back(lease, self.book.standing(request), why)

    def _take_back(self, lease: Lease, standing: Standing, why: Words) -> Share | None:
        request = standing.request.id
        if not standing.deployments:
            self.book.fail(lease, request, why, self.clock())
            return None
        if any(one.state == DeploymentState.FAILED for one in standing.deployments):
            self.book.failed(lease, request, why, self.clock())

        def gone(_: Outputs) -> None:
            for one in standing.deployments:
                self.book.gone(lease, one.id, self.clock())
            self.book.fail(lease, request, why, self.clock())

        def stands(error: InfraError) -> None:
            raise NotYet(f"request {standing.request.number} is being taken back: {error}") from error

        return Share(request, "roll_back", standing.deployments, gone, stands, leave=True)

"""Carries out one approved request: makes what it asks for, sets it up, sees it work, or takes it all back.

Every phase may be begun again from the start after a kill at any moment: quota is taken once, the stack
adopts what stands, the playbook changes nothing the second time. So nothing is remembered but what the store
and the cloud say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from infra.domain.blueprint import Wanted
from infra.domain.deployment import Deployment, DeploymentState
from infra.domain.snapshot import Snapshot
from infra.domain.words import Words
from infra.errors import InfraError
from infra.provisioning.agency_stack import Outputs
from infra.provisioning.failure_words import plain_words
from infra.provisioning.step import Steps
from infra.store.lease import Lease, LeaseLost
from infra.store.work import Standing, WorkBook


class NotYet(InfraError):
    """It could not be done now, and may be later; the worker comes back."""

    code = "not_yet"


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
    """`up` makes what the store says of an agency stand; `gives_up` says whether an error ends the request
    now (True) or is tried again later.
    """

    book: WorkBook
    steps: Steps
    hands: Hands
    up: Callable[[str], Outputs]
    clock: Callable[[], datetime]
    gives_up: Callable[[str, InfraError], bool]

    def carry_out(self, lease: Lease, request: str) -> None:
        """Until it is fulfilled or failed. Raises NotYet, and LeaseLost."""
        standing = self.book.standing(request)
        if standing.rolling_back:
            self._take_back(lease, standing, standing.failure)
            return
        try:
            self._make(lease, standing)
        except LeaseLost:
            raise
        except InfraError as error:
            if not self.gives_up(request, error):
                raise NotYet(f"request {standing.request.number}: {error}") from error
            why = plain_words(error)
            now = self.book.standing(request)
            if now.deployments:
                self.book.failed(lease, request, why, self.clock())
            self._take_back(lease, self.book.standing(request), why)

    def _make(self, lease: Lease, standing: Standing) -> None:
        request, agency = standing.request.id, standing.request.agency
        work = self.steps.take(
            lease, request, "prepare", lambda: self.book.begin(lease, request, self.clock()), anew=True
        )
        wanted = {one.id: Wanted.of(one) for one in work.deployments}
        made = self.steps.take(lease, request, "create", lambda: self.up(agency))
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

    def _take_back(self, lease: Lease, standing: Standing, why: Words) -> None:
        request, agency = standing.request.id, standing.request.agency
        if standing.deployments:
            if any(one.state == DeploymentState.FAILED for one in standing.deployments):
                self.book.failed(lease, request, why, self.clock())
            try:
                self.steps.take(lease, request, "roll_back", lambda: self.up(agency))
            except LeaseLost:
                raise
            except InfraError as error:
                raise NotYet(f"request {standing.request.number} is being taken back: {error}") from error
            for one in standing.deployments:
                self.book.gone(lease, one.id, self.clock())
        self.book.fail(lease, request, why, self.clock())

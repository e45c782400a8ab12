"""Carries out what owners want done once to a server that stands: a snapshot taken or deleted, its disk made
new from its item's image or from a snapshot.

Every phase may be begun again after a kill at any moment. An image carries the id of its snapshot, a server
that of its last rebuild; so nothing is made twice, and nothing is remembered but what the store and the cloud
say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from infra.cloud.errors import WentWrong
from infra.domain.blueprint import Wanted
from infra.domain.deployment import DeploymentState
from infra.domain.rebuild import RebuildState
from infra.domain.snapshot import SnapshotState
from infra.domain.words import Words
from infra.errors import InfraError
from infra.provisioning.batch import NotYet
from infra.provisioning.failure_words import plain_words
from infra.provisioning.fulfilment import Hands
from infra.provisioning.step import Steps
from infra.store.lease import Lease, LeaseLost
from infra.store.upkeep import DueRebuild, DueSnapshot, UpkeepBook

T = TypeVar("T")
_NOT_ACTIVE = Words(
    "Máy đã bị tắt hoặc trả lại trước khi làm mới được ổ hệ thống",
    "The server was stopped or given back before its disk was made new",
)


class Unsettled(NotYet):
    """A server may be in the middle of a rebuild: nothing else is done to what the agency has before that is
    known."""

    code = "unsettled"


@dataclass(frozen=True)
class Upkeep:
    """`gives_up` says whether an error ends a wish now (True) or is tried again later."""

    book: UpkeepBook
    hands: Hands
    clock: Callable[[], datetime]
    gives_up: Callable[[str, InfraError], bool]

    def agencies(self) -> list[str]:
        """Those that have something to be done."""
        making = [one.deployment.agency for one in self.book.due_rebuilds()]
        return [*making, *(one.deployment.agency for one in self.book.due_snapshots())]

    def rebuilds(self, lease: Lease, agency: str) -> list[NotYet]:
        """Each to its end; what has to wait. Raises Unsettled, LeaseLost."""
        return self._each(
            lambda one: self._rebuild(lease, one),
            [one for one in self.book.due_rebuilds() if one.deployment.agency == agency],
        )

    def snapshots(self, lease: Lease, agency: str) -> list[NotYet]:
        """What the cloud still works on is looked at again; what has to wait. Nova makes one image of a
        server at a time: the next waits for it. Raises LeaseLost.
        """
        due = [one for one in self.book.due_snapshots() if one.deployment.agency == agency]
        making = [one for one in due if one.snapshot.state == SnapshotState.WANTED]
        first = {one.deployment.id: one for one in reversed(making)}
        leaving = [one for one in due if one.snapshot.state == SnapshotState.LEAVING]
        return self._each(lambda one: self._snapshot(lease, one), [*leaving, *first.values()])

    def _each(self, act: Callable[[T], None], due: list[T]) -> list[NotYet]:
        waiting = []
        for one in due:
            try:
                act(one)
            except Unsettled:
                raise
            except NotYet as error:
                waiting.append(error)
        return waiting

    def _snapshot(self, lease: Lease, due: DueSnapshot) -> None:
        one = due.snapshot
        try:
            if one.state == SnapshotState.LEAVING:
                self.hands.drop_snapshot(one)
                self.book.snapshot_gone(lease, due, self.clock())
            elif not one.image:
                self.book.snapshot_begun(lease, one, self.hands.take_snapshot(one))
            elif (size := self.hands.snapshot_size(one)) is not None:
                self.book.snapshot_ready(lease, due, size, self.clock())
        except LeaseLost:
            raise
        except InfraError as error:
            if one.state == SnapshotState.LEAVING or not self._ends(one.id, error):
                raise NotYet(f"snapshot {one.name} of {due.deployment.name}: {error}") from error
            self.book.snapshot_failed(lease, due, plain_words(error), self.clock())

    def _rebuild(self, lease: Lease, due: DueRebuild) -> None:
        if due.deployment.state != DeploymentState.ACTIVE:
            self.book.rebuild_ended(lease, due, RebuildState.FAILED, self.clock(), _NOT_ACTIVE)
            return
        id_, settled = due.rebuild.id, due.deployment.rebuilt == due.rebuild.id
        steps = partial(Steps(self.book, self.clock).take, lease, id_)
        try:
            steps("rebuild", lambda: self._new_disk(lease, due), anew=True)
            settled = True
            found = self.book.deployment(due.deployment.id)
            wanted, outputs = Wanted.of(found), dict(found.outputs)
            steps("configure", lambda: self.hands.set_up(found.agency, wanted, outputs))
            steps("probe", lambda: self.hands.await_green(wanted, outputs))
        except LeaseLost:
            raise
        except InfraError as error:
            if not self._ends(id_, error):
                wait = NotYet if settled else Unsettled
                raise wait(f"rebuild of {due.deployment.name}: {error}") from error
            self.book.rebuild_ended(lease, due, RebuildState.FAILED, self.clock(), plain_words(error))
        else:
            self.book.rebuild_ended(lease, due, RebuildState.DONE, self.clock())

    def _new_disk(self, lease: Lease, due: DueRebuild) -> None:
        if due.deployment.rebuilt == due.rebuild.id:
            return
        if due.rebuild.snapshot and (due.source is None or due.source.state != SnapshotState.READY):
            raise WentWrong("the snapshot to go back to is not there any more")
        image = due.source.image if due.source is not None else ""
        self.hands.rebuild(Wanted.of(due.deployment), due.rebuild.id, image)
        self.book.rebuilt(lease, due)

    def _ends(self, wish: str, error: InfraError) -> bool:
        """What the cloud itself gave up is not tried again."""
        return isinstance(error, WentWrong) or self.gives_up(wish, error)

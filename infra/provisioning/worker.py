"""The portal's worker: makes the cloud what the store says, several agencies beside each other.

Level-triggered: it acts on what stands in the store, not on events, so a worker that was killed, or a second
one, goes on where things are. Each agency is held by a lease with a fencing token; what a worker that slept
past its lease still writes is refused.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from infra.domain.blueprint import Wanted
from infra.errors import InfraError
from infra.provisioning.agency_run import AgencyRuns, digest_of
from infra.provisioning.batch import Batch, Share
from infra.provisioning.change import ChangeWork
from infra.provisioning.failure_words import patience
from infra.provisioning.fulfilment import Fulfilment, Hands
from infra.provisioning.step import Steps
from infra.provisioning.upkeep import Upkeep
from infra.store import lease as leases
from infra.store.change_work import ChangeBook
from infra.store.lease import Lease, LeaseLost
from infra.store.portal_database import PortalDatabase
from infra.store.upkeep import UpkeepBook
from infra.store.work import WorkBook

log = logging.getLogger(__name__)
LASTS = timedelta(seconds=60)
HEARTBEAT_SECONDS = 15.0
LOOK_SECONDS = 2.0
AT_ONCE = 2
"""Agencies that are worked on beside each other: each runs an engine of its own."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=2)


@dataclass
class _Trouble:
    """What went wrong with an agency or a request since when, and not to be tried again before when."""

    since: datetime
    tries: int = 0
    not_before: datetime | None = None


@dataclass
class Worker:
    """`holder` is unique to this run of this worker."""

    database: PortalDatabase
    hands: Hands
    clock: Callable[[], datetime]
    holder: str
    at_once: int = AT_ONCE
    last_look: datetime | None = None
    """When it last knew what there is to do; None before the first time. Only `run` tells."""
    _applied: dict[str, str] = field(default_factory=dict)
    _troubles: dict[str, _Trouble] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._book = WorkBook(self.database)
        self._upkeep = Upkeep(UpkeepBook(self.database), self.hands, self.clock, self._gives_up)
        self._changes = ChangeBook(self.database)
        self._steps = Steps(self._book, self.clock)
        shared = (self._steps, self.hands, self.clock, self._gives_up)
        self._fulfilment = Fulfilment(self._book, *shared)
        self._change_work = ChangeWork(self._changes, *shared)

    def run(self, stop: threading.Event) -> None:
        """Until `stop`; then what is begun is brought to the end of its step. A place that becomes free is
        given away at once, to no agency twice within the time between two looks.
        """
        with ThreadPoolExecutor(self.at_once, thread_name_prefix="agency") as pool:
            busy: dict[str, Future[None]] = {}
            begun: dict[str, float] = {}
            while not stop.is_set():
                busy = {agency: done for agency, done in busy.items() if not done.done()}
                lately = time.monotonic() - LOOK_SECONDS
                begun = {agency: when for agency, when in begun.items() if when > lately}
                try:
                    for agency in self._due({*busy, *begun}):
                        if len(busy) < self.at_once:
                            begun[agency] = time.monotonic()
                            busy[agency] = pool.submit(self.look_after, agency)
                    self.last_look = self.clock()
                except InfraError as error:
                    log.warning("nobody knows what there is to do, and it is looked again: %s", error)
                except Exception:
                    log.exception("a defect of the worker; it looks again")
                if len(busy) < self.at_once:
                    stop.wait(LOOK_SECONDS)
                else:
                    wait(busy.values(), LOOK_SECONDS, FIRST_COMPLETED)

    def troubled(self) -> int:
        """Agencies whose work failed when it was last tried, and that wait to be tried again."""
        return sum(one.not_before is not None for one in list(self._troubles.values()))

    def run_once(self) -> int:
        """Each agency that has something to do, one after the other; how many there were."""
        due = self._due(set())
        for agency in due:
            self.look_after(agency)
        return len(due)

    def look_after(self, agency: str) -> None:
        """All that an agency has to be done; its faults end here, in the log and in the journal."""
        lease = leases.acquire(
            self.database, leases.of_agency(agency), self.holder, now=self.clock(), lasts=LASTS
        )
        if lease is None:
            return
        try:
            with self._kept(lease):
                self._reconcile(lease, agency)
            self._troubles.pop(agency, None)
            leases.give_back(self.database, lease, now=self.clock())
        except LeaseLost as lost:
            log.warning("%s: %s", agency, lost)
        except InfraError as error:
            self._later(agency, error)
            leases.give_back(self.database, lease, now=self.clock())
        except Exception:
            log.exception("%s: a defect of the worker", agency)
            self._later(agency, None)
            leases.give_back(self.database, lease, now=self.clock())

    def _reconcile(self, lease: Lease, agency: str) -> None:
        """A request that is approved meanwhile waits for the next turn."""
        troubles: list[InfraError] = [*self._upkeep.rebuilds(lease, agency)]
        runs = self._runs(agency)
        batch = Batch(lease, self._steps, runs, self._ended)
        batch.carry_out(
            (request, partial(self._begin, lease, request))
            for owner, request in self._book.waiting()
            if owner == agency
        )
        troubles += [*batch.waiting, *self._converge(lease, agency, runs)]
        troubles += self._upkeep.snapshots(lease, agency)
        if troubles:
            raise troubles[0]

    def _begin(self, lease: Lease, request: str) -> Share | None:
        work = self._change_work if self._changes.changes(request) else self._fulfilment
        return work.begin(lease, request)

    def _ended(self, request: str) -> None:
        self._troubles.pop(request, None)

    def _converge(self, lease: Lease, agency: str, runs: AgencyRuns) -> list[InfraError]:
        """What stands differs from what ought to: stopped, started, given back. Why it could not be all."""
        leaving = [one for one in self._book.leaving() if one.agency == agency]
        if not leaving and self._applied.get(agency) == digest_of(self._wanted(agency)):
            return []
        end = runs.run()
        for one in leaving:
            if end.not_gone([one]) is None:
                self.hands.forget(one.id)
                self._book.gone(lease, one.id, self.clock())
        return [] if end.error is None else [end.error]

    def _runs(self, agency: str) -> AgencyRuns:
        """Each makes what the store says of an agency stand, and notes what that was."""

        def applied(digest: str) -> None:
            self._applied[agency] = digest

        return AgencyRuns(partial(self.hands.up, agency), partial(self._wanted, agency), applied)

    def _wanted(self, agency: str) -> list[Wanted]:
        return self._living(agency).get(agency, [])

    def _living(self, agency: str | None = None) -> dict[str, list[Wanted]]:
        """What ought to stand, by agency: of one or of all."""
        found: dict[str, list[Wanted]] = {}
        undoing = self._book.undoing()
        for one in self._book.living(agency):
            found.setdefault(one.agency, []).append(Wanted.of(one, undoing.get(one.id, ())))
        return found

    def _due(self, busy: set[str]) -> list[str]:
        """Agencies with something to do, whose pause is over and that no other worker has, nor their closure:
        those would take the places of others that can be worked on.
        """
        changed = [
            agency for agency, all_ in self._living().items() if self._applied.get(agency) != digest_of(all_)
        ]
        leaving = [one.agency for one in self._book.leaving()]
        asking = [agency for agency, _ in self._book.waiting()]
        found = _each_once([*asking, *leaving, *self._upkeep.agencies(), *changed])
        self._forget_troubles({*found, *busy})
        with self.database.reading() as connection:
            held = leases.held(connection, self.clock())
        free = [one for one in found if held.get(leases.of_agency(one), self.holder) == self.holder]
        return [one for one in free if one not in busy and self._ready(one)]

    def _forget_troubles(self, with_work: set[str]) -> None:
        """Another worker may have done what this one could not."""
        for name, trouble in list(self._troubles.items()):
            if trouble.not_before is not None and name not in with_work:
                self._troubles.pop(name, None)

    def _ready(self, agency: str) -> bool:
        trouble = self._troubles.get(agency)
        return trouble is None or trouble.not_before is None or self.clock() >= trouble.not_before

    def _later(self, agency: str, error: InfraError | None) -> None:
        trouble = self._troubles.setdefault(agency, _Trouble(self.clock()))
        pause = min(FIRST_PAUSE * 2**trouble.tries, LONGEST_PAUSE)
        trouble.tries += 1
        trouble.not_before = self.clock() + pause
        if error is not None:
            log.warning("%s: tried again in %.0f s: %s", agency, pause.total_seconds(), error)

    def _gives_up(self, request: str, error: InfraError) -> bool:
        trouble = self._troubles.setdefault(request, _Trouble(self.clock()))
        ended = self.clock() - trouble.since >= patience(error)
        if ended:
            self._troubles.pop(request, None)
        return ended

    @contextmanager
    def _kept(self, lease: Lease) -> Iterator[None]:
        """The lease is made longer while the work goes on."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(HEARTBEAT_SECONDS):
                try:
                    leases.renew(self.database, lease, now=self.clock(), lasts=LASTS)
                except LeaseLost:
                    return  # the next write of the work says so
                except InfraError as error:
                    log.warning("%s: the lease could not be made longer: %s", lease.name, error)

        thread = threading.Thread(target=beat, name=f"lease {lease.name}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _each_once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))

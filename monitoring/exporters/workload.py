"""Workloads: the agencies' servers, each probe on its own time, and what was seen of them."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from infra.cloud.server_status import ServerStatus
from infra.domain.catalog import Catalog, CatalogItem
from infra.domain.probe import Probe
from monitoring.exporters.probe_outcome import Outcome, ProbeImpossible, Target
from monitoring.exporters.snapshot import Standing
from monitoring.exporters.workload_memory import recall, remember
from monitoring.exporters.workload_record import Record
from monitoring.exporters.workload_turns import Turns

log = logging.getLogger(__name__)
Ask = Callable[[Probe, Target], Awaitable[Outcome]]
_TICK = 0.2  # seconds from one look at what is due to the next
_ACCOUNT_SECONDS = 1.0
_MEMORY_SECONDS = 300.0  # a gap in watching longer than this ends what we claim to know of a workload's past
_REMEMBER_SECONDS = 10.0
_SPREAD = 0.02  # seconds by which each further first probe begins later


@dataclass(frozen=True)
class Job:
    """A probe of a server; `due` is monotonic."""

    server: str
    probe: Probe
    due: float

    @property
    def key(self) -> tuple[str, str]:
        return self.server, self.probe.name


class WorkloadWatch:
    """Probes every server that ought to answer with the probes of its catalog item.

    `interval` is for probes that name none of their own. A server that starts has `boot_seconds` until its
    first good probe. A probe that hangs keeps only its own next one waiting; see `Turns` for what agencies
    do to each other.
    """

    name = "probes"

    def __init__(
        self, servers: Callable[[], Iterable[ServerStatus] | None], ask: Ask, interval: float,
        *, catalog: Catalog | None = None, memory: Path | None = None, boot_seconds: float = 180.0,
        turns: Turns[Job] | None = None, clock: Callable[[], float] = time.time,
        stopwatch: Callable[[], float] = time.monotonic, jitter: Callable[[float], float] | None = None,
    ) -> None:  # fmt: skip
        self.interval = interval
        self.catalog = catalog or Catalog()
        self._read_servers = servers
        self._ask = ask
        self._memory = memory
        self._boot_seconds = boot_seconds
        self._turns: Turns[Job] = turns or Turns()
        self._clock = clock
        self._stopwatch = stopwatch
        self._jitter = jitter or (lambda seconds: random.uniform(0.0, seconds))  # noqa: S311  (spreads load)
        self._lock = threading.Lock()
        self._standing = Standing()
        self._good_at = 0.0  # monotonic: beginning of the last good round
        self._servers: dict[str, ServerStatus] = {}
        self._list: object = None
        self._records: dict[str, Record] = {}
        self._remembered = recall(memory)
        self._due: list[tuple[float, int, Job]] = []
        self._order = itertools.count()
        self._scheduled: set[tuple[str, str]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._impossible: Counter[str] = Counter()
        self._next_account = self._next_memory = self._next_note = 0.0

    @property
    def standing(self) -> Standing:
        """How the rounds go, for `standing_families`."""
        with self._lock:
            standing = self._standing.copy()
            if standing.last_success:
                standing.age = self._stopwatch() - self._good_at
            return standing

    def records(self) -> dict[str, Record]:
        """A copy of what was seen, by server id."""
        with self._lock:
            return {server: record.copy() for server, record in self._records.items()}

    def lateness(self) -> dict[str, float]:
        """By agency, how long its probes wait for their turn, in seconds."""
        with self._lock:
            return self._turns.lateness(self._stopwatch())

    def impossible(self) -> dict[str, int]:
        """How many probes could not be made, by reason."""
        with self._lock:
            return dict(self._impossible)

    def item(self, server: ServerStatus) -> CatalogItem:
        """What the server is."""
        return self.catalog.server_item(server.item)

    def use(self, catalog: Catalog) -> None:
        """Probe by another catalog from now on."""
        with self._lock:
            self.catalog, self._list = catalog, None

    async def watch(self, stop: threading.Event) -> None:
        """Probe until `stop`, then keep what is known."""
        while not stop.is_set():
            began, code = self._clock(), ""
            watch = self._stopwatch()
            try:
                self.turn()
            except Exception:  # the worker's outermost loop: a full disk must not end the watch
                log.exception("a turn of probes broke off")
                code = "unexpected"
            self._note(began, watch, code)
            await asyncio.sleep(_TICK)
        for task in self._tasks:
            task.cancel()
        remember(self._memory, self.records())

    def turn(self) -> None:
        """Take in a new list of servers, begin what is due, count time. Needs a running event loop."""
        now = self._stopwatch()
        with self._lock:
            self._take_in(now)
            self._begin(now)
            if now >= self._next_account:
                self._next_account = now + _ACCOUNT_SECONDS
                for server in self._servers.values():
                    self._advance(server, now)
        if now >= self._next_memory:
            self._next_memory = now + _REMEMBER_SECONDS
            remember(self._memory, self.records())

    def _note(self, began: float, watch: float, code: str) -> None:
        """Tell how we do once an interval, and of trouble at once."""
        if not code and watch < self._next_note:
            return
        self._next_note = watch + self.interval
        with self._lock:
            self._standing.note(began, self._stopwatch() - watch, code)
            if not code:
                self._good_at = watch

    def _take_in(self, now: float) -> None:
        """Note which servers are there; the vanished are forgotten, and their jobs end by themselves."""
        found = self._read_servers()
        if found is None or found is self._list:
            return
        first, self._list = self._list is None and not self._servers, found
        before, self._servers = self._servers, {server.id: server for server in found}
        for gone in self._records.keys() - self._servers.keys():
            del self._records[gone]
        for server in self._servers.values():
            record = self._records.get(server.id)
            if record is None:
                record = self._records[server.id] = self._recalled(server.id, now)
            known = before.get(server.id)
            begins = known is None if not first else False
            if server.running and (begins or (known is not None and not known.running)):
                record.booting_until = now + self._boot_seconds
            self._advance(server, now)
            record.listed()
        self._schedule(now)

    def _schedule(self, now: float) -> None:
        """A first time for every probe that has none: soon for one, spread over its interval for many."""
        fresh = [
            (server, probe)
            for server in self._servers.values()
            for probe in self.item(server).probes
            if server.expected and not server.lost and (server.id, probe.name) not in self._scheduled
        ]
        for server, probe in fresh:
            spread = min(self._every(probe), 1.0 + _SPREAD * len(fresh))
            self._push(Job(server.id, probe, now + self._jitter(spread)))

    def _push(self, job: Job) -> None:
        self._scheduled.add(job.key)
        heapq.heappush(self._due, (job.due, next(self._order), job))

    def _begin(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            _, _, job = heapq.heappop(self._due)
            server = self._wanted(job)
            if server is None:
                self._scheduled.discard(job.key)
            else:
                self._turns.wait(server.project.agency, job, job.due)
        while (next_one := self._turns.begin(now)) is not None:
            task = asyncio.get_running_loop().create_task(self._look(*next_one))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _wanted(self, job: Job) -> ServerStatus | None:
        """The server of a job that is still to be done."""
        server = self._servers.get(job.server)
        if server is None or not server.expected or server.lost or job.probe not in self.item(server).probes:
            return None
        return server

    async def _look(self, agency: str, job: Job) -> None:
        outcome: Outcome | None = None
        reason = ""
        server = self._servers.get(job.server)
        try:
            if server is not None:
                outcome = await self._ask(
                    job.probe, Target(server.address, server.name, server.project.agency)
                )
        except ProbeImpossible as impossible:
            reason = impossible.reason
        except Exception:  # the worker's outermost loop: a bug in one probe must not end its schedule
            log.exception("probe %s of %s broke off", job.probe.name, job.server)
            reason = "unexpected"
        # A task that is cancelled, because we stop, does not come here and begins nothing.
        with self._lock:
            self._turns.end(agency)
            self._done(job, outcome, reason)
            self._begin(self._stopwatch())

    def _done(self, job: Job, outcome: Outcome | None, reason: str) -> None:
        now = self._stopwatch()
        if reason:
            self._impossible[reason] += 1
        server = self._wanted(job)
        if server is None:
            self._scheduled.discard(job.key)
            return
        if outcome is not None:
            self._records[server.id].note(job.probe.name, outcome, now)
            self._advance(server, now)
        self._push(Job(job.server, job.probe, max(now, job.due + self._every(job.probe))))

    def _advance(self, server: ServerStatus, now: float) -> None:
        probes = self.item(server).probes
        self._records[server.id].advance(server, probes, self.interval, now, self._clock())

    def _every(self, probe: Probe) -> float:
        return probe.every_seconds or self.interval

    def _recalled(self, server: str, now: float) -> Record:
        """What was known before a restart of ours: counters always, the condition if we looked away only
        briefly.
        """
        record = self._remembered.pop(server, None)
        if record is None:
            return Record(accounted=now)
        record.accounted = now
        if 0 <= self._clock() - record.seen <= _MEMORY_SECONDS:
            record.recalled_until = now + 3 * self.interval
        else:
            record.condition, record.since = "", 0.0
        return record


def start(watch: WorkloadWatch, stop: threading.Event) -> threading.Thread:
    """Run the watch in a thread that does not keep the process alive."""
    thread = threading.Thread(target=lambda: asyncio.run(watch.watch(stop)), name="workloads", daemon=True)
    thread.start()
    return thread

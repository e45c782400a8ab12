"""Workloads: the agencies' servers, each probed on its own time, and what was seen of them."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from infra.cloud.server_status import ServerStatus
from monitoring.exporters.probe import Outcome, ProbeImpossible
from monitoring.exporters.snapshot import Standing

log = logging.getLogger(__name__)
Probe = Callable[[str], Awaitable[Outcome]]
UP, DOWN, NOT_EXPECTED = "up", "down", "not_expected"
PROBES_AT_ONCE = 256
_LONGEST_PROBE = 10.0  # seconds
_MEMORY_SECONDS = 300.0  # a gap in watching longer than this ends what we claim to know of a workload's past


@dataclass
class Record:
    """What was seen of one server. `since` is when its condition began, `seen` when it was last looked at
    (seconds of the epoch); `condition` is "" before the first probe."""

    condition: str = ""
    since: float = 0.0
    seen: float = 0.0
    good: int = 0
    total: int = 0
    reason: str = ""
    seconds: float = 0.0


class WorkloadWatch:
    """Probes every server that ought to answer, every `interval` seconds.

    Each server has its own task: one that hangs keeps only its own next probe waiting. At most
    `PROBES_AT_ONCE` probes are open at a time.
    """

    name = "probes"

    def __init__(
        self, servers: Callable[[], Iterable[ServerStatus]], probe: Probe, interval: float,
        *, memory: Path | None = None, clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._servers = servers
        self._probe = probe
        self.interval = interval
        self._standing = Standing()
        self._memory = memory
        self._clock = clock
        self._lock = threading.Lock()
        self._records: dict[str, Record] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._gate = asyncio.Semaphore(PROBES_AT_ONCE)
        self._remembered = _remembered(memory)

    @property
    def standing(self) -> Standing:
        """How the rounds go, for `standing_families`."""
        with self._lock:
            return self._standing.copy()

    def records(self) -> dict[str, Record]:
        """A copy of what was seen, by server id. What was not looked at for three rounds is not known."""
        with self._lock:
            copies = {server: replace(record) for server, record in self._records.items()}
        for record in copies.values():
            if self._clock() - record.seen > 3 * self.interval + _LONGEST_PROBE:
                record.condition = ""
        return copies

    async def watch(self, stop: threading.Event) -> None:
        """Rounds of probes until `stop`."""
        while not stop.is_set():
            began = self._clock()
            code = ""
            try:
                self.round()
            except Exception:  # the worker's outermost loop: a full disk must not end the watch
                log.exception("round of probes broke off")
                code = "unexpected"
            with self._lock:
                self._standing.note(began, self._clock() - began, code)
            await asyncio.sleep(self.interval)

    def round(self) -> None:
        """Begin a probe of each server that ought to answer and has none open; forget the vanished."""
        servers = {server.id: server for server in self._servers()}
        with self._lock:
            for gone in self._records.keys() - servers.keys():
                del self._records[gone]
            for server in servers.values():
                self._records.setdefault(server.id, self._recalled(server.id))
        for server in servers.values():
            if not server.expected:
                self._note(server.id, NOT_EXPECTED)
            elif server.id not in self._tasks:
                self._tasks[server.id] = asyncio.get_running_loop().create_task(self._look(server))
        self._remember()

    async def _look(self, server: ServerStatus) -> None:
        try:
            async with self._gate:
                outcome = await self._probe(server.address)
        except ProbeImpossible:
            return
        finally:
            self._tasks.pop(server.id, None)
        with self._lock:
            record = self._records.get(server.id)
            if record is None:
                return
            record.total += 1
            record.good += outcome.good
            record.seconds = outcome.seconds
            record.reason = outcome.reason
        self._note(server.id, UP if outcome.good else DOWN)

    def _note(self, server: str, condition: str) -> None:
        with self._lock:
            record = self._records.get(server)
            if record is None:
                return
            now = self._clock()
            if record.condition != condition:
                record.condition, record.since = condition, now
            record.seen = now

    def _recalled(self, server: str) -> Record:
        """What was known before a restart of ours, if we looked away only briefly."""
        known = self._remembered.pop(server, None)
        if known is None or self._clock() - known.seen > _MEMORY_SECONDS:
            return Record()
        return known

    def _remember(self) -> None:
        """Keep the records for the next start; written aside and renamed, so never half a file."""
        if self._memory is None:
            return
        known = {server: asdict(record) for server, record in self.records().items() if record.condition}
        if not known:
            return
        partial = self._memory.with_suffix(".partial")
        partial.write_text(json.dumps(known), encoding="utf-8")
        os.replace(partial, self._memory)


def _remembered(memory: Path | None) -> dict[str, Record]:
    """The records of the last run; a missing or unreadable file means that nothing is known."""
    if memory is None:
        return {}
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
        return {server: Record(**record) for server, record in known.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def start(watch: WorkloadWatch, stop: threading.Event) -> threading.Thread:
    """Run the watch in a thread that does not keep the process alive."""
    thread = threading.Thread(target=lambda: asyncio.run(watch.watch(stop)), name="workloads", daemon=True)
    thread.start()
    return thread

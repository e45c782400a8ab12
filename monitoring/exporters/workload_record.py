"""Records: what was seen of one workload, and how its time adds up.

Durations are by a monotonic clock (`now`), so that a corrected time makes no second and takes none; only
`since` and `seen` are times of day, because people read them and restarts compare them.

A workload's seconds and probes are counted as down only when nova was asked after the failure and still
meant the workload to run: an agency that stops its server is not to find seconds of downtime for the time
until we heard of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.cloud.server_status import ServerStatus
from infra.domain.probe import Probe
from monitoring.exporters.probe_outcome import Outcome

UP, DOWN, NOT_EXPECTED, UNKNOWN = "up", "down", "not_expected", "unknown"
CONDITIONS = (UP, DOWN, NOT_EXPECTED, UNKNOWN)
_LONGEST_GAP = 30.0  # seconds without a look at our own clock (we were stopped) that still count as watched
_UNCONFIRMED_SECONDS = 300.0  # what is down for so long is counted even if nova cannot be asked


@dataclass
class ProbeRecord:
    """What one probe saw. `last` is its latest outcome, None before the first; `looked` when that was
    (monotonic); `unconfirmed` are bad probes that are not counted yet.
    """

    good: int = 0
    total: int = 0
    last: Outcome | None = None
    looked: float = 0.0
    unconfirmed: int = 0

    def copy(self) -> ProbeRecord:
        return ProbeRecord(self.good, self.total, self.last, self.looked, self.unconfirmed)


@dataclass
class Record:
    """What was seen of one workload. `condition` is "" before the first look; `since` is when it began and
    `seen` when it was last known (seconds of the epoch); `seconds` by condition.
    """

    condition: str = ""
    since: float = 0.0
    seen: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)
    probes: dict[str, ProbeRecord] = field(default_factory=dict)
    expected: bool = False
    accounted: float | None = None  # monotonic: up to when `seconds` go
    booting_until: float = 0.0  # monotonic: until then it may still be starting
    recalled_until: float = 0.0  # monotonic: until then what was known before a restart of ours holds
    unconfirmed: float = 0.0  # seconds of down that are not counted yet
    lists: int = 0  # lists of servers that came since it is down

    def copy(self) -> Record:
        copied = Record(**{**vars(self), "seconds": dict(self.seconds)})
        copied.probes = {name: probe.copy() for name, probe in self.probes.items()}
        return copied

    def note(self, probe: str, outcome: Outcome, now: float) -> None:
        """A probe's outcome; a bad one of a server that is still starting counts for nothing."""
        record = self.probes.setdefault(probe, ProbeRecord())
        record.last, record.looked = outcome, now
        if outcome.good:
            self.booting_until = 0.0
            record.good += 1
            record.total += 1
        elif now >= self.booting_until:
            record.unconfirmed += 1

    def advance(
        self,
        server: ServerStatus,
        probes: Iterable[Probe],
        usual_seconds: float,
        now: float,
        time_of_day: float,
    ) -> None:
        """Count the time since the last call, and judge anew."""
        self._count(now)
        every = {
            probe.name: (probe.every_seconds or usual_seconds, probe.timeout_seconds) for probe in probes
        }
        found = self._judged(server, every, now)
        self.expected = bool(every) and server.expected and now >= self.booting_until
        if found is None:
            return
        if found != self.condition:
            if self.condition == DOWN:
                self._settle(found)
            self.condition, self.since, self.lists = found, time_of_day, 0
        self.seen = time_of_day

    def listed(self) -> None:
        """A new list of servers came. The second one after a failure was asked for after it."""
        if self.condition != DOWN:
            return
        self.lists += 1
        if self.lists >= 2:
            self._settle(DOWN)

    def _judged(
        self, server: ServerStatus, every: Mapping[str, tuple[float, float]], now: float
    ) -> str | None:
        """The condition; None to leave it as it was known before a restart."""
        if (told := _told(server)) or not every:
            return told or NOT_EXPECTED
        fresh = [
            record.last
            for name, record in self.probes.items()
            if record.last is not None
            and name in every
            and now - record.looked <= 3 * every[name][0] + every[name][1]
        ]
        if not fresh:
            return None if now < self.recalled_until else UNKNOWN
        if all(outcome.good for outcome in fresh):
            return UP
        return NOT_EXPECTED if now < self.booting_until else DOWN

    def _count(self, now: float) -> None:
        gap = now - self.accounted if self.accounted is not None else 0.0
        self.accounted = now
        if gap > _LONGEST_GAP or not self.condition:
            self._add(UNKNOWN, gap)
        elif self.condition == DOWN:
            self.unconfirmed += gap
            if self.lists >= 2 or self.unconfirmed > _UNCONFIRMED_SECONDS:
                self._settle(DOWN)
        else:
            self._add(self.condition, gap)

    def _settle(self, found: str) -> None:
        """What was held back turns out to be: not expected when the agency stopped its server, else down."""
        stopped = found == NOT_EXPECTED
        self._add(NOT_EXPECTED if stopped else DOWN, self.unconfirmed)
        self.unconfirmed = 0.0
        for probe in self.probes.values():
            probe.total += 0 if stopped else probe.unconfirmed
            probe.unconfirmed = 0

    def _add(self, condition: str, seconds: float) -> None:
        if seconds > 0:
            self.seconds[condition] = self.seconds.get(condition, 0.0) + seconds

    def remembered(self) -> dict[str, Any]:
        """What outlives a restart, as plain data."""
        probes = {name: [probe.good, probe.total] for name, probe in self.probes.items()}
        return {"condition": self.condition, "since": self.since, "seen": self.seen, "seconds": self.seconds,
                "probes": probes}  # fmt: skip

    @classmethod
    def recalled(cls, data: Mapping[str, Any]) -> Record:
        """The record that `remembered` gave; raises ValueError, TypeError, KeyError or AttributeError for
        anything else.
        """
        seconds = {str(name): float(value) for name, value in data["seconds"].items() if name in CONDITIONS}
        probes = {
            str(name): ProbeRecord(int(good), int(total)) for name, (good, total) in data["probes"].items()
        }
        condition = str(data["condition"])
        if condition not in ("", *CONDITIONS):
            raise ValueError(condition)
        return cls(condition, float(data["since"]), float(data["seen"]), seconds, probes)


def _told(server: ServerStatus) -> str:
    """The condition where nova alone decides it, "" where probes do."""
    if not server.address:
        return NOT_EXPECTED
    if server.undecided:
        return UNKNOWN
    if server.lost:
        return DOWN
    return "" if server.expected else NOT_EXPECTED

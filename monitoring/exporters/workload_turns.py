"""Turns: whose probe is next, so that no agency's slow targets delay another's.

An agency has at most `per_agency` probes open. Of the agencies that wait, the one with the fewest open probes
is next. When `at_once` are open, an agency with less than its share of them (`at_once` divided by the
agencies there are, `reserved` at least) begins all the same: even when everything of all others hangs, an
agency is probed on time.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import Generic, TypeVar

J = TypeVar("J")
_WINDOW = 60.0  # seconds over which lateness is told


class Turns(Generic[J]):
    """The jobs that wait and those that run; `now` is monotonic everywhere."""

    def __init__(self, at_once: int = 512, per_agency: int = 64, reserved: int = 2) -> None:
        self._at_once = at_once
        self._per_agency = per_agency
        self._reserved = reserved
        self._waiting: dict[str, deque[tuple[float, J]]] = {}
        self._running: Counter[str] = Counter()
        self._served: Counter[str] = Counter()
        self._late: dict[str, deque[tuple[float, float]]] = {}

    def wait(self, agency: str, job: J, due: float) -> None:
        """The job is due; it waits for its turn."""
        self._waiting.setdefault(agency, deque()).append((due, job))

    def begin(self, now: float) -> tuple[str, J] | None:
        """The agency and job that begin now, None when nobody may."""
        share = max(self._reserved, self._at_once // max(1, len(self._running.keys() | self._waiting.keys())))
        limit = self._per_agency if self._running.total() < self._at_once else share
        may = [agency for agency in self._waiting if self._running[agency] < min(limit, self._per_agency)]
        if not may:
            return None
        agency = min(may, key=lambda one: (self._running[one], self._served[one]))
        due, job = self._waiting[agency].popleft()
        if not self._waiting[agency]:
            del self._waiting[agency]
        self._running[agency] += 1
        self._served[agency] += 1
        self._late.setdefault(agency, deque()).append((now, max(0.0, now - due)))
        return agency, job

    def end(self, agency: str) -> None:
        """A job of the agency ended."""
        self._running[agency] -= 1
        if self._running[agency] <= 0:
            del self._running[agency]

    def lateness(self, now: float) -> dict[str, float]:
        """By agency: the longest time in seconds that a job waited, of those that began in the last minute
        or still wait.
        """
        found: dict[str, float] = {}
        for agency, began in list(self._late.items()):
            while began and began[0][0] < now - _WINDOW:
                began.popleft()
            if not began:
                del self._late[agency]
            found[agency] = max((late for _, late in began), default=0.0)
        for agency, jobs in self._waiting.items():
            found[agency] = max(found.get(agency, 0.0), now - jobs[0][0])
        return found

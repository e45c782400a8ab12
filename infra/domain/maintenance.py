"""Maintenance windows: times that were agreed with agencies beforehand, in which a stop is no breach."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Interval = tuple[float, float]
"""Beginning and end in seconds of the epoch; the end is not part of it."""


@dataclass(frozen=True)
class MaintenanceWindow:
    """`agencies` are codes, empty for all; `workloads` names or ids of their servers, empty for all of them.

    `starts` and `ends` know their zone; `ends` is not part of the window.
    """

    id: str
    starts: dt.datetime
    ends: dt.datetime
    reason_vi: str
    reason_en: str
    agencies: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()

    def covers(self, agency: str, *workload: str) -> bool:
        """Whether the window is the agency's and, of its servers, one that is called or is `workload`."""
        mine = not self.agencies or agency in self.agencies
        return mine and (not self.workloads or any(one in self.workloads for one in workload))

    @property
    def interval(self) -> Interval:
        return self.starts.timestamp(), self.ends.timestamp()


def covering(
    windows: Iterable[MaintenanceWindow], agency: str, *workload: str
) -> tuple[MaintenanceWindow, ...]:
    """The windows of one workload (its names), in the order in which they begin."""
    found = [window for window in windows if window.covers(agency, *workload)]
    return tuple(sorted(found, key=lambda window: (window.interval, window.id)))


def union(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """The same seconds, each once: overlapping and touching intervals are one."""
    joined: list[Interval] = []
    for start, end in sorted(one for one in intervals if one[0] < one[1]):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def overlap(start: float, end: float, joined: Iterable[Interval]) -> float:
    """Seconds between `start` and `end` that lie in one of the intervals, which do not overlap."""
    return sum(_shared(start, end, joined))


def _shared(start: float, end: float, joined: Iterable[Interval]) -> Iterator[float]:
    for begins, ends in joined:
        yield max(0.0, min(end, ends) - max(start, begins))

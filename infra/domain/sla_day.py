"""A workload's day from what was seen of it: counters of seconds by condition, looked at every minute.

The counters are the uptime exporter's, which go on while nobody scrapes. So a gap between two looks at them
is no unknown time: the difference says how the seconds in it were. Unknown is what is missing in the
difference (the exporter did not run), what the exporter itself calls unknown, and a gap that a restart from 0
or the day's edge leaves open. The exporter may count seconds late (it waits to learn whether a server that
fell silent was stopped by its agency): they belong to the latest minutes in which seconds are missing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from infra.domain.maintenance import Interval, overlap
from infra.domain.sla import CONDITIONS, DAY_SECONDS, Seconds

STEP_SECONDS = 60
SEEN = ("up", "down", "not_expected", "unknown")
"""Conditions that the exporter counts, in the order of `Look.seconds`."""
_SLACK_SECONDS = 30.0
"""Looks and counting do not fall together; so much may be counted before its time."""
_LATE_STEPS = 60
"""Seconds that come later than that are no longer taken for those that are missing."""
_NOTHING = (0.0, 0.0, 0.0, 0.0)
Share = dict[str, float]


@dataclass(frozen=True)
class Look:
    """What was seen at a moment: whether anybody could look (the exporter answered and knew the servers), the
    workload's counters (None where it was not there), and whether its agency had stopped it.
    """

    watched: bool
    seconds: tuple[float, float, float, float] | None = None
    stopped: bool = False


def day_seconds(
    begins: float, looks: Sequence[Look], first: int, windows: Sequence[Interval], *, known_before: bool
) -> tuple[Seconds, bool]:
    """The seconds of the day that begins at `begins`, and whether the workload was there at its end.

    `looks` are `STEP_SECONDS` apart; `looks[first]` is at the day's beginning, some come before it and, where
    there are any yet, after its end. `windows` do not overlap. `known_before` says that the ledger had the
    workload at the end of the day before.
    """
    slots = _slots(looks, known_before)
    day = slots[first : first + DAY_SECONDS // STEP_SECONDS]
    lasting = not day or day[-1].get("absent", 0.0) < STEP_SECONDS
    found = dict.fromkeys(CONDITIONS, 0.0)
    for number, share in enumerate(day):
        start = begins + number * STEP_SECONDS
        excluded = overlap(start, start + STEP_SECONDS, windows) / STEP_SECONDS
        for condition, seconds in share.items():
            if condition == "absent":
                found[condition] += seconds
            else:
                found[condition] += seconds * (1 - excluded)
                found["maintenance"] += seconds * excluded
    return _whole(found), lasting


def _slots(looks: Sequence[Look], known_before: bool) -> list[Share]:
    """How the time between each look and the next was spent."""
    seen = [number for number, look in enumerate(looks) if look.seconds is not None]
    if not seen:
        return list(_gone(looks, 0)) if known_before else [_all("absent")] * (len(looks) - 1)
    account = _Account(list(_before(looks, seen[0], known_before)))
    for one, other in pairwise(seen):
        stopped = looks[one].stopped or looks[other].stopped
        account.add(_named(_counted(looks[one], looks[other]), stopped), other - one)
    return account.slots + list(_gone(looks, seen[-1]))


@dataclass
class _Account:
    """Slots of which each is full. `missing` are seconds, by slot, that were unknown when it was added;
    `early` ones that were counted before their time.
    """

    slots: list[Share]
    missing: dict[int, float] = field(default_factory=dict)
    early: Share = field(default_factory=dict)

    def add(self, counted: Share, steps: int) -> None:
        """The next steps, in which so much was counted in all."""
        span = float(steps * STEP_SECONDS)
        within, beyond = _split(counted, span)
        ahead, self.early = _split(self.early, span - sum(within.values()))
        within = _joined(within, ahead)
        lacking = max(0.0, span - sum(within.values()))
        for _ in range(steps):
            if lacking:
                self.missing[len(self.slots)] = lacking / steps
            self.slots.append(_joined(_scaled(within, 1 / steps), {"unknown": lacking / steps}))
        self._make_good(beyond, len(self.slots) - steps - _LATE_STEPS)

    def _make_good(self, late: Share, since: int) -> None:
        """Seconds that came late take the place of the latest that are missing."""
        for number in sorted(self.missing, reverse=True):
            if number < since or not late:
                break
            part, late = _split(late, self.missing[number])
            taken = sum(part.values())
            self.slots[number] = _joined(self.slots[number], part, {"unknown": -taken})
            self.missing[number] -= taken
            if self.missing[number] <= 0:
                del self.missing[number]
        self.early = _split(_joined(self.early, late), _SLACK_SECONDS)[0]


def _split(share: Share, seconds: float) -> tuple[Share, Share]:
    """At most so many seconds of it, of each condition its part, and the rest."""
    whole = sum(share.values())
    if whole <= seconds:
        return share, {}
    part = max(0.0, seconds) / whole
    return _scaled(share, part), _scaled(share, 1 - part)


def _scaled(share: Share, part: float) -> Share:
    return {name: value * part for name, value in share.items()}


def _joined(*shares: Share) -> Share:
    names = {name for share in shares for name in share}
    return {name: sum(share.get(name, 0.0) for share in shares) for name in names}


def _before(looks: Sequence[Look], first: int, known_before: bool) -> Iterator[Share]:
    """Until it was first seen."""
    if known_before:
        yield from [_all("unknown")] * first
        return
    yield from [_all("absent")] * max(0, first - 1)
    if first:
        counted = looks[first].seconds or _NOTHING
        known = sum(counted) <= STEP_SECONDS + _SLACK_SECONDS  # else it is older than anybody looked
        share, _ = _split(_named(counted, looks[first].stopped), STEP_SECONDS if known else 0.0)
        yield {**share, "absent": STEP_SECONDS - sum(share.values())}


def _gone(looks: Sequence[Look], last: int) -> Iterator[Share]:
    """Since it was last seen: unknown while nobody could look, absent from the first look without it on."""
    absent = False
    for look in looks[last + 1 :]:
        absent = absent or look.watched
        yield _all("absent" if absent else "unknown")


def _counted(one: Look, other: Look) -> Sequence[float]:
    """What was counted between two looks. A counter that began anew tells only what came since, and that only
    if there was time for it.
    """
    before, after = one.seconds or _NOTHING, other.seconds or _NOTHING
    if any(late < early for late, early in zip(after, before, strict=True)):
        return after
    return [late - early for late, early in zip(after, before, strict=True)]


def _named(counted: Sequence[float], stopped: bool) -> Share:
    share = dict(zip(SEEN, counted, strict=True))
    if stopped:
        share["stopped"] = share.pop("not_expected")
    return share


def _all(condition: str) -> Share:
    return {condition: float(STEP_SECONDS)}


def _whole(found: Share) -> Seconds:
    """Whole seconds whose sum is that of the parts: the largest remainders are rounded up."""
    down = {name: math.floor(value) for name, value in found.items()}
    missing = round(sum(found.values())) - sum(down.values())
    for name in sorted(found, key=lambda one: down[one] - found[one])[:missing]:
        down[name] += 1
    return Seconds(**down)

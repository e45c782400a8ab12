"""Listings that reads share, so that reading a thousand things of one kind takes one call and not a thousand.

A single read asks for its one thing. When more reads of one kind come within a few seconds, as they do in a
refresh, the kind is listed once and the listing answers them. A listing is served for `SECONDS` at most, and
never after this process has written anything: a read that follows a write sees its effect.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Thing = dict[str, Any]
SECONDS = 5.0
"""How old a listing may be: less than a person needs to change something and look again."""
SINGLY = 2
"""Reads of one kind within `SECONDS` that are asked for one by one."""


class Writes:
    """How many requests of this process have changed a cloud, counted when they begin and when they end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0

    def __enter__(self) -> None:
        with self._lock:
            self.count += 1

    def __exit__(self, *raised: object) -> None:
        with self._lock:
            self.count += 1


@dataclass
class _Listing:
    """What is held of one kind. `lock` lets one thread list while the others wait for what it finds.
    `written` is the count of writes that the listing knows of, `counted` the one since which reads are
    counted.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    things: list[Thing] = field(default_factory=list)
    by_id: dict[str, Thing] = field(default_factory=dict)
    taken: float = -SECONDS
    written: int = -1
    counted: int = -1
    asked: list[float] = field(default_factory=list)


class Listings:
    """The listings of one cloud, by kind. `clock` gives seconds."""

    def __init__(self, writes: Writes, clock: Callable[[], float] = time.monotonic) -> None:
        self.writes = writes
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, _Listing] = {}

    def one(
        self,
        kind: str,
        identity: str,
        single: Callable[[], Thing | None],
        every: Callable[[], Iterable[Thing]],
    ) -> Thing | None:
        """The thing with this id: by `single`, or out of what `every` lists. What a listing does not show is
        asked for by `single`: not every listing shows everything."""
        held = self._listing(kind, every)
        found = held.by_id.get(identity) if held else None
        return single() if found is None else dict(found)

    def some(
        self,
        kind: str,
        filters: Mapping[str, Any],
        single: Callable[[], list[Thing]],
        every: Callable[[], Iterable[Thing]],
    ) -> list[Thing]:
        """The things with these attributes: by `single`, or out of what `every` lists."""
        held = self._listing(kind, every)
        if held is None:
            return single()
        return [dict(thing) for thing in held.things if _has(thing, filters)]

    def _listing(self, kind: str, every: Callable[[], Iterable[Thing]]) -> _Listing | None:
        """The listing of this kind, None while single reads are cheaper."""
        with self._lock:
            held = self._held.setdefault(kind, _Listing())
        with held.lock:
            now = self._clock()
            if self._fresh(held, now):
                return held
            if held.counted != self.writes.count:
                held.counted = self.writes.count
                held.asked.clear()
            held.asked = [*(when for when in held.asked if now - when < SECONDS), now]
            if len(held.asked) <= SINGLY:
                return None
            written = self.writes.count
            held.things = list(every())
            held.by_id = {str(thing["id"]): thing for thing in held.things if "id" in thing}
            held.taken, held.written = now, written
            return held

    def _fresh(self, held: _Listing, now: float) -> bool:
        return held.written == self.writes.count and now - held.taken < SECONDS


def _has(thing: Mapping[str, Any], filters: Mapping[str, Any]) -> bool:
    return all(_text(thing.get(name)) in _texts(wanted) for name, wanted in filters.items())


def _texts(wanted: Any) -> set[str]:
    return {_text(one) for one in wanted} if isinstance(wanted, list | tuple | set) else {_text(wanted)}


def _text(value: Any) -> str:
    """A value as a query string holds it: `True` and `true` are one."""
    return str(value).lower() if isinstance(value, bool) or str(value) in ("True", "False") else str(value)

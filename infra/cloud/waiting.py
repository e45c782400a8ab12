"""Waiting for the cloud, with a deadline that says what was waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from infra.cloud.errors import WaitedTooLong

T = TypeVar("T")
_SHORTEST = 0.5  # seconds between looks, growing to _LONGEST
_LONGEST = 3.0


@dataclass
class Deadline:
    """Seconds that one operation may take in all, over several waits. `pause` and `clock` are for tests."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    _started: float = field(init=False)

    def __post_init__(self) -> None:
        self._started = self.clock()

    @property
    def left(self) -> float:
        return self.seconds - (self.clock() - self._started)

    def wait(self, what: str, look: Callable[[], T | None], state: Callable[[], str] = str) -> T:
        """The first thing other than None that `look` returns; raises WaitedTooLong with `what` and the
        `state`.
        """
        interval = _SHORTEST
        while True:
            found = look()
            if found is not None:
                return found
            if self.left <= 0:
                seen = state()
                raise WaitedTooLong(
                    f"waited {self.seconds:.0f} s for {what}" + (f"; it is {seen}" if seen else "")
                )
            self.pause(min(interval, max(self.left, 0.0)))
            interval = min(interval * 1.3, _LONGEST)

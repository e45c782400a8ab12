"""Rate limits, by the library `limits`, in this process's memory: a second process has limits of its own."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from infra.errors import InfraError

SWEEP_SECONDS = 60.0


class TooMany(InfraError):
    """Too many requests in a short time; wait as long as the answer says."""

    code = "too_many"

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(f"too many requests; try again in {seconds} s")


class _Memory(MemoryStorage):
    """The library would start a thread after nearly each count, to forget what is over; here one sleeps for
    `SWEEP_SECONDS` before it does. What counts is decided by times alone, swept or not.
    """

    @property
    def timer(self) -> threading.Timer:
        return self._timer

    @timer.setter
    def timer(self, made: threading.Timer) -> None:
        made.interval, made.daemon = SWEEP_SECONDS, True
        self._timer = made


@dataclass
class Rates:
    """How often each may: `sign_in` per address, `account` per account whose password was wrong, `change`
    and `read` per person, or per address where nobody is signed in; `streams` at once per person.
    """

    sign_in: RateLimitItem = field(default_factory=lambda: parse("20/minute"))
    account: RateLimitItem = field(default_factory=lambda: parse("5/5minute"))
    change: RateLimitItem = field(default_factory=lambda: parse("60/minute"))
    read: RateLimitItem = field(default_factory=lambda: parse("600/minute"))
    streams: int = 6
    _limiter: MovingWindowRateLimiter = field(default_factory=lambda: MovingWindowRateLimiter(_Memory()))
    _open: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, limit: RateLimitItem, kind: str, who: str) -> None:
        """One more; raises TooMany where it is one too many."""
        if not self._limiter.hit(limit, kind, who):
            raise TooMany(self._seconds(limit, kind, who))

    def check(self, limit: RateLimitItem, kind: str, who: str) -> None:
        """Raises TooMany where the next would be one too many, and counts nothing."""
        if not self._limiter.test(limit, kind, who):
            raise TooMany(self._seconds(limit, kind, who))

    def check_stream(self, who: str) -> None:
        """Raises TooMany where the person has enough streams open."""
        with self._lock:
            if self._open[who] >= self.streams:
                raise TooMany(60)

    @contextmanager
    def stream(self, who: str) -> Iterator[None]:
        """Counts a stream while it is open."""
        with self._lock:
            self._open[who] += 1
        try:
            yield
        finally:
            with self._lock:
                self._open[who] -= 1
                if not self._open[who]:
                    del self._open[who]

    def _seconds(self, limit: RateLimitItem, kind: str, who: str) -> int:
        frees = self._limiter.get_window_stats(limit, kind, who).reset_time
        return max(1, math.ceil(frees - time.time()))

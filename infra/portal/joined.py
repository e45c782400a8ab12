"""A call that is made once for all who want its answer now, and that nobody waits for longer than he can."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

from infra.errors import InfraError

T = TypeVar("T")
log = logging.getLogger(__name__)


class Joined(Generic[T]):
    """One `call` runs at a time: who asks while it runs gets its answer. It goes on when nobody waits any
    more, so what hangs holds one thread, and not one for each who asks.
    """

    def __init__(self, call: Callable[[], T], name: str) -> None:
        self._call = call
        self._name = name
        self._lock = threading.Lock()
        self._running: Future[T] | None = None

    def start(self) -> Future[T]:
        with self._lock:
            if self._running is None or self._running.done():
                self._running = Future()
                # a thread that does not keep the process from ending
                threading.Thread(
                    target=self._run, args=(self._running,), name=self._name, daemon=True
                ).start()
            return self._running

    def _run(self, answer: Future[T]) -> None:
        try:
            answer.set_result(self._call())
        except Exception as error:  # it is raised where the answer is wanted
            answer.set_exception(error)


@dataclass(frozen=True)
class _Known(Generic[T]):
    value: T
    at: float


class Kept(Generic[T]):
    """The answer of a `call`, asked for again when it is older than `fresh` seconds. Nobody waits longer than
    `patience` seconds: then, or when the call fails, the last answer counts until it is `stale` seconds old.
    """

    def __init__(
        self, call: Callable[[], T], name: str, *, fresh: float, stale: float, patience: float,
        stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._call, self._name = call, name
        self._joined = Joined(self._read, name)
        self._fresh, self._stale, self._patience = fresh, stale, patience
        self._stopwatch = stopwatch
        self._known: _Known[T] | None = None
        self._failed_at: float | None = None

    def value(self) -> T | None:
        """None where nobody knows now."""
        if not self._asked_lately():
            try:
                self._joined.start().result(self._patience)
            except TimeoutError:
                self._failed_at = self._stopwatch()
            except InfraError as error:
                log.warning("%s: %s", self._name, error)
        known = self._known
        return known.value if known and self._stopwatch() - known.at < self._stale else None

    def _asked_lately(self) -> bool:
        """A failure counts too: not each page waits for what does not answer."""
        times = [self._known.at if self._known else None, self._failed_at]
        return any(at is not None and self._stopwatch() - at < self._fresh for at in times)

    def _read(self) -> T:
        try:
            value = self._call()
        except InfraError:
            self._failed_at = self._stopwatch()
            raise
        self._known = _Known(value, self._stopwatch())
        return value

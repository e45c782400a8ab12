"""The clouds that one exporter shows: its own at /metrics, others of clouds.yaml at /probe?cloud=NAME.

Each cloud has collectors, connections and workers of its own, so a slow one delays nobody who asks for
another. One that has not been asked for in a while is let go, with its session. Names come from clouds.yaml
and from nowhere else: a request can choose among clouds, not send credentials somewhere.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from prometheus_client.core import Metric

from infra.errors import InfraError
from monitoring.exporters.listening import Handler, Request, Response, metrics

log = logging.getLogger(__name__)
_SWEEP_SECONDS = 30.0


class Shown(Protocol):
    """A cloud with its collectors. `metrics` and `compat` render the same snapshot; `close` lets it go."""

    def metrics(self, request: Request) -> Iterable[Metric]: ...

    def compat(self, request: Request) -> Iterable[Metric]: ...

    def close(self) -> None: ...


@dataclass
class _Kept:
    """A probed cloud: made once, by whoever came first; others wait for the same one."""

    shown: Future[Shown]
    asked_at: float


class Clouds:
    """The clouds that are probed. `names` says which there are now, `make` connects to one (it sends nothing
    and may raise an InfraError), `idle_seconds` is after how long one is let go.
    """

    def __init__(
        self, names: Callable[[], Iterable[str]], make: Callable[[str], Shown], idle_seconds: float,
        *, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.idle_seconds = idle_seconds
        self._names = names
        self._make = make
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}

    @property
    def held(self) -> tuple[str, ...]:
        """Clouds that are connected to now."""
        with self._lock:
            return tuple(sorted(self._kept))

    def probe(self, views: Mapping[str, str]) -> Handler:
        """The handler of /probe. `views` are the values that ?compat= may have -> the method that renders."""

        def answer(request: Request) -> Response:
            self.sweep()
            name, view = request.first("cloud"), request.first("compat")
            if view and view not in views:
                return _refused(f"no view {view!r}", "compat", views)
            try:
                known = sorted(self._names())
                if name not in known:
                    return _refused(f"no cloud {name!r}" if name else "no cloud was named", "cloud", known)
                shown = self._of(name)
            except InfraError as error:
                return Response(HTTPStatus.SERVICE_UNAVAILABLE, f"{error}\n".encode())
            return metrics(getattr(shown, views.get(view, "metrics")))(request)

        return answer

    def sweep(self) -> None:
        """Let go of clouds that nobody has asked for in a while."""
        now = self._clock()
        with self._lock:
            idle = [name for name, kept in self._kept.items() if now - kept.asked_at > self.idle_seconds]
            gone = [self._kept.pop(name) for name in idle]
        _close(gone)

    def forget(self) -> None:
        """Let go of all: they are made anew, by new settings, when they are asked for."""
        with self._lock:
            gone, self._kept = list(self._kept.values()), {}
        _close(gone)

    def start(self, stop: threading.Event) -> threading.Thread:
        """Sweep also while nobody asks for anything."""

        def run() -> None:
            while not stop.wait(_SWEEP_SECONDS):
                self.sweep()

        thread = threading.Thread(target=run, name="idle-clouds", daemon=True)
        thread.start()
        return thread

    def _of(self, name: str) -> Shown:
        with self._lock:
            kept = self._kept.get(name)
            first = kept is None
            if kept is None:
                kept = self._kept[name] = _Kept(Future(), self._clock())
            kept.asked_at = self._clock()
        if first:
            self._connect(name, kept)
        return kept.shown.result()

    def _connect(self, name: str, kept: _Kept) -> None:
        """Outside the lock: nobody who asks for another cloud waits for this one."""
        try:
            kept.shown.set_result(self._make(name))
        except BaseException as error:
            with self._lock:
                if self._kept.get(name) is kept:
                    del self._kept[name]
            kept.shown.set_exception(error)


def _close(gone: Iterable[_Kept]) -> None:
    for kept in gone:
        kept.shown.add_done_callback(_close_one)


def _close_one(shown: Future[Shown]) -> None:
    if shown.exception() is None:
        shown.result().close()


def _refused(why: str, parameter: str, known: Iterable[str]) -> Response:
    listed = ", ".join(known) or "none"
    text = f"{why}; write {parameter}= with one of: {listed}\n"
    return Response(HTTPStatus.BAD_REQUEST, text.encode())

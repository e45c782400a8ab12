"""Readings: what monitoring asks of the cloud, each lap within a deadline.

Unlike `infra.cloud.service`, nothing is asked twice: a monitor that retries hides that the cloud is slow, and
the next lap is near. Every call gets at most what is left of the lap, so a cloud that hangs cannot hold a lap
for ever.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, Protocol, TypeVar

from infra.cloud import errors
from infra.cloud.connection import Cloud
from infra.cloud.service import SessionService, failure, pages

T = TypeVar("T")
R = TypeVar("R")
WORKERS = 8
"""Calls of one lap in flight at once: enough to hide the network, few enough that no API feels a lap."""
CALL_SECONDS = 10.0
_SHORTEST_CALL = 0.05  # seconds; a call with less time than this would only fail

# Nova stops at 2.87: from 2.88 on, os-hypervisors may ask each nova-compute over the message queue for its
# uptime, and one that has just died keeps the whole list waiting, exactly when it matters.
_SERVICES: dict[str, tuple[str, str, str]] = {
    "identity": ("identity", "", "/v3"),
    "compute": ("compute", "2.87", "/v2.1"),
    "network": ("network", "", "/v2.0"),
    "volume": ("block-storage", "3.67", "/v3"),
    "placement": ("placement", "1.39", ""),
}


class Reading(Protocol):
    """One lap's GETs. `service` is identity, compute, network, volume or placement, `path` is below its
    version."""

    def get(self, service: str, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer; raises a CloudError."""

    def items(
        self, service: str, path: str, plural: str, params: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Every item of a list, page by page; raises a CloudError."""

    def each(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """`function` of each item, several at once, in the items' order; the first failure ends them all."""


class CloudReading:
    """A reading of a real cloud that must end `seconds` after it began."""

    def __init__(self, cloud: Cloud, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._cloud = cloud
        self._clock = clock
        self._seconds = seconds
        self._ends = clock() + seconds
        # Logging in is bounded by the session itself; calls get what is left of the lap.
        cloud.sdk.session.timeout = CALL_SECONDS
        self._services = {name: _OnceService(self, cloud, name, *how) for name, how in _SERVICES.items()}

    def get(self, service: str, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return dict(self._services[service].request("GET", path, params=params))

    def items(
        self, service: str, path: str, plural: str, params: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        return [*pages(self._services[service], path, plural, params or {})]

    def each(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="reading")
        try:
            return [*pool.map(function, items)]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def left(self, call: str) -> float:
        """Seconds that `call` may take; raises WaitedTooLong when the lap is over."""
        left = min(self._ends - self._clock(), CALL_SECONDS)
        if left < _SHORTEST_CALL:
            raise errors.WaitedTooLong(
                f"{call}: the lap's {self._seconds:g} seconds were over before it was sent"
            )
        return left


class _OnceService(SessionService):
    """A service that is asked once, with a time limit."""

    def __init__(self, reading: CloudReading, *how: Any) -> None:
        super().__init__(*how)
        self._reading = reading

    def request(
        self, method: str, path: str, *, json: Any = None, params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None, data: IO[bytes] | None = None,
    ) -> Any:  # fmt: skip
        call = f"{method} {self.name} {path}"
        answer = self._send(
            call,
            method,
            path,
            json=json,
            params=params,
            headers=headers,
            data=data,
            timeout=self._reading.left(call),
        )
        if answer.status_code >= 400:
            raise failure(call, answer.status_code, answer.text)
        return answer.json() if answer.content else {}

"""Readings: what monitoring asks of the cloud, each lap within a deadline.

Unlike `infra.cloud.service`, nothing is asked twice but with a new token: a monitor that retries hides that
the cloud is slow, and the next lap is near. Every call gets at most what is left of the lap, so a cloud that
hangs cannot hold a lap for ever, and no call is made for a lap that was cancelled.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, Protocol, TypeVar

from infra.cloud import errors
from infra.cloud.connection import Cloud
from infra.cloud.service import SessionService, failure, pages

T = TypeVar("T")
R = TypeVar("R")
WORKERS = 16
"""Calls in flight at once, of all laps that share a gate: enough to hide the network, few enough that no API
feels a lap."""
CALL_SECONDS = 10.0
PAGE_SIZE = 1000
"""What services show at most on a page by default; Glance shows 25 to who does not ask for more."""
_SHORTEST_CALL = 0.05  # seconds; a call with less time than this would only fail

# Nova stops at 2.87: from 2.88 on, os-hypervisors may ask each nova-compute over the message queue for its
# uptime, and one that has just died keeps the whole list waiting, exactly when it matters. The others are the
# lowest that have what monitoring uses, so that older clouds can be watched too.
_SERVICES: dict[str, tuple[str, str, str]] = {
    "identity": ("identity", "", "/v3"),
    "compute": ("compute", "2.87", "/v2.1"),
    "network": ("network", "", "/v2.0"),
    "image": ("image", "", "/v2"),
    "volume": ("block-storage", "3.67", "/v3"),
    "placement": ("placement", "1.36", ""),
}
_PROJECT_IN_URL = re.compile(r"/v3/[0-9a-f]{32}$")


def keep_connections(cloud: Cloud, connections: int = WORKERS) -> None:
    """Let the session keep so many connections to a service open: with fewer than there are workers, each lap
    would open the rest anew. Loads openstacksdk; sends nothing."""
    for adapter in cloud.sdk.session.session.adapters.values():
        adapter.init_poolmanager(connections, connections)


class Reading(Protocol):
    """One lap's GETs. `service` is identity, compute, network, image, volume or placement, `path` is below
    its version."""

    def get(self, service: str, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer; raises a CloudError."""

    def items(
        self, service: str, path: str, plural: str, params: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Every item of a list, page by page; raises a CloudError."""

    def each(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """`function` of each item, several at once, in the items' order; the first failure ends them all."""


class PagedReading(Reading, Protocol):
    """A reading that shows long lists page by page, so that a lap need not hold all of what it read."""

    def pages(
        self, service: str, path: str, plural: str, params: Mapping[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Every item of a list; a page is asked for when the one before is used up."""

    def scope(self) -> tuple[str, str]:
        """(project id, user id) of our token."""


class Calls:
    """How many calls were made and how long they took, by service; shared by laps."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: Counter[tuple[str, int]] = Counter()
        self._seconds: Counter[str] = Counter()

    def note(self, service: str, status: int, seconds: float) -> None:
        """Count a call; status 0 is one that got no answer."""
        with self._lock:
            self._counted[service, status] += 1
            self._seconds[service] += seconds  # type: ignore[assignment]

    def counted(self) -> dict[tuple[str, int], int]:
        """Calls by service and status."""
        with self._lock:
            return dict(self._counted)

    def seconds(self) -> dict[str, float]:
        """Seconds by service."""
        with self._lock:
            return dict(self._seconds)


class CloudReading:
    """A reading of a real cloud that must end `seconds` after it began, or as soon as `cancelled` says so.

    `gate` bounds calls in flight over all readings that share it, `workers` those of one `each`.
    """

    def __init__(
        self, cloud: Cloud, seconds: float, clock: Callable[[], float] = time.monotonic,
        *, cancelled: Callable[[], bool] = lambda: False, gate: threading.Semaphore | None = None,
        workers: int = WORKERS, calls: Calls | None = None,
    ) -> None:  # fmt: skip
        self._cloud = cloud
        self._clock = clock
        self._seconds = seconds
        self._ends = clock() + seconds
        self._cancelled = cancelled
        self.gate = gate or threading.Semaphore(WORKERS)
        self._workers = workers
        self.calls = calls or Calls()
        # Logging in is bounded by the session itself; calls get what is left of the lap.
        cloud.sdk.session.timeout = CALL_SECONDS
        self._services = {name: _OnceService(self, cloud, name, *how) for name, how in _SERVICES.items()}

    def get(self, service: str, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return dict(self._services[service].request("GET", path, params=params))

    def items(
        self, service: str, path: str, plural: str, params: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        return [*self.pages(service, path, plural, params)]

    def pages(
        self, service: str, path: str, plural: str, params: Mapping[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        return pages(self._services[service], path, plural, params or {})

    def each(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="reading")
        try:
            return [*pool.map(function, items)]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def scope(self) -> tuple[str, str]:
        return self._services["identity"].scope()

    def left(self, call: str) -> float:
        """Seconds that `call` may take; raises WaitedTooLong when the lap is over, GivenUp when it was
        cancelled."""
        if self._cancelled():
            raise errors.GivenUp(f"{call}: not sent, because nobody waits for it any longer")
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
        self._reading.left(call)
        given = {"json": json, "params": params, "headers": headers, "data": data}
        with self._reading.gate:
            answer = self._once(call, method, path, **given)
            if answer.status_code == 401:
                # The token had expired. Of several calls that meet this at once only one gets the session to
                # log in again and to repeat it; the others get the refusal.
                answer = self._once(call, method, path, **given)
        if answer.status_code >= 400:
            raise failure(call, answer.status_code, answer.text)
        try:
            body = answer.json() if answer.content else {}
        except ValueError as broken:
            raise errors.Unavailable(f"{call}: the answer was cut off: {broken}") from broken
        if isinstance(body, dict) and body.get("truncated"):  # Keystone's list_limit
            raise errors.CloudError(f"{call}: the list was cut short; raise list_limit in keystone.conf")
        return body

    def _once(self, call: str, method: str, path: str, **given: Any) -> Any:
        seconds, began, status = self._reading.left(call), time.monotonic(), 0
        try:
            answer = self._send(call, method, path, timeout=seconds, **given)
            status = answer.status_code
        finally:
            self._reading.calls.note(self.name, status, time.monotonic() - began)
        return answer

    def _url(self, path: str) -> str:
        url = super()._url(path)
        if self.name == "volume" and _PROJECT_IN_URL.search(self._root):
            self._microversion = "3.0"  # the project id may be left out of the URL only from 3.67 on
        return url

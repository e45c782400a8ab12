"""A cloud in memory in a process of its own, that takes a fixed time for each call.

Prints its environment (OS_*) as JSON. Then it reads lines, each the seconds that a call takes from now on,
and answers with the number of calls so far, the CPU seconds that it used itself, and the seconds during which
at least one call was under way.
"""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.fakes.openstack_server import FakeServer


class Busy:
    """Answers as `handle` does, and counts the seconds during which at least one call is under way."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._lock = threading.Lock()
        self._under_way = 0
        self._since = 0.0
        self._seconds = 0.0

    def __call__(self, *given: Any) -> Any:
        with self._lock:
            if not self._under_way:
                self._since = time.monotonic()
            self._under_way += 1
        try:
            return self._handle(*given)
        finally:
            with self._lock:
                self._under_way -= 1
                if not self._under_way:
                    self._seconds += time.monotonic() - self._since

    def seconds(self) -> float:
        with self._lock:
            return self._seconds + (time.monotonic() - self._since if self._under_way else 0.0)


def main() -> None:
    with FakeServer() as server:
        busy = Busy(server.fake.handle)
        server.fake.handle = busy  # type: ignore[method-assign]
        print(json.dumps(server.environment()), flush=True)
        for line in sys.stdin:
            server.fake.delay = float(line)
            used = resource.getrusage(resource.RUSAGE_SELF)
            told = [len(server.fake.calls), used.ru_utime + used.ru_stime, busy.seconds()]
            print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()

"""A cloud in memory in a process of its own, that takes a fixed time for each call.

Prints its environment (OS_*) as JSON. Then it reads lines, each the seconds that a call takes from now on,
and answers with the number of calls so far and the CPU seconds that it used itself.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.fakes.openstack_server import FakeServer


def main() -> None:
    with FakeServer() as server:
        print(json.dumps(server.environment()), flush=True)
        for line in sys.stdin:
            server.fake.delay = float(line)
            used = resource.getrusage(resource.RUSAGE_SELF)
            print(json.dumps([len(server.fake.calls), used.ru_utime + used.ru_stime]), flush=True)


if __name__ == "__main__":
    main()

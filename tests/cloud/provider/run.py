"""Runs the conformance cases against a deployed site: inside the lab's network.

usage: python -m tests.cloud.provider.run INVENTORY [--thorough] [WORD...]   (cases whose name has a word)

A case that fails beside the others is run once more without them: what it then passes was a neighbour's
doing (72 cases share one project and one Keystone). Standard output is one JSON document: the table, the
problems, what was wrong beside others only, the seconds. Progress goes to standard error.
"""

from __future__ import annotations

import json
import sys
import time

from tests.cloud.provider.ground import cases, credentials_of, live_ground
from tests.cloud.provider.matrix import Bench, Weather, run, table


def main() -> None:
    inventory, *words = sys.argv[1:]
    weather = Weather(thorough="--thorough" in words)
    words = [word for word in words if word != "--thorough"]
    chosen = [case for case in cases() if not words or any(word in case.name for word in words)]
    credentials = credentials_of(inventory)
    began = time.monotonic()

    def say(line: str) -> None:
        sys.stderr.write(f"{time.monotonic() - began:6.1f} {line}\n")
        sys.stderr.flush()

    with Bench(credentials, weather) as bench, live_ground(bench, credentials) as ground:
        results = run(bench, ground, chosen, say)
        failed = [number for number, result in enumerate(results) if result.problems]
        beside = [problem for number in failed for problem in results[number].problems]
        for problem in beside:
            say(problem)
        alone = run(bench, ground, [chosen[number] for number in failed], say) if failed else []
        for number, result in zip(failed, alone, strict=True):
            results[number] = result
    document = {
        "table": table(results),
        "problems": [problem for result in results for problem in result.problems],
        "beside_others": beside,
        "seconds": round(time.monotonic() - began),
    }
    json.dump(document, sys.stdout, indent=1)


if __name__ == "__main__":
    main()

"""The page `docs/monitoring-faults.md`: each fault, what is exported, what fires and what must not."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

_HEAD = """\
# What monitoring says when things fail

Made by `tests.cloud.monitoring` from what it saw on a lab, in one run; it is run by hand so far. To make it
anew, with a lab up and nothing else at work on the machine:

```
citycloud lab shell - python -m tests.cloud.monitoring.run inventories/lab > faults.json
python -m tests.cloud.monitoring.document faults.json > docs/monitoring-faults.md
```

Each fault meets both exporters, Prometheus and Alertmanager with the project's rules and routes, before the
lab's real APIs; a proxy in between does the harm. The rules' times are divided by {factor}. Of the rules on
what exporters tell (`agency`, `agent`, `api`, `canary`, `capacity`, `hypervisor`, `load_balancer`,
`monitoring`, `slo`) exactly those fire that are named, for exactly the series that the fault meets, and all
of them end with it.

- **exported**: what `/metrics` says meanwhile. Facts that could not be read again stay, with
  `city_exporter_collector_age_seconds`; "success 0" is `city_exporter_collector_success`, "failures" are
  `city_exporter_collector_failures_total` by `code`.
- **fires**: "inhibited" is held back by Alertmanager, because another alert names the cause.
- **must not fire**: what somebody might expect, or fear.
- **may follow**: what comes when the fault lasts longer than the test.

That a real nova-compute stops is `tests/cloud/test_watching.py`; the rules one by one are in
`tests/monitoring/cases`.

"""


def document(told: Mapping[str, Any]) -> str:
    """Markdown, of what `run` told."""
    head = ["| fault | exported | fires | must not fire | may follow |", "|---|---|---|---|---|"]
    rows = [
        "| " + " | ".join(
            [
                row["title"], row["exported"], "; ".join(row["fires"]) or "nothing",
                _names(row["quiet"]), _names(row["later"]),
            ]
        ) + " |"
        for row in told["rows"]
    ]  # fmt: skip
    return _HEAD.format(factor=told["factor"]) + "\n".join([*head, *rows]) + "\n"


def _names(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as stream:
        sys.stdout.write(document(json.load(stream)))

"""Measures landing zones on a lab of its own, each operation beside what engineers use today and beside plain
openstacksdk calls in a loop."""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.up.measure import cpu_seconds, lab  # noqa: E402
from tests.cloud.conftest import CITYCLOUD, Site, add_operators  # noqa: E402

FIRST = """\
city: {code: bench, name_vi: "Đo", name_en: "Benchmark"}
size_classes:
  S: {instances: 3, cores: 4, ram_mib: 1536, volumes: 4, gigabytes: 10,
      floating_ips: 2, networks: 2, routers: 1, security_groups: 10, ports: 20}
agencies:
"""
AGENCY = """\
  - {{code: own{number:02}, level: city, size: S, name_vi: "Cơ quan {number}", name_en: "Agency {number}",
     network: 10.64.{number}.0/24}}
"""
PROVIDER = Path(__file__).with_name("incumbent") / "provider"
LOOP = ("up", "refresh", "destroy")
INCUMBENT = {
    "from nothing": "up",
    "no-change preview": "preview",
    "no-change refresh": "refresh",
    "no-change up": "up",
    "destroy": "destroy",
}
"""In this order, by the title of what we do."""
METRICS = "http://172.30.0.11:8405/metrics"
"""HAProxy's own count of requests, on the lab's controller."""


@dataclass(frozen=True)
class Cost:
    """What one operation took: seconds, requests that the APIs got, CPU seconds of the client and of all
    else.
    """

    seconds: float
    requests: int
    client: float
    cloud: float


def children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def requests(site: Site) -> int:
    """Requests that all APIs got since they were started; services ask each other too."""
    found = re.findall(
        r'^haproxy_frontend_http_requests_total\{proxy="[a-z]+-api"\} (\S+)$',
        site.on("-", "curl", "-s", METRICS),
        re.M,
    )
    return sum(int(float(one)) for one in found)


def measured(site: Site, work: Callable[[], Any]) -> Cost:
    before, began = requests(site), time.monotonic()
    client, every = children_cpu(), cpu_seconds()
    work()
    seconds = time.monotonic() - began
    client, every = children_cpu() - client, cpu_seconds() - every
    return Cost(seconds, requests(site) - before, client, every - client)


def agencies(inventory: Path, count: int) -> None:
    """Give the inventory in this folder so many agencies without servers."""
    text = FIRST + "".join(AGENCY.format(number=number) for number in range(1, count + 1))
    (inventory / "agencies.yaml").write_text(text, encoding="utf-8")


def plain(site: Site, operation: str, prefix: str, count: int) -> None:
    site.script("benchmarks.zone.plain", operation, prefix, str(count))


def incumbent(site: Site, operation: str, count: int) -> None:
    site.script("benchmarks.zone.bridged", str(PROVIDER), operation, "inc", str(count))


def show(title: str, *costs: Cost | None) -> None:
    """Ours, the incumbent's, the loop's."""
    row = f"{title:<28}"
    for cost in costs:
        if cost is None:
            row += " " * 35
        else:
            row += f"{cost.seconds:>8.1f}{cost.requests:>9}{cost.client:>9.1f}{cost.cloud:>9.1f}"
    ours, *others = costs
    assert ours is not None
    row += "".join(f"{ours.seconds / other.seconds:>9.2f}" if other else " " * 9 for other in others)
    print(row.rstrip(), flush=True)


def measure(site: Site, count: int) -> None:
    heads = "".join(
        f"{head:>{width}}" for head, width in (("s", 8), ("calls", 9), ("client s", 9), ("cloud s", 9))
    )
    print(f"{'':<28}" + "".join(f"{who:>35}" for who in ("zone", "incumbent", "plain calls in a loop")))
    print(f"{count} agencies".ljust(28) + heads * 3 + f"{'to inc.':>9}{'to loop':>9}")
    loop = {name: measured(site, lambda name=name: plain(site, name, "plain", count)) for name in LOOP}
    theirs = {
        title: measured(site, lambda name=name: incumbent(site, name, count))
        for title, name in INCUMBENT.items()
    }
    agencies(site.inventory, count)
    own = {
        "from nothing": ("up", lambda: site.ok("zone", "up")),
        "no-change preview": ("", lambda: site.ok("zone", "preview")),
        "the same, run by the engine": ("", lambda: site.ok("zone", "preview", "--force")),
        "no-change refresh": ("refresh", lambda: site.ok("zone", "refresh")),
        "no-change up": ("", lambda: site.ok("zone", "up")),
    }
    for title, (beside, work) in own.items():
        show(title, measured(site, work), theirs.get(title), loop.get(beside))
    one = measured(site, lambda: plain(site, "up", "extra", 1))
    agencies(site.inventory, count + 1)
    show("one agency added", measured(site, lambda: site.ok("zone", "up")), None, one)
    gone = measured(site, lambda: site.confirmed("zone", "destroy", "--all", "--yes"))
    show("destroy", gone, theirs["destroy"], loop["destroy"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agencies", type=int, default=35)
    count = parser.parse_args().agencies
    if not CITYCLOUD.exists():
        sys.exit("run ./scripts/prepare first")
    if not PROVIDER.exists():
        subprocess.run([PROVIDER.with_name("build")], check=True)
    with lab("bench-zone", "lab") as site:
        add_operators(site)
        agencies(site.inventory, 1)
        site.ok("up")
        measure(site, count)


if __name__ == "__main__":
    main()

"""Measures `citycloud up` on labs of its own: phases, CPU, memory, and 50 servers at once."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.cloud.conftest import CITYCLOUD, Site, make_inventory  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")
SERVERS = 50


def cpu_seconds() -> float:
    """Seconds that all cores worked since boot: user, nice and system of /proc/stat."""
    values = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:4]
    return sum(int(value) for value in values) / TICK


@dataclass
class Sampler:
    """CPU at the moment when each phase began, read from the journal as it grows."""

    site: Site
    marks: list[tuple[str, float, float]] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def watch(self, seen: int) -> None:
        while not self.stop.wait(0.2):
            records = self.site.journal()
            for record in records[seen:]:
                if record["event"] in ("phase_started", "run_ended"):
                    self.marks.append((record.get("phase", "end"), record["at"], cpu_seconds()))
            seen = len(records)


@contextmanager
def lab(name: str, source: str) -> Iterator[Site]:
    """A site from one of the inventories, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="citycloud-bench-") as folder:
        place = Path(folder)
        make_inventory(ROOT / "inventories" / source, place / "inventory", name, source)
        site = Site(name, place / "inventory", place / "state")
        site.state.mkdir()
        try:
            yield site
        finally:
            site.ok("down", "--yes")


def timed_up(site: Site, title: str) -> None:
    """Run `up` and print its table."""
    seen = len(site.journal())
    sampler = Sampler(site)
    watcher = threading.Thread(target=sampler.watch, args=(seen,))
    watcher.start()
    began, work = time.monotonic(), cpu_seconds()
    site.ok("up")
    seconds, work = time.monotonic() - began, cpu_seconds() - work
    time.sleep(0.5)
    sampler.stop.set()
    watcher.join()
    changed = {
        record["phase"]: (record["seconds"], record["changed"])
        for record in site.journal()[seen:]
        if record["event"] == "phase_ended"
    }
    print(f"\n{title}\n{'phase':<16}{'seconds':>9}{'CPU s':>9}{'changed':>9}")
    for (phase, _, cpu), (_, _, after) in zip(sampler.marks, sampler.marks[1:], strict=False):
        took, count = changed[phase]
        print(f"{phase:<16}{took:>9.1f}{after - cpu:>9.1f}{count:>9}")
    print(f"{'all':<16}{seconds:>9.1f}{work:>9.1f}{sum(count for _, count in changed.values()):>9}")
    status: dict[str, Any] = json.loads(site.run("status", "--output", "json").output)
    print(f"memory of the whole lab: {status['memory_bytes'] / 2**20:.0f} MiB")


def measure_lab() -> None:
    with lab("bench", "lab") as site:
        timed_up(site, "from bare servers")
        timed_up(site, "over the unchanged site")


def measure_scale() -> None:
    with lab("bench-scale", "scale") as site:
        site.ok("up")
        print(f"\n{SERVERS} servers at once on fake hypervisors")
        print(site.script("benchmarks.up.servers", str(SERVERS)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["lab", "scale"])
    only = parser.parse_args().only
    if not CITYCLOUD.exists():
        sys.exit("run ./scripts/prepare first")
    if only != "scale":
        measure_lab()
    if only != "lab":
        measure_scale()


if __name__ == "__main__":
    main()

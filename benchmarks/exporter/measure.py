"""Measures the capacity exporter on model clouds or on a real one, beside the field's way of reading."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.exporter import scale  # noqa: E402
from benchmarks.exporter.process import (  # noqa: E402
    Exporter,
    counters,
    environment_of,
    model,
    quiet,
    reset,
)

SIZES = ((40, 50, 1000), (200, 300, 5000), (1000, 1000, 10000))
DELAY = 0.02  # seconds
PACE = 15.0  # seconds from one scrape to the next, as our Prometheus has it
GIVES_UP = 1.0  # seconds
GRACE = 0.1  # seconds that a hang-up may take to be seen


@dataclass(frozen=True)
class Field:
    """The field's way of one scrape: wall seconds, calls, CPU seconds, peak memory."""

    seconds: float
    calls: int
    cpu_seconds: float
    rss_bytes: int


@dataclass(frozen=True)
class Ours:
    """What the exporter did. `cold` is the first scrape of a process that knows nothing yet; `missing` are
    collectors that it did not wait for, `whole` is when they too had read all. `warm` is a scrape a
    pace later. Of a client that gave up: calls that began after it had. None: could not be seen (a real
    cloud counts no calls for us).
    """

    start_seconds: float
    cold_seconds: float
    cold_calls: int
    missing: list[str]
    whole_seconds: float
    whole_calls: int
    warm_seconds: float
    warm_calls: int
    both_calls: int | None
    gave_up_after: float | None
    calls_after_giving_up: int | None
    abandoned: int | None
    most_in_flight: int | None
    series: int
    size_bytes: int
    rss_bytes: int
    cpu_seconds: float
    by_endpoint: dict[str, int]


def field_way(environment: dict[str, str]) -> Field:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(ROOT / "benchmarks/exporter/incumbent.py")],
        env={"PATH": os.environ["PATH"], **environment}, cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"the field's way failed:\n{done.stderr[-3000:]}")
    return Field(**json.loads(done.stdout))


def on_model(address: str, arguments: list[str]) -> Ours:
    environment = environment_of(address)
    reset(address)
    with Exporter(environment, *arguments) as exporter:
        cold, cpu = exporter.scrape(), exporter.cpu_seconds
        whole = exporter.complete()
        first = quiet(address)
        time.sleep(PACE)
        before = quiet(address)["calls"]
        warm = exporter.scrape()
        after = quiet(address)
        peak = exporter.peak_bytes
    waited_for = [*arguments, *(f"--without={name}" for name in cold.missing)]
    gave_up_after, later, abandoned = gave_up(address, environment, arguments, cold.seconds)
    return Ours(
        exporter.start_seconds, cold.seconds, first_calls(address, environment, waited_for, 1), cold.missing,
        cold.seconds + whole.seconds, first["calls"], warm.seconds, after["calls"] - before,
        first_calls(address, environment, waited_for, 2), gave_up_after, later, abandoned,
            first["most_in_flight"],
        warm.series, len(warm.body), peak, cpu, first["by_endpoint"],
    )  # fmt: skip


def first_calls(address: str, environment: dict[str, str], arguments: list[str], scrapers: int) -> int:
    """Calls until the first answer, for so many scrapers that come at once to an exporter that has just
    begun. It has no collectors but those that an answer waits for, so no others' calls are among them.
    """
    reset(address)
    with Exporter(environment, *arguments) as exporter, ThreadPoolExecutor(scrapers) as pool:
        list(pool.map(lambda _: exporter.scrape(), range(scrapers)))
        return int(quiet(address)["calls"])


def gave_up(
    address: str, environment: dict[str, str], arguments: list[str], cold: float
) -> tuple[float, int, int]:
    """A client of an exporter that has just begun hangs up after a second, or half of what the answer takes:
    when, calls that began later, calls that were cut off.
    """
    patience = min(GIVES_UP, cold / 2)
    reset(address)
    with Exporter(environment, *arguments) as exporter:
        with contextlib.suppress(TimeoutError):
            exporter.scrape(gives_up=patience)
        time.sleep(GRACE)
        before = counters(address)["calls"]
        found = quiet(address)
        return patience, int(found["calls"]) - before, int(found["abandoned"])


def on_cloud(environment: dict[str, str], arguments: list[str]) -> Ours:
    """The same on a real cloud, which counts no calls for us: the exporter's own count is taken."""
    with Exporter(environment, *arguments) as exporter:
        cold, cpu = exporter.scrape(), exporter.cpu_seconds
        whole = exporter.complete()
        time.sleep(PACE)
        before = exporter.scrape()
        time.sleep(PACE)
        warm = exporter.scrape()
        return Ours(
            exporter.start_seconds, cold.seconds, cold.calls, cold.missing, cold.seconds + whole.seconds,
            whole.calls, warm.seconds, warm.calls - before.calls, None, None, None, None, None, warm.series,
            len(warm.body), exporter.peak_bytes, cpu, {},
        )  # fmt: skip


def show(title: str, ours: Ours, field: Field) -> None:
    """A table for people: ours, the field's way, and by how much theirs is more."""
    print(f"\n{title}\n{'':<34}{'ours':>12}{'field':>12}{'field / ours':>14}")
    mib = 2**20
    rows: list[tuple[str, float, float | None, str]] = [
        ("cold scrape, wall s", ours.cold_seconds, field.seconds, ".2f"),
        ("warm scrape, wall s", ours.warm_seconds, field.seconds, ".2f"),
        ("API calls, cold", ours.cold_calls, field.calls, ".0f"),
        ("slow facts too, s", ours.whole_seconds, field.seconds, ".2f"),
        ("API calls with slow facts", ours.whole_calls, field.calls, ".0f"),
        ("API calls, warm", ours.warm_calls, field.calls, ".0f"),
        ("peak memory, MiB", ours.rss_bytes / mib, field.rss_bytes / mib, ".0f"),
        ("CPU s to the first answer", ours.cpu_seconds, field.cpu_seconds, ".2f"),
        ("series", ours.series, None, ".0f"),
        ("answer, KiB", ours.size_bytes / 1024, None, ".0f"),
        ("start until it listens, s", ours.start_seconds, None, ".2f"),
    ]
    if ours.both_calls is not None:
        rows.append(("API calls, two scrapers at once", ours.both_calls, 2 * field.calls, ".0f"))
    if ours.calls_after_giving_up is not None:
        label = f"calls after a client left at {ours.gave_up_after:.1f} s"
        rows.append((label, ours.calls_after_giving_up, None, ".0f"))
    if ours.most_in_flight is not None:
        rows.append(("calls in flight at most", ours.most_in_flight, None, ".0f"))
    for name, mine, theirs, form in rows:
        other = "" if theirs is None else format(theirs, form)
        ratio = "" if theirs is None else f"{theirs / mine:.1f}" if mine else "none of ours"
        print(f"{name:<34}{mine:>12{form}}{other:>12}{ratio:>14}")
    if ours.missing:
        print(f"the first answer did not wait for: {', '.join(ours.missing)}")
    for endpoint, count in list(ours.by_endpoint.items())[:12]:
        print(f"    {count:>6}  {endpoint}")
    sys.stdout.flush()


def sizes(text: str) -> tuple[int, int, int]:
    """`200/300/5000`: hosts, projects, servers."""
    hosts, projects, servers = (int(part) for part in text.split("/"))
    return hosts, projects, servers


def real_cloud(name: str) -> dict[str, str]:
    """The caller's OS_* variables; `name` is an entry of clouds.yaml, "" for the variables alone."""
    kept = {k: v for k, v in os.environ.items() if k.startswith("OS_") or k == "HOME"}
    return {**kept, "OS_CLOUD": name} if name else kept


def run(options: argparse.Namespace) -> list[dict[str, Any]]:
    results = []

    def note(title: str, ours: Ours, field: Field) -> None:
        results.append({"cloud": title, "ours": asdict(ours), "field": asdict(field)})
        if options.output == "table":
            show(title, ours, field)

    if options.site:
        return scale.measured(options.exporter, options.output)
    if options.cloud is not None:
        environment = real_cloud(options.cloud)
        field = field_way(environment)
        note(options.cloud or "the cloud of OS_*", on_cloud(environment, options.exporter), field)
        return results
    for hosts, projects, servers in options.size or SIZES:
        with model(hosts, projects, servers, options.delay) as address:
            reset(address)
            field = field_way(environment_of(address))
            title = (
                f"{hosts} hosts, {projects} projects, {servers} servers, {options.delay * 1000:g} ms a call"
            )
            note(title, on_model(address, options.exporter), field)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=sizes, action="append", metavar="HOSTS/PROJECTS/SERVERS")
    parser.add_argument("--delay", type=float, default=DELAY, help="seconds that the model takes for a call")
    parser.add_argument(
        "--cloud", nargs="?", const="", help="a real cloud: of OS_*, or a name of clouds.yaml"
    )
    parser.add_argument(
        "--site", action="store_true", help=f"a lab of {scale.SERVERS} servers that are not run"
    )
    parser.add_argument("--output", choices=["table", "json"], default="table")
    parser.add_argument("exporter", nargs="*", help="further arguments of the exporter, after --")
    options = parser.parse_args()
    results = run(options)
    if options.output == "json":
        json.dump(results, sys.stdout, indent=1)
        print()


if __name__ == "__main__":
    main()

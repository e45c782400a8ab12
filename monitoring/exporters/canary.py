"""The canary exporter: every so often, on each hypervisor, it does what a user does, and says how that went.

A run boots a tiny server there, reaches it at a floating address, deletes it. A few runs at once; each has a
hard deadline. What a run that was killed left behind is removed before the next round.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from ipaddress import ip_network
from itertools import chain
from pathlib import Path

import click
from prometheus_client.core import HistogramMetricFamily, Metric

from infra.cloud import canary as cloud_side
from infra.cloud.canary import Leftover, Perch, Place
from infra.cloud.connection import Cloud, connect
from infra.cloud.credentials import Credentials
from infra.cloud.errors import CloudError, QuotaReached, Refused, WaitedTooLong, WentWrong
from infra.cloud.service import Patience
from infra.cloud.waiting import Deadline
from infra.domain.probe import SshProbe
from infra.errors import InfraError
from monitoring.exporters import listening, probe
from monitoring.exporters.probe_outcome import Target
from monitoring.exporters.reloading import reload_families
from monitoring.exporters.snapshot import counter, gauge
from monitoring.exporters.web_config import WebGuard, web_config_option

log = logging.getLogger(__name__)
TITLE = "City Cloud canary exporter"
STEPS = ("address", "boot", "reach", "delete")
BUCKETS = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)  # seconds
SETTLE_SECONDS = 600.0
RETRY_SECONDS = 60.0  # after a round that could not begin: the cloud may just be coming up
DELETE_SECONDS = 120.0  # of its own: a run that is out of time must still clean up
_CALL = Patience(attempts=1, call=30.0)


class NoAnswer(CloudError):
    """The canary is ACTIVE and does not show sshd's banner at its floating address."""

    code = "no_answer"


def reason_of(error: InfraError) -> str:
    """The word for why a step failed; `city_canary_failures_total` has no other."""
    match error:
        case NoAnswer():
            return "no_answer"
        case QuotaReached():
            return "quota"
        case Refused():
            return "refused"
        case WaitedTooLong():
            return "timeout"
        case WentWrong():
            return "no_valid_host" if "No valid host" in str(error) else "error"
    return "unavailable"


@dataclass
class Tally:
    """What was seen of one hypervisor. `last` is the last run's seconds by step, `times` those of all good
    steps; `ended` and `good_at` are seconds of the epoch, 0.0 for never.
    """

    up: bool = False
    runs: int = 0
    good: int = 0
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    last: dict[str, float] = field(default_factory=dict)
    times: dict[str, list[int]] = field(default_factory=lambda: {step: [0] * 11 for step in STEPS})
    sums: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STEPS, 0.0))
    ended: float = 0.0
    good_at: float = 0.0

    def step(self, step: str, seconds: float) -> None:
        """Count a good step."""
        self.times[step][next((n for n, edge in enumerate(BUCKETS) if seconds <= edge), len(BUCKETS))] += 1
        self.sums[step] += seconds


class Canary:
    """Rounds over all hypervisors, every `interval` seconds, `at_once` runs beside each other; a run may take
    `limit` seconds. `sources` are the networks (CIDRs) that the canaries let in.
    """

    def __init__(
        self, cloud: Cloud, watcher: str, sources: Sequence[str], interval: float, limit: float,
        *, at_once: int = 1, reach: Callable[[str, float], bool] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self.interval = interval
        self._at_once = at_once
        self._cloud = cloud
        self._watcher = watcher
        self._sources = sources
        self._limit = limit
        self._reach = reach or answers
        self._clock = clock
        self._lock = threading.Lock()
        self._tallies: dict[str, Tally] = {}
        self._skipped: dict[str, str] = {}
        self._left: Counter[str] = Counter()
        self._swept: Counter[str] = Counter()

    def work(self, stop: threading.Event) -> None:
        """Rounds until `stop`, the first when a site that is just being deployed has its cores back."""
        stop.wait(SETTLE_SECONDS)
        while not stop.is_set():
            began, pause = time.monotonic(), min(RETRY_SECONDS, self.interval)
            try:
                self.round(stop)
                pause = self.interval
            except InfraError as error:
                log.warning("no canary could be sent: %s", error)
            except Exception:  # the worker's outermost loop: it must outlive a bug
                log.exception("the round broke off")
            stop.wait(max(5.0, pause - (time.monotonic() - began)))

    def round(self, stop: threading.Event) -> None:
        """A run on each hypervisor that can have one. Raises CloudError when the cloud cannot be asked."""
        where = cloud_side.place(self._cloud, self._sources)
        self._sweep(where)
        found = cloud_side.perches(self._cloud)
        with self._lock:
            self._skipped = {one.hypervisor: one.skipped for one in found if one.skipped}
            known = {one.hypervisor for one in found}
            self._tallies = {name: tally for name, tally in self._tallies.items() if name in known}

        def run(perch: Perch) -> None:
            if not stop.is_set():
                self._run(where, perch)

        with ThreadPoolExecutor(self._at_once, thread_name_prefix="canary") as pool:
            for _ in pool.map(run, [one for one in found if not one.skipped]):
                pass

    def _run(self, where: Place, perch: Perch) -> None:
        tally = self._tallies.get(perch.hypervisor) or Tally()
        seconds: dict[str, float] = {}
        step = "address"
        failed = ""
        deadline = Deadline(self._limit)
        began = time.monotonic()

        def done(name: str) -> None:
            nonlocal began
            seconds[name], began = time.monotonic() - began, time.monotonic()

        try:
            address = cloud_side.take_address(self._cloud, where, perch, self._watcher)
            done("address")
            step = "boot"
            server = cloud_side.boot(self._cloud, where, perch, self._watcher, deadline)
            done("boot")
            step = "reach"
            cloud_side.attach_address(self._cloud, server, address)
            if not self._reach(address["floating_ip_address"], max(1.0, deadline.left)):
                raise NoAnswer(f"{address['floating_ip_address']} shows no SSH banner")
            done("reach")
        except InfraError as error:
            failed = reason_of(error)
            log.warning("canary on %s: %s: %s", perch.hypervisor, step, error)
        began = time.monotonic()
        try:
            made = cloud_side.leftovers(self._cloud, where, self._watcher, perch.hypervisor)
            self._removed(made)
            done("delete")
        except InfraError as error:
            log.warning("canary on %s: delete: %s", perch.hypervisor, error)
            self._tell_leftovers(where, perch)
            if not failed:
                step, failed = "delete", reason_of(error)
        self._note(perch.hypervisor, tally, seconds, step, failed)

    def _tell_leftovers(self, where: Place, perch: Perch) -> None:
        """Count what a run could not remove; the next round's sweep counts anew."""
        try:
            left = cloud_side.leftovers(self._cloud, where, self._watcher, perch.hypervisor)
        except InfraError:
            return  # nobody knows; the round after this one will
        with self._lock:
            self._left.update(one.kind for one in left)

    def _note(self, hypervisor: str, tally: Tally, seconds: dict[str, float], step: str, failed: str) -> None:
        with self._lock:
            tally.runs += 1
            tally.good += not failed
            tally.up = not failed
            tally.ended = self._clock()
            tally.good_at = tally.good_at if failed else tally.ended
            tally.last = seconds
            for name, taken in seconds.items():
                tally.step(name, taken)
            if failed:
                tally.failures[step, failed] += 1
            self._tallies[hypervisor] = tally

    def _sweep(self, where: Place) -> None:
        """Remove what earlier runs left. What cannot be removed is told, and keeps no other hypervisor's
        canary waiting.
        """
        found = cloud_side.leftovers(self._cloud, where, self._watcher)
        with self._lock:
            self._left = Counter(one.kind for one in found)
        try:
            self._removed(found)
        except InfraError as error:
            log.warning("what earlier runs left could not all be removed: %s", error)
        left = {one.id for one in cloud_side.leftovers(self._cloud, where, self._watcher)} if found else set()
        with self._lock:
            self._swept.update(one.kind for one in found if one.id not in left)
            self._left = Counter(one.kind for one in found if one.id in left)

    def _removed(self, things: Iterable[Leftover]) -> None:
        """Remove each of them, whatever becomes of the others; then raise the first error."""
        deadline = Deadline(DELETE_SECONDS)
        failed: list[InfraError] = []
        for thing in things:
            try:
                cloud_side.remove(self._cloud, thing, deadline)
            except InfraError as error:
                failed.append(error)
        if failed:
            raise failed[0]

    def families(self) -> Iterator[Metric]:
        """Every family of the exporter."""
        with self._lock:
            yield from _run_families(self._tallies)
            yield _histogram(self._tallies)
            skipped = gauge(
                "city_canary_skipped", "1 for a hypervisor on which no canary runs.", "hypervisor", "reason"
            )
            for name, reason in self._skipped.items():
                skipped.add_metric([name, reason], 1)
            interval = gauge("city_canary_interval_seconds", "Time from one run on a hypervisor to its next.")
            interval.add_metric([], self.interval)
            left = gauge(
                "city_canary_leftovers",
                "Things of earlier runs that are still there (nova, neutron).",
                "kind",
            )
            swept = counter(
                "city_canary_swept",
                "Things that a run that was killed had left behind, and that were removed.",
                "kind",
            )
            for kind in ("server", "floating_ip", "port"):
                left.add_metric([kind], self._left[kind])
                swept.add_metric([kind], self._swept[kind])
            yield from (skipped, interval, left, swept)


def _run_families(tallies: dict[str, Tally]) -> Iterator[Metric]:
    up = gauge("city_canary_up", "Whether the last run on the hypervisor was good.", "hypervisor")
    good = counter("city_canary_runs_good", "Runs in which every step was good.", "hypervisor")
    runs = counter("city_canary_runs", "Runs that ended, whichever way.", "hypervisor")
    failures = counter(
        "city_canary_failures", "Runs that failed, by the step that failed and why.",
        "hypervisor", "step", "reason",
    )  # fmt: skip
    last = gauge(
        "city_canary_last_step_seconds", "Time that the step took in the last run.", "hypervisor", "step"
    )
    ended = gauge("city_canary_last_run_timestamp_seconds", "When the last run ended.", "hypervisor")
    good_at = gauge(
        "city_canary_last_success_timestamp_seconds", "When the last good run ended, 0 for never.",
        "hypervisor",
    )  # fmt: skip
    for name, tally in tallies.items():
        up.add_metric([name], tally.up)
        good.add_metric([name], tally.good)
        runs.add_metric([name], tally.runs)
        ended.add_metric([name], tally.ended)
        good_at.add_metric([name], tally.good_at)
        for (step, reason), count in tally.failures.items():
            failures.add_metric([name, step, reason], count)
        for step, seconds in tally.last.items():
            last.add_metric([name, step], seconds)
    yield from (up, good, runs, failures, last, ended, good_at)


def _histogram(tallies: dict[str, Tally]) -> Metric:
    family = HistogramMetricFamily(
        "city_canary_step_duration_seconds", "Time that good steps took.", labels=("hypervisor", "step")
    )
    for name, tally in tallies.items():
        for step in STEPS:
            counts = tally.times[step]
            edges = [*map(str, BUCKETS), "+Inf"]
            sums = [(edge, float(sum(counts[: number + 1]))) for number, edge in enumerate(edges)]
            family.add_metric([name, step], sums, sum_value=tally.sums[step])
    return family


def answers(address: str, seconds: float) -> bool:
    """Whether sshd shows its banner at the address within so many seconds."""
    ends = time.monotonic() + seconds
    asked = SshProbe(name="ssh", timeout_seconds=5.0)
    while time.monotonic() < ends:
        if asyncio.run(probe.run(asked, Target(address))).good:
            return True
        time.sleep(1.0)
    return False


@click.command()
@click.option("--listen", default="127.0.0.1:9182", show_default=True, help="host:port to serve metrics on.")
@click.option(
    "--interval", default=900.0, show_default=True, type=click.FloatRange(min=10.0),
    help="Seconds from one run on a hypervisor to its next.",
)  # fmt: skip
@click.option(
    "--limit", default=300.0, show_default=True, type=click.FloatRange(min=10.0),
    help="Seconds that one run may take; deleting has two minutes of its own.",
)  # fmt: skip
@click.option(
    "--at-once", default=1, show_default=True, type=click.IntRange(1, 8),
    help="Runs beside each other, each on a hypervisor of its own.",
)  # fmt: skip
@click.option(
    "--watcher", default=socket.gethostname, show_default="host name",
    help="Name that marks what we make; two watchers of one cloud need two.",
)  # fmt: skip
@click.option(
    "--allow", "sources", multiple=True, required=True, metavar="CIDR",
    help="Network from which the canaries take SSH: where we come from. May be given several times.",
)  # fmt: skip
@web_config_option
def main(
    *, listen: str, interval: float, limit: float, at_once: int, watcher: str, sources: tuple[str, ...],
    web_config: Path | None,
) -> None:  # fmt: skip
    """Boot a tiny server on each hypervisor, reach it, delete it, and serve to Prometheus how that went.

    Credentials are the OS_* variables of the environment; the account must be allowed to choose the
    hypervisor (nova: admin). The servers stand in its own project.
    """
    try:
        host, port = listening.address(listen)
        networks = tuple(str(ip_network(source)) for source in sources)
        guard = WebGuard.of(web_config) if web_config else None
        cloud = connect(
            Credentials.from_environment(os.environ), user_agent="citycloud-canary-exporter", patience=_CALL
        )
    except (ValueError, InfraError) as error:
        raise click.UsageError(str(error)) from error
    canary = Canary(cloud, watcher, networks, interval, limit, at_once=at_once)
    stop = threading.Event()
    server = listening.serve(
        TITLE, listening.metrics(lambda _: chain(canary.families(), reload_families(None, guard))),
        host, port, guard=guard,
    )  # fmt: skip
    threading.Thread(target=canary.work, args=(stop,), name="canary", daemon=True).start()
    listening.run_until_stopped(server, stop)

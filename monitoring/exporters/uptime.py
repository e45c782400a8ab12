"""The uptime exporter: does each agency's server answer, since when, and do the cloud's APIs?"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from prometheus_client.core import CollectorRegistry, Metric

from infra.cloud.api_status import ApiStatus, ApiWatch
from infra.cloud.connection import Cloud, connect
from infra.cloud.credentials import Credentials
from infra.cloud.reading import CloudReading
from infra.cloud.server_status import ServerStatus, read_server_statuses
from infra.errors import InfraError
from monitoring.exporters import listening, workload
from monitoring.exporters.probe import Outcome, probe_ssh
from monitoring.exporters.snapshot import Collector, Exposition, counter, gauge, standing_families
from monitoring.exporters.workload import DOWN, NOT_EXPECTED, UP, Record, WorkloadWatch

_SERVER = ("agency", "project", "server", "server_id")


def families(
    servers: Collector[tuple[ServerStatus, ...]], apis: Collector[tuple[ApiStatus, ...]], watch: WorkloadWatch
) -> Iterator[Metric]:
    """Every family of the exporter. A collector that has read nothing yet shows none of its families."""
    if (statuses := servers.latest) is not None:
        yield from status_families(statuses)
        yield from probe_families(statuses, watch.records())
    if (answers := apis.latest) is not None:
        yield from api_families(answers)
    yield from standing_families((servers, apis, watch))


def status_families(statuses: Iterable[ServerStatus]) -> Iterator[Metric]:
    """What nova says of each server."""
    state = gauge(
        "city_workload_state",
        "1 for the state that the agency's server is in (nova servers).",
        *_SERVER,
        "state",
    )
    expected = gauge(
        "city_workload_expected",
        "Whether the server ought to answer: it is meant to run and has a floating IP (nova servers).",
        *_SERVER,
    )
    info = gauge(
        "city_workload_info",
        "1 for each server, with its address and hypervisor (nova servers).",
        *_SERVER,
        "address",
        "hypervisor",
    )
    for status in statuses:
        labels = _labels(status)
        state.add_metric([*labels, status.state], 1)
        expected.add_metric(labels, status.expected)
        info.add_metric([*labels, status.address, status.hypervisor], 1)
    yield from (state, expected, info)


def probe_families(statuses: Iterable[ServerStatus], records: Mapping[str, Record]) -> Iterator[Metric]:
    """What our probes saw. A server that nobody may expect to answer has no `up`: unknown is neither up nor
    down."""
    up = gauge(
        "city_workload_up",
        "Whether the server's last probe got an SSH banner (own probe of its floating IP).",
        *_SERVER,
    )
    since = gauge(
        "city_workload_since_timestamp_seconds",
        "When the server came to be up, down or not expected, as far as probes can tell.",
        *_SERVER,
        "condition",
    )
    reason = gauge(
        "city_workload_down_reason",
        "1 for why the server's last probe failed; absent when it did not.",
        *_SERVER,
        "reason",
    )
    duration = gauge(
        "city_workload_probe_duration_seconds", "Time that the server's last probe took.", *_SERVER
    )
    good = counter("city_workload_probes_good", "Probes of the server that got an SSH banner.", *_SERVER)
    total = counter(
        "city_workload_probes",
        "Probes of the server; none are made while it is not expected to answer.",
        *_SERVER,
    )
    for status in statuses:
        labels, record = _labels(status), records.get(status.id, Record())
        good.add_metric(labels, record.good)
        total.add_metric(labels, record.total)
        if record.condition:
            since.add_metric([*labels, record.condition], record.since)
        if record.condition in ("", NOT_EXPECTED):
            continue
        up.add_metric(labels, record.condition == UP)
        duration.add_metric(labels, record.seconds)
        if record.condition == DOWN:
            reason.add_metric([*labels, record.reason], 1)
    yield from (up, since, reason, duration, good, total)


def api_families(answers: Iterable[ApiStatus]) -> Iterator[Metric]:
    """Whether each API of the catalog answers."""
    up = gauge(
        "city_api_up",
        "Whether the API answers at its public address with a status under 500 (own probe).",
        "service",
    )
    duration = gauge(
        "city_api_probe_duration_seconds", "Time until the API answered or failed to.", "service"
    )
    for answer in answers:
        up.add_metric([answer.service], answer.up)
        duration.add_metric([answer.service], answer.seconds)
    yield from (up, duration)


def _labels(status: ServerStatus) -> list[str]:
    return [status.project.agency, status.project.name, status.name, status.id]


def server_collector(cloud: Cloud, interval: float) -> Collector[tuple[ServerStatus, ...]]:
    """Lists the agencies' servers; a lap may take as long as its interval, and ten seconds in any case."""
    return Collector(
        "servers", lambda: read_server_statuses(CloudReading(cloud, max(10.0, interval))), interval
    )


@click.command()
@click.option("--listen", default="127.0.0.1:9181", show_default=True, help="host:port to serve metrics on.")
@click.option(
    "--server-interval",
    default=30.0,
    show_default=True,
    help="Seconds from one list of the agencies' servers to the next.",
)
@click.option(
    "--api-interval", default=15.0, show_default=True, help="Seconds from one probe of the APIs to the next."
)
@click.option(
    "--probe-interval",
    default=15.0,
    show_default=True,
    help="Seconds from one probe of a server to its next.",
)
@click.option(
    "--probe-timeout",
    default=5.0,
    show_default=True,
    help="Seconds that a server may take to show its SSH banner.",
)
@click.option("--probe-port", default=22, show_default=True, help="Port of the servers' SSH.")
@click.option(
    "--state-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to keep since when servers are up, over restarts.",
)
def main(
    listen: str, probe_port: int, probe_timeout: float, state_file: Path | None, **intervals: Any
) -> None:
    """Serve whether the agencies' servers and the cloud's APIs answer to Prometheus.

    Credentials are the OS_* variables of the environment. Servers that are known go on being probed when the
    cloud's APIs are down.
    """
    try:
        host, port = listening.address(listen)
        cloud = connect(Credentials.from_environment(os.environ), user_agent="citycloud-uptime-exporter")
    except (ValueError, InfraError) as error:
        raise click.UsageError(str(error)) from error
    servers = server_collector(cloud, intervals["server_interval"])
    apis = Collector("apis", ApiWatch(cloud).read, intervals["api_interval"])

    async def probe(address: str) -> Outcome:
        return await probe_ssh(address, probe_port, probe_timeout)

    watch = WorkloadWatch(lambda: servers.latest or (), probe, intervals["probe_interval"], memory=state_file)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Exposition(lambda: families(servers, apis, watch)))
    stop = threading.Event()
    server = listening.serve("City Cloud uptime exporter", registry, host, port)
    for collector in (servers, apis):
        collector.start(stop)
    workload.start(watch, stop)
    listening.run_until_stopped(server, stop)

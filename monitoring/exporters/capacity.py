"""The capacity exporter: what the cloud offers and uses, what still fits, what projects may hold and do hold,
and how the cloud's agents do.

A scrape asks the snapshot (`monitoring.exporters.snapshot`) and renders what is known then. A collector that
has read nothing yet shows none of its families; one that failed shows its last good facts, and says so.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
from prometheus_client.core import Metric

from infra.cloud.connection import Cloud
from infra.cloud.credentials import Credentials
from infra.cloud.reading import WORKERS, Calls, keep_connections
from infra.cloud.usage import network_usage, server_usage, volume_usage
from infra.errors import InfraError
from monitoring.exporters import listening
from monitoring.exporters.capacity_agents import agent_families, service_families
from monitoring.exporters.capacity_collectors import (
    INTERVALS,
    SLOW_WORKERS,
    Collectors,
    collectors_of,
    latest,
)
from monitoring.exporters.capacity_drift import drift_families
from monitoring.exporters.capacity_flavors import flavor_families
from monitoring.exporters.capacity_groups import committed_families, group_families
from monitoring.exporters.capacity_hypervisors import hypervisor_families, server_families
from monitoring.exporters.capacity_network import (
    floating_ip_families,
    pool_address_families,
    subnet_families,
)
from monitoring.exporters.capacity_quotas import (
    limit_families,
    project_families,
    status_families,
    usage_families,
)
from monitoring.exporters.capacity_storage import image_families, pool_families, volume_families
from monitoring.exporters.listening import ClientGone, Request
from monitoring.exporters.snapshot import Snapshot, counter, gauge, standing_families
from monitoring.exporters.web_config import WebGuard, web_config_option

F = TypeVar("F", bound=Callable[..., Any])
TITLE = "City Cloud capacity exporter"


class CapacityExporter:
    """One cloud's exporter: `metrics` is what /metrics and /probe ask. `per_server` adds a series for each
    server."""

    def __init__(self, collectors: Collectors, *, per_server: bool = False) -> None:
        self.collectors = collectors
        self._per_server = per_server
        self._snapshot = Snapshot(collectors.all)
        self._rendering = 0.0

    def ask(self, request: Request) -> None:
        """Have facts as fresh as the request's deadline allows, less what the last answer took to be put
        together; raises ClientGone when nobody waits."""
        seconds = max(request.seconds - self._rendering, request.seconds / 2)
        if not self._snapshot.ask(seconds, request.gone):
            raise ClientGone

    def metrics(self, request: Request) -> Iterator[Metric]:
        """Every family, of facts as fresh as the request's deadline allows."""
        self.ask(request)
        began = time.monotonic()
        yield from families(self.collectors, per_server=self._per_server)
        self._rendering = time.monotonic() - began  # each family was written before the next was asked for


def families(collectors: Collectors, *, per_server: bool = False) -> Iterator[Metric]:
    """Every family of what is known now."""
    yield from _compute_families(collectors)
    yield from _project_families(collectors, per_server=per_server)
    yield from _other_families(collectors)
    yield from _call_families(collectors.calls)
    yield _whole_family(collectors)
    yield from standing_families(collectors.all)


def _compute_families(collectors: Collectors) -> Iterator[Metric]:
    services = latest(collectors.services)
    if services is not None:
        yield from service_families(services.services)
    told = [
        services.agents if services else None, latest(collectors.volume_agents),
        latest(collectors.network_agents),
    ]  # fmt: skip
    if any(agents is not None for agents in told):
        yield from agent_families(agent for agents in told for agent in agents or ())
    capacity, outlook = latest(collectors.capacity), collectors.outlook()
    if capacity is not None and outlook is not None:
        yield from hypervisor_families(capacity, outlook)
        yield from server_families(outlook)
        yield from group_families(capacity, outlook.zones)
        yield from flavor_families(capacity, outlook)
    if (drift := latest(collectors.drift)) is not None:
        yield from drift_families(drift)


def _project_families(collectors: Collectors, *, per_server: bool) -> Iterator[Metric]:
    if (limits := latest(collectors.quotas)) is not None:
        yield from limit_families(limits)
        yield from committed_families(limits.projects)
    if (projects := latest(collectors.projects)) is None:
        return
    yield from project_families(projects.projects)
    used: dict[str, Mapping[str, int]] = {}
    if (servers := latest(collectors.servers)) is not None:
        used |= server_usage(servers.servers)
        yield from status_families(projects.projects, servers.servers, per_server=per_server)
    if (volumes := latest(collectors.volumes)) is not None:
        used |= volume_usage(volumes)
    if (network := latest(collectors.network)) is not None:
        used |= network_usage(network)
    if used:
        yield from usage_families(projects.projects, used)


def _other_families(collectors: Collectors) -> Iterator[Metric]:
    if (volumes := latest(collectors.volumes)) is not None:
        yield from volume_families(volumes)
    if (pools := latest(collectors.pools)) is not None:
        yield from pool_families(pools)
    if (images := latest(collectors.images)) is not None:
        yield from image_families(images)
    network, subnets = latest(collectors.network), latest(collectors.addresses)
    if network is not None:
        yield from floating_ip_families(network.external)
    if subnets is not None and network is not None:
        projects = latest(collectors.projects)
        yield from subnet_families(subnets, network.external, projects.projects if projects else ())
        yield from pool_address_families(subnets, network.external)


def _call_families(calls: Calls) -> Iterator[Metric]:
    counted = counter(
        "city_exporter_calls", "Calls to the cloud by HTTP status; code 0: no answer.", "service", "code"
    )
    seconds = counter("city_exporter_call_duration_seconds", "Time that calls to the cloud took.", "service")
    for (service, status), count in sorted(calls.counted().items()):
        counted.add_metric([service, str(status)], count)
    for service, total in sorted(calls.seconds().items()):
        seconds.add_metric([service], total)
    yield from (counted, seconds)


def _whole_family(collectors: Collectors) -> Metric:
    whole = gauge(
        "city_exporter_whole_cloud",
        "Whether the collector saw all projects; 0: the credential shows its own only.",
        "collector",
    )
    for name, known in (
        ("servers", latest(collectors.servers)), ("projects", latest(collectors.projects)),
    ):  # fmt: skip
        if known is not None:
            whole.add_metric([name], known.whole)
    return whole


def exporter_of(
    cloud: Cloud, intervals: Mapping[str, float], without: Iterable[str] = (), *, per_server: bool = False
) -> CapacityExporter:
    """The exporter of a cloud. Loads openstacksdk, which takes a second, so that no scrape has to wait for
    it; sends nothing."""
    keep_connections(cloud, WORKERS + SLOW_WORKERS)
    return CapacityExporter(collectors_of(cloud, intervals, without), per_server=per_server)


def given_intervals(texts: Iterable[str]) -> dict[str, float]:
    """`NAME=SECONDS` of --interval; raises ValueError."""
    found = {}
    for text in texts:
        name, equals, seconds = text.partition("=")
        if name not in INTERVALS or not equals:
            raise ValueError(f"--interval {text}: write NAME=SECONDS, NAME one of {', '.join(INTERVALS)}")
        try:
            found[name] = float(seconds)
        except ValueError:
            raise ValueError(f"--interval {text}: {seconds!r} is not a number of seconds") from None
        if not 0 < found[name] < float("inf"):
            raise ValueError(f"--interval {text}: an interval is more than 0 seconds")
    return found


def _interval_option(name: str, text: str, key: str) -> Callable[[F], F]:
    told = f"{text}  [default: {INTERVALS[key]:g}]"
    return click.option(f"--{name}-interval", type=float, help=told)


def _file_option(name: str, target: str, text: str) -> Callable[[F], F]:
    return click.option(name, target, type=click.Path(path_type=Path, dir_okay=False), help=text)


@click.command()
@click.option("--listen", default="127.0.0.1:9180", show_default=True, help="host:port to serve metrics on.")
@_interval_option("service", "Seconds that nova's services may be old.", "services")
@_interval_option("capacity", "Seconds that inventories and usages may be old.", "capacity")
@_interval_option("quota", "Seconds that the projects' quotas may be old.", "quotas")
@click.option("--interval", multiple=True, metavar="NAME=SECONDS", help="The same for any collector.")
@click.option(
    "--without", multiple=True, type=click.Choice(list(INTERVALS)), help="A collector to leave out."
)
@click.option("--per-server", is_flag=True, help="Add a series for each server: as many as there are.")
@click.option(
    "--compat",
    multiple=True,
    type=click.Choice(["openstack-exporter"]),
    help="Serve the same facts by these names too, at /compat/NAME.",
)
@_file_option("--config", "config", "Configuration file; SIGHUP reads it again.")
@web_config_option
@click.option("--check", is_flag=True, help="Check the files and end; 2 says that they cannot be used.")
def main(  # noqa: PLR0917  (click names them)
    listen: str, interval: tuple[str, ...], without: tuple[str, ...], per_server: bool,
    compat: tuple[str, ...], config: Path | None, web_config: Path | None, check: bool, **named: float | None,
) -> None:  # fmt: skip
    """Serve the cloud's capacity and the projects' quotas to Prometheus.

    Credentials are the OS_* variables of the environment, or clouds.yaml: other clouds of it are at
    /probe?cloud=NAME. The cloud need not be up: facts are shown when they come.
    """
    from monitoring.exporters import capacity_service

    given = {
        "services": named["service_interval"],
        "capacity": named["capacity_interval"],
        "quotas": named["quota_interval"],
    }
    try:
        address = listening.address(listen)
        intervals = {name: seconds for name, seconds in given.items() if seconds is not None}
        intervals |= given_intervals(interval)
        credentials = Credentials.from_environment(os.environ)
        if check:
            capacity_service.check(config, web_config, credentials.config_file)
            return
        web = WebGuard.of(web_config) if web_config else None
        service = capacity_service.CapacityService(
            credentials, config,
            lambda found: found.overridden(intervals, without, compat, per_server=per_server), web,
        )  # fmt: skip
    except (ValueError, InfraError) as error:
        raise click.UsageError(str(error)) from error
    capacity_service.run(TITLE, address, service, web)

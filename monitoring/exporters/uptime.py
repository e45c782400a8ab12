"""The uptime exporter: does each agency's server answer, since when, and do the cloud's APIs?"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import click
from prometheus_client.core import Metric

from infra.cloud.api_status import ApiStatus, ApiWatch
from infra.cloud.connection import Cloud, connect
from infra.cloud.credentials import Credentials
from infra.cloud.reading import CloudReading
from infra.cloud.server_status import ServerStatus, read_server_statuses
from infra.cloud.stop import Stops
from infra.domain.catalog import Catalog
from infra.errors import InfraError
from infra.inventory.catalog import load_catalog
from monitoring.exporters import discovery, listening, workload
from monitoring.exporters import probe as probes
from monitoring.exporters import uptime_families as of
from monitoring.exporters.reloading import CATALOG, Reload, reload_families
from monitoring.exporters.snapshot import Collector, standing_families, standing_rows
from monitoring.exporters.web_config import WebGuard, web_config_option
from monitoring.exporters.workload import WorkloadWatch

log = logging.getLogger(__name__)
TITLE = "City Cloud uptime exporter"


@dataclass(frozen=True)
class Uptime:
    """The parts of the exporter."""

    servers: Collector[tuple[ServerStatus, ...]]
    apis: Collector[tuple[ApiStatus, ...]]
    watch: WorkloadWatch

    def families(self) -> Iterator[Metric]:
        """Every family of the exporter. A collector that has read nothing yet shows none of its families."""
        catalog = self.watch.catalog
        if (statuses := self.servers.latest) is not None:
            records = self.watch.records()
            yield from of.status_families(statuses, records, catalog)
            yield from of.condition_families(statuses, records)
            yield from of.probe_families(statuses, records, catalog)
        if (answers := self.apis.latest) is not None:
            yield from of.api_families(answers)
        yield from of.fairness_families(self.watch.lateness(), self.watch.impossible())
        yield from of.catalog_families(catalog)
        targets = discovery.metrics_targets(statuses or (), catalog)
        yield from of.discovery_families(len(targets), self.servers.standing.last_success)
        yield from standing_families((self.servers, self.apis, self.watch))

    def paths(self) -> dict[str, listening.Handler]:
        """The lists for Prometheus' discovery."""
        servers, catalog = (lambda: self.servers.latest), (lambda: self.watch.catalog)
        return {
            "/sd/workloads": discovery.handler(servers, discovery.metrics_targets, catalog),
            "/sd/endpoints": discovery.handler(servers, discovery.probed_targets, catalog),
        }


def server_collector(cloud: Cloud, interval: float) -> Collector[tuple[ServerStatus, ...]]:
    """Lists the agencies' servers; a lap may take as long as its interval, and ten seconds in any case."""
    stops = Stops()
    return Collector(
        "servers", lambda: read_server_statuses(CloudReading(cloud, max(10.0, interval)), stops), interval
    )


class CatalogFile:
    """The catalog as a file that was read once already; with None there is none."""

    def __init__(self, watch: WorkloadWatch, file: Path | None) -> None:
        self._watch = watch
        self._file = file
        self.reloaded = Reload(at=time.time()) if file else None

    def reload(self) -> None:
        """What SIGHUP does: read it again. One that cannot be used changes nothing, and is told of."""
        if self._file is None or self.reloaded is None:
            return
        try:
            self._watch.use(load_catalog(self._file))
        except InfraError as error:
            self.reloaded = replace(self.reloaded, success=False)
            log.warning("the catalog in force stays: %s", error)
        else:
            self.reloaded = Reload(at=time.time())
            log.warning("%s was read again", self._file)


def _seconds(name: str, default: float, text: str) -> Callable[[Any], Any]:
    return click.option(
        f"--{name}",
        default=default,
        show_default=True,
        type=click.FloatRange(min=0, min_open=True),
        help=text,
    )


@click.command()
@click.option("--listen", default="127.0.0.1:9181", show_default=True, help="host:port to serve metrics on.")
@_seconds("server-interval", 30.0, "Seconds from one list of the agencies' servers to the next.")
@_seconds("api-interval", 15.0, "Seconds from one probe of the APIs to the next.")
@_seconds("probe-interval", 15.0, "Seconds from one probe to its next, where the catalog names none.")
@_seconds("boot-seconds", 180.0, "Seconds that a server that starts may take until its first good probe.")
@click.option(
    "--catalog",
    "catalog_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="catalog.yaml of the site; without it every server is a plain one. SIGHUP reads it again.",
)
@click.option(
    "--state-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to keep what was counted and since when servers are up, over restarts.",
)
@web_config_option
@click.option("--check", is_flag=True, help="Check the catalog and end; 2 says that it cannot be used.")
def main(
    listen: str,
    catalog_file: Path | None,
    state_file: Path | None,
    web_config: Path | None,
    check: bool,
    **seconds: float,
) -> None:
    """Serve whether the agencies' servers and the cloud's APIs answer to Prometheus, and which there are to
    its discovery.

    Credentials are the OS_* variables of the environment. Servers that are known go on being probed when the
    cloud's APIs are down.
    """
    try:
        catalog = load_catalog(catalog_file) if catalog_file is not None else Catalog()
        guard = WebGuard.of(web_config) if web_config else None
        if check:
            return
        host, port = listening.address(listen)
        cloud = connect(Credentials.from_environment(os.environ), user_agent="citycloud-uptime-exporter")
    except (ValueError, InfraError) as error:
        raise click.UsageError(str(error)) from error
    servers = server_collector(cloud, seconds["server_interval"])
    watch = WorkloadWatch(
        lambda: servers.latest, probes.run, seconds["probe_interval"], catalog=catalog, memory=state_file,
        boot_seconds=seconds["boot_seconds"],
    )  # fmt: skip
    uptime = Uptime(servers, Collector("apis", ApiWatch(cloud).read, seconds["api_interval"]), watch)
    file = CatalogFile(watch, catalog_file)
    stop = threading.Event()
    server = listening.serve(
        TITLE,
        listening.metrics(lambda _: chain(uptime.families(), reload_families(file.reloaded, guard, CATALOG))),
        host, port, uptime.paths(),
        rows=lambda: standing_rows((uptime.servers, uptime.apis, uptime.watch)), guard=guard,
    )  # fmt: skip
    for collector in (uptime.servers, uptime.apis):
        collector.start(stop)
    thread = workload.start(watch, stop)
    listening.run_until_stopped(server, stop, file.reload)
    thread.join(timeout=5.0)  # what was counted is written down

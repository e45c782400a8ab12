"""The capacity exporter as it is served: its own cloud, clouds that are probed, other names for the same
facts, and settings that SIGHUP reads again.

Bad settings at the start are an error. On reload they change nothing, and a metric and the log say so.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from prometheus_client.core import Metric

from infra.cloud import clouds_file
from infra.cloud.connection import Cloud, connect
from infra.cloud.credentials import Credentials
from infra.cloud.errors import CredentialsMissing
from infra.errors import InfraError
from monitoring.exporters import compat, listening, settings
from monitoring.exporters.capacity_collectors import INTERVALS
from monitoring.exporters.clouds import Clouds
from monitoring.exporters.listening import Handler, Request, Response
from monitoring.exporters.reloading import Reload, reload_families
from monitoring.exporters.settings import Settings
from monitoring.exporters.web_config import WebGuard
from monitoring.exporters.web_config import load as load_web_config

log = logging.getLogger(__name__)
USER_AGENT = "citycloud-capacity-exporter"


class ShownCloud:
    """A cloud with its collectors, by either name of its facts."""

    def __init__(self, cloud: Cloud, chosen: Settings) -> None:
        from monitoring.exporters.capacity import exporter_of

        self._cloud = cloud
        self._chosen = chosen
        self._exporter = exporter_of(cloud, chosen.intervals, chosen.without, per_server=chosen.per_server)

    def metrics(self, request: Request) -> Iterator[Metric]:
        return self._exporter.metrics(request)

    def compat(self, request: Request) -> Iterable[Metric]:
        self._exporter.ask(request)
        return compat.families(self._exporter.collectors, per_server=self._chosen.per_server)

    @property
    def rows(self) -> Iterable[tuple[str, str]]:
        from monitoring.exporters.snapshot import standing_rows

        return standing_rows(self._exporter.collectors.all)

    def takes(self, chosen: Settings) -> ShownCloud:
        """This cloud by new settings. Facts that are known stay, unless other collectors are wanted."""
        if chosen.without != self._chosen.without or chosen.per_server != self._chosen.per_server:
            return ShownCloud(self._cloud, chosen)
        for collector in self._exporter.collectors.all:
            collector.interval = chosen.intervals.get(collector.name, INTERVALS[collector.name])
        self._chosen = chosen
        return self

    def close(self) -> None:
        with contextlib.suppress(Exception):  # a session that cannot be closed is let go all the same
            self._cloud.sdk.session.session.close()


class CapacityService:
    """`credentials` are the environment's, `config` the configuration file (None: there is none), `override`
    what the command line says over it. Raises an InfraError for what cannot be begun with.
    """

    def __init__(
        self, credentials: Credentials, config: Path | None, override: Callable[[Settings], Settings],
        web: WebGuard | None = None,
    ) -> None:  # fmt: skip
        self._credentials = credentials
        self._config = config
        self._override = override
        self._web = web
        self._lock = threading.Lock()
        self.settings = self._read()
        self.reloaded = Reload(at=time.time())
        self.own = self._own_cloud()
        self.clouds = Clouds(self._names, self._connect, self.settings.idle_seconds)

    def reload(self) -> None:
        """Read the configuration again (SIGHUP). What was in force stays when it cannot be used."""
        with self._lock:
            try:
                chosen = self._read()
                own = self.own.takes(chosen) if self.own else None
            except InfraError as error:
                self.reloaded = replace(self.reloaded, success=False)
                log.warning("the configuration was not read again: %s; what was in force stays", error)
                return
            self.settings, self.own = chosen, own
            self.clouds.idle_seconds = chosen.idle_seconds
            self.clouds.forget()
            self.reloaded = Reload(at=time.time())
            log.warning("the configuration was read again")

    def metrics(self, request: Request) -> Iterable[Metric]:
        """Our own cloud and how the configuration does."""
        if self.own:
            yield from self.own.metrics(request)
        yield from reload_families(self.reloaded, self._web)

    def paths(self) -> Mapping[str, Handler]:
        """What is served beside /metrics."""
        return {"/probe": self._probe, compat.PATH: self._compat}

    def rows(self) -> Iterator[tuple[str, str]]:
        """For the landing page."""
        yield from self.own.rows if self.own else ()
        yield "clouds that can be probed", ", ".join(self._names()) or "none: there is no clouds.yaml"
        yield "configuration", "in force" if self.reloaded.success else "the last reading failed; see the log"

    def _probe(self, request: Request) -> Response:
        views = dict.fromkeys(self.settings.compat, "compat")
        return self.clouds.probe(views)(request)

    def _compat(self, request: Request) -> Response:
        if compat.NAME not in self.settings.compat:
            return Response(404, f"not served; start the exporter with --compat {compat.NAME}\n".encode())
        if self.own is None:
            return Response(404, b"no cloud of our own; ask /probe?cloud=NAME&compat=openstack-exporter\n")
        return listening.metrics(self.own.compat)(request)

    def _names(self) -> tuple[str, ...]:
        """Clouds that may be probed now."""
        there = clouds_file.names(self._credentials.config_file)
        allowed = self.settings.clouds
        return tuple(name for name in there if allowed is None or name in allowed)

    def _connect(self, name: str) -> ShownCloud:
        """By clouds.yaml alone: nothing of our environment's credentials goes to another cloud."""
        given = self._credentials
        only = Credentials(cloud=name, config_file=given.config_file, secure_file=given.secure_file)
        return ShownCloud(connect(only, user_agent=USER_AGENT), self.settings)

    def _own_cloud(self) -> ShownCloud | None:
        """The cloud of the environment; the one of clouds.yaml where that has just one; else none."""
        try:
            self._credentials.check()
        except CredentialsMissing:
            names = self._names()
            if not names:
                raise
            return self._connect(names[0]) if len(names) == 1 else None
        return ShownCloud(connect(self._credentials, user_agent=USER_AGENT), self.settings)

    def _read(self) -> Settings:
        if self._config is None:
            return self._override(Settings())
        there = clouds_file.names(self._credentials.config_file)
        return self._override(settings.load(self._config, INTERVALS.keys(), there))


def check(config: Path | None, web: Path | None, config_file: str) -> None:
    """Raise ConfigurationInvalid for what could not be begun with; nothing is sent."""
    if config is not None:
        settings.load(config, INTERVALS.keys(), clouds_file.names(config_file))
    if web is not None:
        load_web_config(web)


def run(title: str, address: tuple[str, int], service: CapacityService, web: WebGuard | None) -> None:
    """Serve until SIGTERM; SIGHUP reads the configuration again."""
    server = listening.serve(
        title, listening.metrics(service.metrics), *address, service.paths(), rows=service.rows,
        guard=web,
    )  # fmt: skip
    stop = threading.Event()
    service.clouds.start(stop)
    listening.run_until_stopped(server, stop, service.reload)

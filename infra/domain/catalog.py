"""Catalog: what agencies can ask for, and what the city promises of it."""

from __future__ import annotations

from dataclasses import dataclass

from infra.domain.parameter import Parameter
from infra.domain.price import NO_PRICES, PriceList
from infra.domain.probe import Probe, SshProbe
from infra.domain.quota import NO_QUOTA, Quota

DEFAULT_ITEM = "plain-server"
"""What a server is whose inventory names no item."""
ITEM_KEY = "citycloud_item"
"""The key of a server's metadata that holds the name of its item; absent for the default."""


@dataclass(frozen=True)
class ServiceObjective:
    """The share (`ratio`, 0 to 1) of the time in which it is expected that a workload is up, over
    `window_days`.
    """

    ratio: float
    window_days: int


@dataclass(frozen=True)
class MetricsEndpoint:
    """Where a workload itself serves Prometheus metrics, such as a node exporter in the guest."""

    name: str
    port: int
    path: str = "/metrics"


@dataclass(frozen=True)
class CatalogItem:
    """Something that a site knows. `kind` is server or network; only servers are probed. What has a
    `blueprint`, a name and version such as web-server/1, can be asked for in the portal: by `parameters`, up
    to `max_count` of it in one request, to live for `days` (0: without an end). `takes` is what one takes
    from the quota beside what its parameters add. A request for it is decided on as
    for a system of at least `security_level`, 1 to 5.
    """

    name: str
    kind: str
    name_vi: str
    name_en: str
    probes: tuple[Probe, ...] = ()
    slo: ServiceObjective | None = None
    metrics: tuple[MetricsEndpoint, ...] = ()
    blueprint: str = ""
    summary_vi: str = ""
    summary_en: str = ""
    parameters: tuple[Parameter, ...] = ()
    takes: Quota = NO_QUOTA
    max_count: int = 5
    days: int = 365
    security_level: int = 1


_PLAIN = CatalogItem(DEFAULT_ITEM, "server", "Máy chủ ảo", "Plain server", (SshProbe(name="ssh"),))


@dataclass(frozen=True)
class Catalog:
    """The items of a site; where the inventory has no catalog there are only plain servers."""

    items: tuple[CatalogItem, ...] = (_PLAIN,)
    prices: PriceList = NO_PRICES

    def server_item(self, name: str) -> CatalogItem:
        """The item of a server that says it is a `name`. What a server says of itself its agency can
        change, so a name that is no server's counts as the default.
        """
        servers = {item.name: item for item in self.items if item.kind == "server"}
        return servers.get(name) or servers.get(DEFAULT_ITEM, _PLAIN)

    @property
    def requestable(self) -> tuple[CatalogItem, ...]:
        """What can be asked for in the portal."""
        return tuple(item for item in self.items if item.blueprint)

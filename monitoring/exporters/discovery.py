"""Discovery: which targets there are, in the form of Prometheus' http_sd, from what the cloud really has.

Two lists: the metrics endpoints that catalog items declare, for Prometheus to scrape, and every endpoint
that is probed, for other watchers. A server that does not run is in neither, so that its targets leave
before they fail.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from infra.cloud.server_status import ServerStatus
from infra.domain.catalog import Catalog, CatalogItem
from infra.domain.probe import DnsProbe, HttpProbe, IcmpProbe, Probe
from monitoring.exporters.listening import Handler, Request, Response

Groups = list[dict[str, Any]]
_JSON = "application/json"


def metrics_targets(servers: Iterable[ServerStatus], catalog: Catalog) -> Groups:
    """Each metrics endpoint of each server that runs, with labels of its own."""
    return [
        {
            "targets": [_joined(server.address, endpoint.port)],
            "labels": {
                **_labels(server, item),
                "endpoint": endpoint.name,
                "__metrics_path__": endpoint.path,
            },
        }
        for server, item in _running(servers, catalog)
        for endpoint in item.metrics
    ]


def probed_targets(servers: Iterable[ServerStatus], catalog: Catalog) -> Groups:
    """Each endpoint that is probed; ICMP has an address and no port."""
    return [
        {
            "targets": [_endpoint(server.address, probe)],
            "labels": {**_labels(server, item), "probe": probe.name, "kind": _kind(probe)},
        }
        for server, item in _running(servers, catalog)
        for probe in item.probes
    ]


def handler(servers: Callable[[], Iterable[ServerStatus] | None], groups: Callable[..., Groups],
            catalog: Callable[[], Catalog]) -> Handler:  # fmt: skip
    """Serves a list. Before the first reading it is 503: Prometheus then keeps the targets that it has, and
    an empty list would drop them all.
    """

    def answer(request: Request) -> Response:
        known = servers()
        if known is None:
            return Response(503, b"the cloud's servers have not been read yet\n")
        return Response(200, json.dumps(groups(known, catalog())).encode(), _JSON)

    return answer


def _running(servers: Iterable[ServerStatus], catalog: Catalog) -> Iterable[tuple[ServerStatus, CatalogItem]]:
    for server in sorted(servers, key=lambda one: one.id):
        if server.running and server.address:
            yield server, catalog.server_item(server.item)


def _labels(server: ServerStatus, item: CatalogItem) -> dict[str, str]:
    return {
        "agency": server.project.agency,
        "project": server.project.name,
        "server": server.name,
        "server_id": server.id,
        "item": item.name,
        "hypervisor": server.hypervisor,
    }


def _endpoint(address: str, probe: Probe) -> str:
    if isinstance(probe, IcmpProbe):
        return address
    return _joined((probe.resolver if isinstance(probe, DnsProbe) else "") or address, probe.port)


def _kind(probe: Probe) -> str:
    return "https" if isinstance(probe, HttpProbe) and probe.tls else probe.kind


def _joined(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"

"""The same facts read as the exporters in the field do: the yardstick.

usage: incumbent.py

Logs in by the OS_* variables and prints wall seconds, calls and peak memory as JSON. Kinds are read side by
side, each of them one call after the other, with nothing kept between scrapes: three calls for each resource
provider (inventories, usages, allocations), two for each project (compute limits, compute quotas), and the
lists of everything else. Nothing is rendered, no limit of the scrape is heeded: both are in its favour.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openstack

VERSIONS = {"compute": "2.87", "placement": "1.39", "block-storage": "3.67"}
PREFIXES = {"network": "/v2.0", "image": "/v2"}
LISTS: dict[str, tuple[tuple[str, str], ...]] = {
    "compute": (
        ("/os-services", "services"), ("/os-hypervisors/detail?limit=1000", "hypervisors"),
        ("/os-aggregates", "aggregates"), ("/flavors/detail?is_public=None", "flavors"),
        ("/os-availability-zone", "availabilityZoneInfo"), ("/servers/detail?all_tenants=true", "servers"),
    ),
    "network": (
        ("/agents", "agents"), ("/networks", "networks"), ("/subnets", "subnets"), ("/ports", "ports"),
        ("/routers", "routers"), ("/floatingips", "floatingips"), ("/security-groups", "security_groups"),
        ("/network-ip-availabilities", "network_ip_availabilities"),
    ),
    "block-storage": (
        ("/volumes/detail?all_tenants=true", "volumes"), ("/snapshots/detail?all_tenants=true", "snapshots"),
        ("/os-services", "services"), ("/scheduler-stats/get_pools?detail=true", "pools"),
    ),
    "image": (("/images", "images"),),
    "identity": (
        ("/domains", "domains"), ("/projects", "projects"), ("/users", "users"), ("/groups", "groups"),
        ("/regions", "regions"),
    ),
}  # fmt: skip


class Reader:
    """One kind's calls, one after the other, with a token of their own."""

    def __init__(self, service: str) -> None:
        self._session = openstack.connect().session
        self._service = service
        root = str(self._session.get_endpoint(service_type=service)).rstrip("/")
        prefix = PREFIXES.get(service, "")
        self._root = root if not prefix or root.endswith(prefix) else root + prefix
        self.calls = 0

    def get(self, path: str) -> Any:
        self.calls += 1
        url = path if "://" in path else self._root + path
        return self._session.get(
            url, microversion=VERSIONS.get(self._service), endpoint_filter={"service_type": self._service}
        ).json()

    def items(self, path: str, plural: str) -> Iterator[dict[str, Any]]:
        while path:
            body = self.get(path)
            yield from body[plural]
            links = [link["href"] for link in body.get(f"{plural}_links", []) if link["rel"] == "next"]
            path = links[0] if links else str(body.get("next") or "").removeprefix("/v2")


def lists(service: str) -> int:
    reader = Reader(service)
    for path, plural in LISTS[service]:
        for _ in reader.items(path, plural):
            pass
    return reader.calls


def placement() -> int:
    reader = Reader("placement")
    for provider in reader.get("/resource_providers")["resource_providers"]:
        for what in ("inventories", "usages", "allocations"):
            reader.get(f"/resource_providers/{provider['uuid']}/{what}")
    return reader.calls


def of_each_project(path: str) -> int:
    """The list of projects, and `path` of each."""
    projects, compute = Reader("identity"), Reader("compute")
    for project in projects.items("/projects", "projects"):
        compute.get(path.format(project["id"]))
    return projects.calls + compute.calls


def main() -> None:
    warnings.simplefilter("ignore")
    kinds: list[Callable[[], int]] = [
        placement,
        lambda: of_each_project("/limits?tenant_id={}"),
        lambda: of_each_project("/os-quota-sets/{}/detail"),
        *((lambda service=service: lists(service)) for service in LISTS),
    ]
    began = time.monotonic()
    with ThreadPoolExecutor(len(kinds)) as pool:
        calls = sum(pool.map(lambda kind: kind(), kinds))
    seconds = time.monotonic() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    result = {"seconds": seconds, "calls": calls, "cpu_seconds": used.ru_utime + used.ru_stime,
              "rss_bytes": used.ru_maxrss * 1024}  # fmt: skip
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()

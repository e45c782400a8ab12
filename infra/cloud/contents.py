"""What stands in a project or domain, of the kinds whose loss people would notice, and what is used of its
limits. One listing per kind for any number of projects."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound
from infra.cloud.service import pages
from infra.domain.danger import Held

_WORKERS = 6
_EVERYONE = {"all_tenants": "1"}
# (kind, service, path, plural, filters, attribute with the owner)
_KINDS: tuple[tuple[str, str, str, str, Mapping[str, str], str], ...] = (
    ("server", "compute", "/servers/detail", "servers", _EVERYONE, "tenant_id"),
    ("volume", "volume", "/volumes/detail", "volumes", _EVERYONE, "os-vol-tenant-attr:tenant_id"),
    ("snapshot", "volume", "/snapshots/detail", "snapshots", _EVERYONE,
     "os-extended-snapshot-attributes:project_id"),
    ("image", "image", "/images", "images", {"visibility": "all"}, "owner"),
    ("network", "network", "/networks", "networks", {}, "project_id"),
    ("router", "network", "/routers", "routers", {}, "project_id"),
    ("port", "network", "/ports", "ports", {}, "project_id"),
    ("floating IP", "network", "/floatingips", "floatingips", {}, "project_id"),
    ("user", "identity", "/users", "users", {}, "domain_id"),
    ("group", "identity", "/groups", "groups", {}, "domain_id"),
    ("project", "identity", "/projects", "projects", {}, "domain_id"),
)  # fmt: skip


def contents(cloud: Cloud, owners: Collection[str]) -> dict[str, tuple[Held, ...]]:
    """By project or domain id, what stands in it; raises CloudError when a listing fails.

    Ports that the cloud made for a server, a router or an address are not named beside these.
    """
    if not owners:
        return {}
    found: dict[str, list[Held]] = {owner: [] for owner in owners}
    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="contents") as pool:
        for kind, things in zip(_KINDS, pool.map(lambda one: _listed(cloud, one[1:5]), _KINDS), strict=True):
            for thing in things:
                owner = str(thing.get(kind[5]) or thing.get("project_id") or thing.get("tenant_id") or "")
                if owner in found and not _goes_with_another(kind[0], thing):
                    found[owner].append(Held(kind[0], str(thing["id"]), _name(thing)))
    return {owner: tuple(things) for owner, things in found.items()}


def usage(cloud: Cloud, limits: Iterable[tuple[str, str]]) -> dict[tuple[str, str], dict[str, int]]:
    """By (service, project id), how much of each limit is used, under the service's own names."""
    asked = sorted(set(limits))
    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="usage") as pool:
        return dict(zip(asked, pool.map(lambda one: _used(cloud, *one), asked), strict=True))


def _listed(cloud: Cloud, how: tuple[str, str, str, Mapping[str, str]]) -> Iterator[dict[str, Any]]:
    service, path, plural, filters = how
    return iter([*pages(cloud.service(service), path, plural, filters)])


def _goes_with_another(kind: str, thing: Mapping[str, Any]) -> bool:
    return kind == "port" and str(thing.get("device_owner", "")).startswith(("network:", "compute:"))


def _name(thing: Mapping[str, Any]) -> str:
    return str(thing.get("name") or thing.get("floating_ip_address") or "")


def _used(cloud: Cloud, service: str, project: str) -> dict[str, int]:
    paths = {
        "compute": (f"/os-quota-sets/{project}/detail", {}, "quota_set", "in_use"),
        "volume": (f"/os-quota-sets/{project}", {"usage": "True"}, "quota_set", "in_use"),
        "network": (f"/quotas/{project}/details.json", {}, "quota", "used"),
    }
    path, params, key, word = paths[service]
    try:
        told = cloud.service(service).request("GET", path, params=params)[key]
    except NotFound:
        return {}  # the project is gone: nothing is in use
    return {name: int(row[word]) for name, row in told.items() if isinstance(row, dict)}

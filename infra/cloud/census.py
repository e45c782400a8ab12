"""Census: everything that a cloud holds, in one listing for each kind, however many agencies it serves.

Kinds that hang on a user or on a hypervisor (application credentials, key pairs, allocations) have no listing
over all: they cost one call for each user of the domains that are asked for, and one for each hypervisor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound
from infra.cloud.service import pages

Thing = dict[str, Any]
WORKERS = 8


@dataclass(frozen=True)
class Kind:
    """One kind and its listing. `project`, `created` are its attributes for owner and birth, "" where it has
    none. `optional`: a cloud may be without that API, and then holds nothing of the kind.
    """

    name: str
    service: str
    path: str
    plural: str
    params: Mapping[str, Any] = field(default_factory=dict, hash=False)
    project: str = "project_id"
    created: str = "created_at"
    optional: bool = False


_EVERYONE = {"all_tenants": "1"}
KINDS = (
    Kind("domains", "identity", "/projects", "projects", {"is_domain": "true"}, "", ""),
    Kind("projects", "identity", "/projects", "projects", {}, "", ""),
    Kind("users", "identity", "/users", "users", {}, "", ""),
    Kind("groups", "identity", "/groups", "groups", {}, "", ""),
    Kind("roles", "identity", "/roles", "roles", {}, "", ""),
    Kind("role assignments", "identity", "/role_assignments", "role_assignments", {}, "", ""),
    Kind("servers", "compute", "/servers/detail", "servers", _EVERYONE, "tenant_id", "created"),
    Kind("server groups", "compute", "/os-server-groups", "server_groups", {"all_projects": "True"},
         created=""),
    Kind("migrations", "compute", "/os-migrations", "migrations", {}, ""),
    Kind("networks", "network", "/networks", "networks"),
    Kind("subnets", "network", "/subnets", "subnets"),
    Kind("routers", "network", "/routers", "routers"),
    Kind("ports", "network", "/ports", "ports"),
    Kind("security groups", "network", "/security-groups", "security_groups"),
    Kind("security group rules", "network", "/security-group-rules", "security_group_rules"),
    Kind("floating IPs", "network", "/floatingips", "floatingips"),
    Kind("network quotas", "network", "/quotas", "quotas", created="", optional=True),
    Kind("trunks", "network", "/trunks", "trunks", optional=True),
    Kind("QoS policies", "network", "/qos/policies", "policies", optional=True),
    Kind("address groups", "network", "/address-groups", "address_groups", optional=True),
    Kind("address scopes", "network", "/address-scopes", "address_scopes", created="", optional=True),
    Kind("subnet pools", "network", "/subnetpools", "subnetpools", optional=True),
    Kind("RBAC policies", "network", "/rbac-policies", "rbac_policies", created="", optional=True),
    Kind("volumes", "volume", "/volumes/detail", "volumes", _EVERYONE, "os-vol-tenant-attr:tenant_id"),
    Kind("snapshots", "volume", "/snapshots/detail", "snapshots", _EVERYONE,
         "os-extended-snapshot-attributes:project_id"),
    Kind("backups", "volume", "/backups/detail", "backups", _EVERYONE, "os-backup-project-attr:project_id",
         optional=True),
    Kind("volume attachments", "volume", "/attachments/detail", "attachments", _EVERYONE, "", "attached_at"),
    Kind("images", "image", "/images", "images", {"visibility": "all"}, "owner"),
)  # fmt: skip
_BY_NAME = {kind.name: kind for kind in KINDS}
# What refers to others is listed before what it refers to: a server that is made meanwhile is never taken for
# one that is gone.
_LATER = ("projects", "domains", "servers", "migrations", "routers")


def kind_named(name: str) -> Kind:
    """The kind of that name; KeyError if there is none."""
    return _BY_NAME[name]


@dataclass(frozen=True)
class Census:
    """`things` by the kinds' names; `allocations` are placement's consumers (server ids) by hypervisor."""

    things: Mapping[str, tuple[Thing, ...]]
    allocations: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def of(self, kind: str) -> tuple[Thing, ...]:
        return self.things.get(kind, ())

    def ids(self, kind: str) -> frozenset[str]:
        return frozenset(str(thing["id"]) for thing in self.of(kind))


def take_census(cloud: Cloud, kinds: Iterable[str] | None = None, *, allocations: bool = True) -> Census:
    """Everything of these kinds (None: of all). Raises CloudError: a census is whole or there is none."""
    chosen = [_BY_NAME[name] for name in kinds] if kinds is not None else list(KINDS)
    first = [kind for kind in chosen if kind.name not in _LATER]
    later = [kind for kind in chosen if kind.name in _LATER]
    found: dict[str, tuple[Thing, ...]] = {}
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="census") as pool:
        consumers = pool.submit(_allocations, cloud) if allocations else None
        for part in (first, later):
            if consumers is not None and part is later:
                consumers.result()
            for kind, things in zip(part, pool.map(lambda one: _listed(cloud, one), part), strict=True):
                found[kind.name] = things
    return Census(found, consumers.result() if consumers is not None else {})


def credentials_of(
    cloud: Cloud, users: Iterable[str]
) -> dict[str, tuple[tuple[Thing, ...], tuple[Thing, ...]]]:
    """(application credentials, key pairs) by user id."""
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="census") as pool:
        ids = list(users)
        return dict(zip(ids, pool.map(lambda user: _belongings(cloud, user), ids), strict=True))


def owner_of(kind: Kind, thing: Mapping[str, Any]) -> str:
    """The id of the project that owns a thing, "" for none."""
    return str(thing.get(kind.project) or thing.get("tenant_id") or "") if kind.project else ""


def born(kind: Kind, thing: Mapping[str, Any]) -> str:
    """When a thing was made, as its API says it; "" where it does not."""
    return str(thing.get(kind.created) or "") if kind.created else ""


def _listed(cloud: Cloud, kind: Kind) -> tuple[Thing, ...]:
    return _optional(
        lambda: tuple(pages(cloud.service(kind.service), kind.path, kind.plural, kind.params)), kind.optional
    )


def _optional(listing: Callable[[], tuple[Thing, ...]], optional: bool) -> tuple[Thing, ...]:
    try:
        return listing()
    except NotFound:
        if optional:
            return ()
        raise


def _belongings(cloud: Cloud, user: str) -> tuple[tuple[Thing, ...], tuple[Thing, ...]]:
    identity, compute = cloud.service("identity"), cloud.service("compute")
    path = f"/users/{user}/application_credentials"
    secrets = _optional(lambda: tuple(pages(identity, path, "application_credentials", {})), True)
    rows = pages(compute, "/os-keypairs", "keypairs", {"user_id": user})
    return secrets, tuple(dict(row.get("keypair", row)) for row in rows)


def _allocations(cloud: Cloud) -> dict[str, frozenset[str]]:
    placement = cloud.service("placement")
    found = {}
    for provider in placement.request("GET", "/resource_providers")["resource_providers"]:
        path = f"/resource_providers/{provider['uuid']}/allocations"
        try:
            told = placement.request("GET", path)["allocations"]
        except NotFound:
            continue  # a hypervisor that went away meanwhile
        found[str(provider["name"])] = frozenset(map(str, told))
    return found

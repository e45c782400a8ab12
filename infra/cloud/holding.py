"""Reads everything that an agency has in the cloud, over every API, its own and what others made for it.

Each kind is listed whole and filtered here: Neutron makes a default security group for a project that a
listing is filtered by. A kind whose API this cloud does not serve (404) is left out of `looked_through`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from infra.cloud import holding_access, holding_identity
from infra.cloud.agency import Agency
from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound
from infra.cloud.service import pages
from infra.domain.holding import GIB, Holding, Holdings

COPY = "off-boarding copy"
"""What an off-boarding makes for itself, in the administrator's project: see `copy_prefix`."""
WORKERS = 6
_EVERYONE = {"all_tenants": "1"}
_HIDDEN = {"os_hidden": "true", "visibility": "all"}
_SECRET = frozenset({"blob", "secret", "adminPass", "password"})
_COPIED = ("volume", "snapshot", "image")


def copy_prefix(agency: str) -> str:
    """How the names of an off-boarding's own images, volumes and snapshots begin."""
    return f"citycloud-offboarding-{agency}-"


@dataclass(frozen=True)
class Kind:
    """A kind that one listing shows. `owner` is the attribute with the project; `unit` the bytes that one of
    its `size` is."""

    name: str
    service: str
    path: str
    plural: str
    owner: str = "project_id"
    params: Mapping[str, str] = field(default_factory=dict)
    size: str = ""
    unit: int = 1

    @property
    def place(self) -> str:
        """The path below which one of them stands."""
        return self.path.removesuffix("/detail")


KINDS = (
    Kind("server", "compute", "/servers/detail", "servers", "tenant_id", _EVERYONE),
    Kind("server group", "compute", "/os-server-groups", "server_groups", params={"all_projects": "true"}),
    Kind(
        "volume", "volume", "/volumes/detail", "volumes", "os-vol-tenant-attr:tenant_id", _EVERYONE,
        "size", GIB,
    ),
    Kind(
        "snapshot", "volume", "/snapshots/detail", "snapshots",
        "os-extended-snapshot-attributes:project_id", _EVERYONE, "size", GIB,
    ),
    Kind(
        "backup", "volume", "/backups/detail", "backups", "os-backup-project-attr:project_id", _EVERYONE,
        "size", GIB,
    ),
    Kind("volume group", "volume", "/groups/detail", "groups", params=_EVERYONE),
    Kind("group snapshot", "volume", "/group_snapshots/detail", "group_snapshots", params=_EVERYONE),
    Kind("volume transfer", "volume", "/os-volume-transfer/detail", "transfers", params=_EVERYONE),
    Kind("image", "image", "/images", "images", "owner", {"visibility": "all"}, "size"),
    Kind("hidden image", "image", "/images", "images", "owner", _HIDDEN, "size"),
    Kind("metadata definition", "image", "/metadefs/namespaces", "namespaces", "owner"),
    Kind("network", "network", "/networks", "networks"),
    Kind("subnet", "network", "/subnets", "subnets"),
    Kind("port", "network", "/ports", "ports"),
    Kind("router", "network", "/routers", "routers"),
    Kind("floating IP", "network", "/floatingips", "floatingips"),
    Kind("security group", "network", "/security-groups", "security_groups"),
    Kind("security group rule", "network", "/security-group-rules", "security_group_rules"),
    Kind("subnet pool", "network", "/subnetpools", "subnetpools"),
    Kind("address scope", "network", "/address-scopes", "address_scopes"),
    Kind("address group", "network", "/address-groups", "address_groups"),
    Kind("RBAC policy", "network", "/rbac-policies", "rbac_policies"),
    Kind("trunk", "network", "/trunks", "trunks"),
    Kind("QoS policy", "network", "/qos/policies", "policies"),
    Kind("metering label", "network", "/metering/metering-labels", "metering_labels"),
)  # fmt: skip
SERVICES = frozenset(
    {
        "identity",
        "compute",
        "network",
        "image",
        "block-storage",
        "volume",
        "volumev2",
        "volumev3",
        "placement",
    }
)
"""Types in the catalog whose things are looked at."""


def read_holdings(cloud: Cloud, agency: Agency) -> Holdings:
    """Everything of the agency; raises CloudError when a listing fails."""
    looked: dict[str, int] = {}
    listed: dict[str, list[Thing]] = {}
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="holdings") as pool:
        for kind, found in zip(KINDS, pool.map(lambda one: _listed(cloud, one), KINDS), strict=True):
            if found is not None:
                listed[kind.name], looked[kind.name] = found, len(found)
        things = [*_owned(listed, agency)]
        readers: list[Callable[[], tuple[dict[str, int], list[Holding]]]] = [
            lambda: holding_identity.read(cloud, agency),
            lambda: holding_identity.read_credentials(cloud, agency),
            lambda: holding_access.read(cloud, agency, listed.get("image", [])),
            lambda: holding_access.read_quotas(cloud, agency),
        ]
        for counted, more in pool.map(lambda read: read(), readers):
            looked.update(counted)
            things += more
    return Holdings(tuple(_distinct(things)), dict(sorted(looked.items())))


def services_not_looked_at(cloud: Cloud) -> list[str]:
    """Types of services in the catalog whose things `read_holdings` does not know, sorted."""
    types = {row["type"] for row in pages(cloud.service("identity"), "/services", "services", {})}
    return sorted(types - SERVICES)


def _listed(cloud: Cloud, kind: Kind) -> list[Thing] | None:
    try:
        return [*pages(cloud.service(kind.service), kind.path, kind.plural, kind.params)]
    except NotFound:
        return None


def _owned(listed: Mapping[str, list[Thing]], agency: Agency) -> Iterator[Holding]:
    """The agency's things of KINDS, in KINDS' order."""
    own = {
        kind.name: {_id(one) for one in listed.get(kind.name, []) if _is_of(one, kind, agency)}
        for kind in KINDS
    }
    devices = own["server"] | own["router"]
    for kind in KINDS:
        for thing in listed.get(kind.name, []):
            name = str(thing.get("name") or thing.get("floating_ip_address") or "")
            if kind.name in _COPIED and name.startswith(copy_prefix(agency.code)):
                yield Holding(COPY, f"{kind.name}/{_id(thing)}", name, told=thing)
            elif _id(thing) in own[kind.name] or _goes_with(thing, kind.name, own, devices, agency):
                yield Holding(kind.name, _id(thing), name, _size(thing, kind), _without_secrets(thing))


def _is_of(thing: Thing, kind: Kind, agency: Agency) -> bool:
    return (thing.get(kind.owner) or thing.get("project_id") or thing.get("tenant_id")) in agency.projects


def _goes_with(
    thing: Thing, kind: str, own: Mapping[str, set[str]], devices: set[str], agency: Agency
) -> bool:
    """Things that stand under another project, or none, and exist only for the agency's."""
    match kind:
        case "port":  # gateways and ports of floating addresses are nobody's
            nobodys = not (thing.get("project_id") or thing.get("tenant_id"))
            return thing.get("device_id") in devices or (
                nobodys and thing.get("network_id") in own["network"]
            )
        case "snapshot" | "backup":
            return thing.get("volume_id") in own["volume"]
        case "volume transfer":
            return thing.get("volume_id") in own["volume"]
        case "security group rule":
            return thing.get("security_group_id") in own["security group"]
        case "RBAC policy":
            return thing.get("target_tenant", thing.get("target_project")) in agency.projects
        case _:
            return False


def _id(thing: Thing) -> str:
    return str(thing.get("id") or thing.get("namespace") or "")


def _size(thing: Thing, kind: Kind) -> int:
    if kind.name == "server":
        flavor = thing.get("flavor") or {}
        return int(flavor.get("disk") or 0) * GIB if thing.get("image") else 0
    return int(thing.get(kind.size) or 0) * kind.unit if kind.size else 0


def _without_secrets(thing: Thing) -> Thing:
    return {key: value for key, value in thing.items() if key not in _SECRET}


def _distinct(things: Iterable[Holding]) -> list[Holding]:
    """Without the doubles that two listings show (a hidden image of Glance may stand in both)."""
    seen: dict[tuple[str, str], Holding] = {}
    for thing in things:
        if thing.kind == "hidden image" and ("image", thing.id) in seen:
            continue
        seen.setdefault((thing.kind, thing.id), thing)
    return [*seen.values()]

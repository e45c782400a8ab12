"""Orphans: what no project, stack or request owns, and so nobody will ever miss, pay for or remove."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from infra.cloud.census import KINDS, Census, born, kind_named, owner_of, take_census
from infra.cloud.connection import Cloud
from infra.domain.drift import Orphan, finding_id, moment

OF_THE_CLOUD = frozenset({"admin", "service"})
"""Projects of the domain Default that the cloud itself lives in."""
DEFAULT_DOMAIN = "default"
_SINGULAR = {"QoS policies": "QoS policy", "RBAC policies": "RBAC policy"}
_OVER = frozenset({"completed", "confirmed", "reverted", "cancelled", "failed", "error"})


def find_orphans(cloud: Cloud, census: Census, owned: Collection[str]) -> tuple[Orphan, ...]:
    """Each is looked at twice: what went away, or found its owner, between two listings is none. `owned` are
    the ids that stacks hold. Raises CloudError.
    """
    first = {orphan.id: orphan for orphan in _orphans(census, owned)}
    if not first:
        return ()
    again = {orphan.id for orphan in _orphans(take_census(cloud), owned)}
    return tuple(sorted((first[one] for one in first if one in again), key=_age))


def _age(orphan: Orphan) -> tuple[bool, str, str, str]:
    return (not orphan.created_at, orphan.created_at, orphan.kind, orphan.identity)


def _orphans(census: Census, owned: Collection[str]) -> Iterator[Orphan]:
    yield from _of_gone_projects(census)
    yield from _unowned_domains(census, owned)
    yield from _unowned_projects(census, owned)
    for finder in (_ports, _attachments, _allocations, _assignments):
        yield from finder(census)


def _of_gone_projects(census: Census) -> Iterator[Orphan]:
    """Public and shared things count too: their owner is gone all the same."""
    projects = census.ids("projects") | census.ids("domains")
    for kind in KINDS:
        for thing in census.of(kind.name):
            owner = owner_of(kind, thing)
            if not owner or owner in projects or _passing(kind.name, thing):
                continue
            identity = str(thing.get("id") or owner)
            why = f"its project {owner} is no longer in Keystone"
            yield _orphan(_singular(kind.name), identity, _name(thing), owner, born(kind, thing), why)


def _passing(kind: str, thing: Mapping[str, Any]) -> bool:
    """What its parent takes along, or what has a reason of its own below."""
    return kind in ("security group rules", "subnets") or str(thing.get("device_owner", "")).startswith(
        ("network:", "compute:")
    )


def _unowned_domains(census: Census, owned: Collection[str]) -> Iterator[Orphan]:
    for domain in census.of("domains"):
        identity = str(domain["id"])
        if identity not in owned and identity != DEFAULT_DOMAIN:
            why = "no stack made this domain"
            yield _orphan("domain", identity, _name(domain), "", "", why)


def _unowned_projects(census: Census, owned: Collection[str]) -> Iterator[Orphan]:
    """Of the domain Default. A project in an agency's domain is that agency's drift, one in an unowned domain
    goes with it.
    """
    for project in census.of("projects"):
        identity, name = str(project["id"]), _name(project)
        if project.get("domain_id") == DEFAULT_DOMAIN and identity not in owned and name not in OF_THE_CLOUD:
            why = "it is in the domain Default and no stack made it"
            yield _orphan("project", identity, name, identity, "", why)


def _ports(census: Census) -> Iterator[Orphan]:
    """Ports of servers and routers that are gone."""
    servers, routers, kind = census.ids("servers"), census.ids("routers"), kind_named("ports")
    for port in census.of("ports"):
        device, owner = str(port.get("device_id") or ""), str(port.get("device_owner") or "")
        if not device:
            continue
        gone = (owner.startswith("compute:") and device not in servers) or (
            owner.startswith(("network:router_", "network:ha_router")) and device not in routers
        )
        if gone:
            what = "server" if owner.startswith("compute:") else "router"
            why = f"its {what} {device} is gone"
            yield _orphan("port", str(port["id"]), _name(port), owner_of(kind, port), born(kind, port), why)


def _attachments(census: Census) -> Iterator[Orphan]:
    servers, volumes = census.ids("servers"), {str(one["id"]): one for one in census.of("volumes")}
    for attachment in census.of("volume attachments"):
        server = str(attachment.get("instance") or "")
        if not server or server in servers:
            continue
        volume = volumes.get(str(attachment.get("volume_id")), {})
        owner = owner_of(kind_named("volumes"), volume) if volume else ""
        why = f"it ties volume {attachment.get('volume_id')} to server {server}, which is gone"
        made = born(kind_named("volume attachments"), attachment)
        yield _orphan("volume attachment", str(attachment["id"]), _name(volume), owner, made, why)


def _allocations(census: Census) -> Iterator[Orphan]:
    """A migration holds an allocation of its own while it lasts."""
    under_way = {str(one.get("uuid")) for one in census.of("migrations") if one.get("status") not in _OVER}
    known = census.ids("servers") | under_way
    for hypervisor, consumers in sorted(census.allocations.items()):
        for consumer in sorted(consumers - known):
            why = f"placement counts it on hypervisor {hypervisor} and there is no such server"
            yield _orphan("allocation", consumer, consumer, "", "", why)


def _assignments(census: Census) -> Iterator[Orphan]:
    """Of users, groups, projects and domains that are gone; users of a federated or read-only backend are not
    listed everywhere, so a user counts as gone only where its kind is listed at all.
    """
    scopes = census.ids("projects") | census.ids("domains")
    for assignment in census.of("role assignments"):
        scope = assignment.get("scope", {})
        target = (scope.get("project") or scope.get("domain") or {}).get("id")
        if target is None or str(target) in scopes:
            continue
        holder = (assignment.get("user") or assignment.get("group") or {}).get("id", "")
        identity = "/".join((str(assignment["role"]["id"]), str(holder), str(target)))
        yield _orphan("role assignment", identity, identity, str(target), "", f"its scope {target} is gone")


def _orphan(  # noqa: PLR0917  (the fields of one, in their order)
    kind: str, identity: str, name: str, project: str, created: str, why: str
) -> Orphan:
    made = moment(created)
    told = made.isoformat(timespec="seconds") if made else ""
    label = f"{kind} {name or identity}"
    return Orphan(finding_id(kind, identity), kind, name, identity, project, told, f"{label}: {why}")


def _name(thing: Mapping[str, Any]) -> str:
    return str(thing.get("name") or thing.get("floating_ip_address") or "")


def _singular(plural: str) -> str:
    return _SINGULAR.get(plural, plural.removesuffix("s"))

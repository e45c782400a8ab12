"""Foreign things: what stands in an agency's domain or projects and in no stack's state.

What OpenStack makes by itself is none: Neutron's default group and rules, ports of its own services and those
that nova made for a server, the disk that a server booted from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from infra.cloud.census import Census, Thing, born, kind_named, owner_of
from infra.domain.drift import Finding, finding_id, moment
from infra.provider.registry import served
from infra.provisioning.foreign_access import access
from infra.provisioning.foreign_network import network
from infra.provisioning.foreign_thing import Foreign, Known, Zone
from infra.provisioning.stack_state import StateResource

_PROJECT = "openstack:identity/project:Project"
# The kinds whose whole things are one resource with the thing's id.
_WHOLE = {
    "servers": "openstack:compute/instance:Instance",
    "server groups": "openstack:compute/serverGroup:ServerGroup",
    "networks": "openstack:networking/network:Network",
    "subnets": "openstack:networking/subnet:Subnet",
    "routers": "openstack:networking/router:Router",
    "floating IPs": "openstack:networking/floatingIp:FloatingIp",
    "trunks": "openstack:networking/trunk:Trunk",
    "QoS policies": "openstack:networking/qosPolicy:QosPolicy",
    "address groups": "openstack:networking/addressGroupV2:AddressGroupV2",
    "address scopes": "openstack:networking/addressScope:AddressScope",
    "subnet pools": "openstack:networking/subnetPool:SubnetPool",
    "RBAC policies": "openstack:networking/rbacPolicyV2:RbacPolicyV2",
    "volumes": "openstack:blockstorage/volume:Volume",
    "snapshots": "",
    "backups": "",
    "images": "openstack:images/image:Image",
}


def zone_of(code: str, state: Iterable[StateResource], census: Census) -> Zone:
    """What belongs to the agency: its domain and every project in it, whoever made the project."""
    made = [one for one in state if one.type == _PROJECT]
    domains = {one.id for one in made if one.inputs.get("isDomain") is True}
    projects = {one.id for one in made} - domains
    projects |= {str(one["id"]) for one in census.of("projects") if one.get("domain_id") in domains}
    people = {
        kind: frozenset(str(one["id"]) for one in census.of(kind) if one.get("domain_id") in domains)
        for kind in ("users", "groups")
    }
    return Zone(code, frozenset(domains), frozenset(projects), people["users"], people["groups"])


def known_of(states: Mapping[str, Sequence[StateResource]]) -> Known:
    """What stacks hold, whichever: nothing of theirs is foreign anywhere."""
    managed = [one for held in states.values() for one in held if one.managed]
    return Known(frozenset((one.type, one.id) for one in managed), frozenset(_mentioned(managed)))


def find_foreign(
    zone: Zone,
    known: Known,
    census: Census,
    belongings: Mapping[str, tuple[Sequence[Thing], Sequence[Thing]]],
) -> list[Finding]:
    """Every foreign thing of one zone. `belongings` are its users' application credentials and key pairs."""
    found = [*_whole(zone, known, census), *network(zone, known, census)]
    found += access(zone, known, census, belongings)
    return [_finding(zone.agency, one) for one in found]


def _whole(zone: Zone, known: Known, census: Census) -> Iterator[Foreign]:
    for plural, token in _WHOLE.items():
        kind = kind_named(plural)
        for thing in census.of(plural):
            identity = str(thing["id"])
            if owner_of(kind, thing) not in zone.projects or known.has(token, identity):
                continue
            if plural == "volumes" and _booted(thing, known):
                continue
            name = str(thing.get("name") or thing.get("floating_ip_address") or "")
            noun = plural.removesuffix("s").replace("policie", "policy")
            yield Foreign(token, identity, noun, name, born(kind, thing))


def _booted(volume: Thing, known: Known) -> bool:
    """The disk of a server of ours, made by nova with it."""
    servers = {str(one.get("server_id")) for one in volume.get("attachments", [])}
    root = any(str(one.get("device", "")).endswith("da") for one in volume.get("attachments", []))
    return root and any(known.has(_WHOLE["servers"], server) for server in servers)


def _finding(agency: str, one: Foreign) -> Finding:
    made = moment(one.created_at)
    adoptable = one.type in served() and one.adoptable
    label = f"{one.noun} {one.name or ('' if one.about else one.identity)}".strip()
    sentence = f"{label} was made by hand" + (f" ({one.about})" if one.about else "")
    if not adoptable:
        sentence += "; it cannot be adopted" + (f": {one.why_not}" if one.why_not else ", only reverted")
    return Finding(
        finding_id(one.type or one.noun, one.identity), "foreign", agency, one.type or one.noun,
        one.name or one.identity, one.identity, sentence, adoptable=adoptable,
        created_at=made.isoformat(timespec="seconds") if made else "",
    )  # fmt: skip


def _mentioned(managed: Iterable[StateResource]) -> Iterator[str]:
    """Every text in inputs and outputs: ids of what a resource of ours uses stand there."""
    for one in managed:
        yield from texts(one.outputs)
        yield from texts(one.inputs)


def texts(value: Any) -> Iterator[str]:
    """Every text anywhere in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)

"""Foreign things of the network that are more than a listed id: rules, ports, interfaces, routes,
associations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from infra.cloud.census import Census, Thing, born, kind_named, owner_of
from infra.provisioning.foreign_thing import Foreign, Known, Zone

_GROUP = "openstack:networking/secGroup:SecGroup"
_RULE = "openstack:networking/secGroupRule:SecGroupRule"
_PORT = "openstack:networking/port:Port"
_ROUTER = "openstack:networking/router:Router"
_INTERFACE = "openstack:networking/routerInterface:RouterInterface"
_ROUTE = "openstack:networking/routerRoute:RouterRoute"
_ADDRESS = "openstack:networking/floatingIp:FloatingIp"
_ASSOCIATION = "openstack:networking/floatingIpAssociate:FloatingIpAssociate"
_SERVER = "openstack:compute/instance:Instance"
_ATTACHED = "openstack:compute/interfaceAttach:InterfaceAttach"


def network(zone: Zone, known: Known, census: Census) -> Iterator[Foreign]:
    for finder in (_groups, _rules, _ports, _routes, _associations):
        yield from finder(zone, known, census)


def _groups(zone: Zone, known: Known, census: Census) -> Iterator[Foreign]:
    kind = kind_named("security groups")
    for group in census.of(kind.name):
        if owner_of(kind, group) not in zone.projects or group["name"] == "default":
            continue
        if not known.has(_GROUP, str(group["id"])):
            yield Foreign(_GROUP, str(group["id"]), "security group", str(group["name"]), born(kind, group))


def _rules(zone: Zone, known: Known, census: Census) -> Iterator[Foreign]:
    """By the group's project: an administrator's rule in an agency's group is the administrator's to
    Neutron."""
    owner, kind = kind_named("security groups"), kind_named("security group rules")
    groups = {
        str(group["id"]): str(group["name"])
        for group in census.of(owner.name)
        if owner_of(owner, group) in zone.projects
    }
    for rule in census.of(kind.name):
        group = str(rule["security_group_id"])
        if group not in groups or known.has(_RULE, str(rule["id"])) or _neutrons(rule, groups[group]):
            continue
        about = f"{_traffic(rule)}, in group {groups[group]}"
        yield Foreign(_RULE, str(rule["id"]), "security group rule", "", born(kind, rule), about)


def _neutrons(rule: Thing, group: str) -> bool:
    """One of the rules that Neutron puts into every group, and into `default` besides."""
    open_ended = not any(
        rule.get(name) for name in ("protocol", "port_range_min", "port_range_max", "remote_ip_prefix")
    ) and not rule.get("remote_address_group_id")
    if rule["direction"] == "egress":
        return open_ended and not rule.get("remote_group_id")
    return group == "default" and open_ended and rule.get("remote_group_id") == rule["security_group_id"]


def _traffic(rule: Thing) -> str:
    low, high = rule.get("port_range_min"), rule.get("port_range_max")
    ports = "" if low is None else f" {low}" if low == high else f" {low}-{high}"
    other = rule.get("remote_ip_prefix") or rule.get("remote_group_id") or "anywhere"
    way = "from" if rule["direction"] == "ingress" else "to"
    return f"{rule['direction']} {rule.get('protocol') or 'any protocol'}{ports} {way} {other}"


def _ports(zone: Zone, known: Known, census: Census) -> Iterator[Foreign]:
    kind = kind_named("ports")
    for port in census.of(kind.name):
        identity, device = str(port["id"]), str(port.get("device_id") or "")
        if owner_of(kind, port) not in zone.projects or known.has(_PORT, identity):
            continue
        about = ", ".join(str(row["ip_address"]) for row in port.get("fixed_ips", []))
        made, name = born(kind, port), str(port.get("name") or "")
        owner = str(port.get("device_owner") or "")
        if owner.startswith("network:"):
            if _is_interface(owner) and not known.has(_INTERFACE, identity):
                yield Foreign(_INTERFACE, identity, "router interface", name, made, f"router {device}")
        elif owner.startswith("compute:"):
            server = (_SERVER, device)
            if server in known.resources - known.waiting and not _expected(port, known):
                yield Foreign(
                    _ATTACHED, f"{device}/{identity}", "interface", name, made, f"on server {device}"
                )
        else:
            yield Foreign(_PORT, identity, "port", name, made, about)


def _is_interface(owner: str) -> bool:
    return owner in (
        "network:router_interface",
        "network:router_interface_distributed",
        "network:ha_router_replicated_interface",
    )


def _expected(port: Thing, known: Known) -> bool:
    """A port that nova made for a server of ours, at its boot or by an attachment of ours."""
    attached = f"{port.get('device_id')}/{port['id']}"
    return known.has(_ATTACHED, attached) or bool({port["id"], port.get("mac_address")} & known.mentioned)


def _routes(zone: Zone, known: Known, census: Census) -> Iterator[Foreign]:
    kind = kind_named("routers")
    for router in census.of(kind.name):
        if not known.has(_ROUTER, str(router["id"])) or owner_of(kind, router) not in zone.projects:
            continue
        for route in router.get("routes") or []:
            identity = f"{router['id']}-route-{route['destination']}-{route['nexthop']}"
            if not known.has(_ROUTE, identity):
                about = f"to {route['destination']} by {route['nexthop']}"
                yield Foreign(_ROUTE, identity, "route", str(router.get("name", "")), "", about)


def _associations(zone: Zone, known: Known, census: Census) -> Iterator[Foreign]:
    """An address of ours that a person led to a port."""
    kind = kind_named("floating IPs")
    for address in census.of(kind.name):
        identity = str(address["id"])
        ours = owner_of(kind, address) in zone.projects and known.has(_ADDRESS, identity)
        port: Any = address.get("port_id")
        if ours and port and not known.has(_ASSOCIATION, identity) and str(port) not in known.mentioned:
            name = str(address.get("floating_ip_address"))
            yield Foreign(_ASSOCIATION, identity, "association of floating IP", name, "", f"to port {port}")

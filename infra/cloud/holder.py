"""What keeps a Neutron thing from being deleted, in words for the person who wants it gone."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from infra.cloud.address_scope import address_scopes
from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.floating_ip import floating_ips
from infra.cloud.network import networks
from infra.cloud.port import ports
from infra.cloud.router import routers
from infra.cloud.security_group import security_group_rules
from infra.cloud.subnet import subnets
from infra.cloud.subnet_pool import subnet_pools
from infra.cloud.trunk import trunks

_NEUTRONS_OWN = ("network:dhcp", "network:distributed")


def of_network(cloud: Cloud, identity: str) -> list[str]:
    return _ports(ports(cloud).list(network_id=identity))


def of_subnet(cloud: Cloud, identity: str) -> list[str]:
    subnet = subnets(cloud).find(identity)
    if subnet is None:
        return []
    inside = ports(cloud).list(network_id=subnet["network_id"])
    return _ports(port for port in inside if identity in _subnets_of(port))


def of_security_group(cloud: Cloud, identity: str) -> list[str]:
    having = ports(cloud).list(security_groups=identity)
    return _ports(port for port in having if identity in port.get("security_groups", []))


def of_router(cloud: Cloud, identity: str) -> list[str]:
    inside = ports(cloud).list(device_id=identity)
    return [
        f"its interface in subnet {', '.join(_subnets_of(port)) or port['network_id']} (port {port['id']})"
        for port in inside
        if port.get("device_owner") != "network:router_gateway"
    ]


def of_port(cloud: Cloud, identity: str) -> list[str]:
    port = ports(cloud).find(identity)
    if port is None:
        return []
    held = [
        _named("trunk", trunk)
        for trunk in trunks(cloud).list()
        if identity in {trunk["port_id"], *(row["port_id"] for row in trunk.get("sub_ports", []))}
    ]
    return held or ([_user(port)] if port.get("device_id") else [])


def of_router_interface(cloud: Cloud, router_id: str, port_id: str) -> list[str]:
    """Routes through the interface's subnets, and floating IPs that lead into them."""
    port, router = ports(cloud).find(port_id), routers(cloud).find(router_id)
    if port is None or router is None:
        return []
    routes = [
        f"route {row['destination']} via {row['nexthop']} of router {router.get('name') or router_id}"
        for row in routes_through(cloud, router, port)
    ]
    inside = {one["id"] for one in ports(cloud).list(network_id=port["network_id"])}
    leading = [one for one in floating_ips(cloud).list(router_id=router_id) if one.get("port_id") in inside]
    return routes + [f"floating IP {one['floating_ip_address']}" for one in leading]


def routes_through(cloud: Cloud, router: Thing, port: Thing) -> list[Thing]:
    """The router's routes whose next hop lies in a subnet of this port of it."""
    found = [subnets(cloud).find(one) for one in _subnets_of(port)]
    cidrs = [ipaddress.ip_network(subnet["cidr"]) for subnet in found if subnet is not None]
    return [
        row
        for row in router.get("routes", [])
        if any(ipaddress.ip_address(row["nexthop"]) in cidr for cidr in cidrs)
    ]


def of_trunk(cloud: Cloud, identity: str) -> list[str]:
    trunk = next(iter(trunks(cloud).list(id=identity)), None)
    port = ports(cloud).find(trunk["port_id"]) if trunk else None
    return _ports([port]) if port and port.get("device_id") else []


def of_qos_policy(cloud: Cloud, identity: str) -> list[str]:
    held = [
        _named(noun, thing)
        for noun, collection in (("network", networks(cloud)), ("floating IP", floating_ips(cloud)))
        for thing in _having(collection, "qos_policy_id", identity)
    ]
    gateways = [
        _named("the gateway of router", router)
        for router in routers(cloud).list()
        if (router.get("external_gateway_info") or {}).get("qos_policy_id") == identity
    ]
    return [*held, *_ports(_having(ports(cloud), "qos_policy_id", identity)), *gateways]


def of_subnet_pool(cloud: Cloud, identity: str) -> list[str]:
    return [_named("subnet", one) for one in _having(subnets(cloud), "subnetpool_id", identity)]


def of_address_scope(cloud: Cloud, identity: str) -> list[str]:
    if address_scopes(cloud).find(identity) is None:
        return []
    pools = _having(subnet_pools(cloud), "address_scope_id", identity)
    return [_named("subnet pool", one) for one in pools]


def of_address_group(cloud: Cloud, identity: str) -> list[str]:
    using = _having(security_group_rules(cloud), "remote_address_group_id", identity)
    return [f"rule {rule['id']} of security group {rule['security_group_id']}" for rule in using]


def _having(collection: Collection, key: str, identity: str) -> list[Thing]:
    """The things whose attribute is this id; Neutron refuses to filter by many an attribute."""
    return [thing for thing in collection.list() if thing.get(key) == identity]


def _named(noun: str, thing: Thing) -> str:
    name = thing.get("name") or thing.get("floating_ip_address")
    return f"{noun} {name} ({thing['id']})" if name else f"{noun} {thing['id']}"


def _ports(found: Iterable[Thing]) -> list[str]:
    return [
        _named("port", port) + (f", used by {_user(port)}" if port.get("device_id") else "")
        for port in found
        if port.get("device_owner") not in _NEUTRONS_OWN
    ]


def _user(port: Thing) -> str:
    owner = str(port.get("device_owner", ""))
    noun = "server" if owner.startswith("compute:") else "router" if "router" in owner else owner or "device"
    return f"{noun} {port['device_id']}"


def _subnets_of(port: Thing) -> list[str]:
    return [row["subnet_id"] for row in port.get("fixed_ips", [])]

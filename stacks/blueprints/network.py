"""A further private network of an agency, joined to its router."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

from pulumi import ComponentResource
from pulumi_openstack import networking

from infra.domain.blueprint import Wanted
from stacks.blueprints.ground import Ground

RANGE = IPv4Network("10.192.0.0/10")
"""Where such networks take their addresses; agencies' first networks lie below it."""


class PrivateNetwork(ComponentResource):  # type: ignore[misc]  # pulumi is untyped to us
    def __init__(self, wanted: Wanted, ground: Ground) -> None:
        super().__init__("citycloud:blueprint:PrivateNetwork", wanted.name)
        own = ground.within(self)
        about = {"name": wanted.name, "description": wanted.value("purpose")}
        self.network = networking.Network(wanted.name, **about, opts=own)
        subnet = networking.Subnet(
            wanted.name, name=wanted.name, network_id=self.network.id, cidr=str(addresses_of(wanted.id)),
            dns_nameservers=[str(one) for one in ground.inventory.site.dns_servers], opts=own,
        )  # fmt: skip
        networking.RouterInterface(wanted.name, router_id=ground.router_id, subnet_id=subnet.id, opts=own)
        self.register_outputs({})


def private_network(wanted: Wanted, ground: Ground) -> Mapping[str, Any]:
    made = PrivateNetwork(wanted, ground)
    return {"network_id": made.network.id, "cidr": str(addresses_of(wanted.id))}


def addresses_of(deployment: str) -> IPv4Network:
    """The /24 of a deployment, the same for ever and whatever else there is: two of one agency meet once in
    16384, and Neutron refuses the second then.
    """
    place = int.from_bytes(hashlib.sha256(deployment.encode()).digest()[:4]) % 2 ** (24 - RANGE.prefixlen)
    return IPv4Network((int(RANGE.network_address) + place * 256, 24))

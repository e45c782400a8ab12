"""Addresses and what projects hold of the network, as neutron lists them; only fields that are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.cloud.reading import PagedReading


@dataclass(frozen=True)
class SubnetAddresses:
    """Addresses of a subnet: what its pools have, and what ports hold."""

    subnet_id: str
    subnet: str
    network_id: str
    network: str
    project_id: str
    cidr: str
    ip_version: int
    total: int
    used: int


@dataclass(frozen=True)
class ExternalNetwork:
    """A network that floating IPs come from, with how many projects hold and how many lead somewhere."""

    id: str
    name: str
    allocated: int = 0
    associated: int = 0


@dataclass(frozen=True)
class NetworkUsage:
    """`held[resource][project id]` is what projects hold, by our names of resources."""

    external: tuple[ExternalNetwork, ...] = ()
    held: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    networks: int = 0


def read_addresses(reading: PagedReading) -> tuple[SubnetAddresses, ...]:
    """Every subnet's addresses. One call."""
    return tuple(
        SubnetAddresses(
            subnet_id=subnet["subnet_id"], subnet=subnet["subnet_name"] or "",
            network_id=network["network_id"], network=network["network_name"] or "",
            project_id=network.get("project_id") or network.get("tenant_id") or "",
            cidr=subnet["cidr"], ip_version=int(subnet["ip_version"]),
            total=int(subnet["total_ips"]), used=int(subnet["used_ips"]),
        )
        for network in reading.pages("network", "/network-ip-availabilities", "network_ip_availabilities")
        for subnet in network["subnet_ip_availability"]
    )  # fmt: skip


def read_network_usage(reading: PagedReading) -> NetworkUsage:
    """What projects hold: five lists."""
    external: dict[str, str] = {}
    networks: Counter[str] = Counter()
    wanted = ["id", "name", "project_id", "router:external"]
    for item in reading.pages("network", "/networks", "networks", {"fields": wanted}):
        networks[item["project_id"]] += 1
        if item["router:external"]:
            external[item["id"]] = item["name"] or ""
    floating: Counter[str] = Counter()
    allocated: Counter[str] = Counter()
    associated: Counter[str] = Counter()
    wanted = ["project_id", "floating_network_id", "port_id"]
    for item in reading.pages("network", "/floatingips", "floatingips", {"fields": wanted}):
        floating[item["project_id"]] += 1
        allocated[item["floating_network_id"]] += 1
        associated[item["floating_network_id"]] += bool(item["port_id"])
    return NetworkUsage(
        tuple(
            ExternalNetwork(identity, name, allocated[identity], associated[identity])
            for identity, name in sorted(external.items())
        ),
        {
            "floating_ips": floating,
            "networks": networks,
            "routers": _count(reading, "/routers", "routers"),
            "security_groups": _count(reading, "/security-groups", "security_groups"),
            "ports": _count(reading, "/ports", "ports"),
        },
        networks.total(),
    )


def _count(reading: PagedReading, path: str, plural: str) -> Counter[str]:
    return Counter(item["project_id"] for item in reading.pages("network", path, plural, {"fields": _OWNER}))


_OWNER = ["id", "project_id"]

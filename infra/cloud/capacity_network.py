"""Addresses and what projects hold of the network, as neutron lists them; only fields that are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

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
    """`held[resource][project id]` is what projects hold, by our names of resources; `troubled` counts what
    does not work as it should, see `_TROUBLES`."""

    external: tuple[ExternalNetwork, ...] = ()
    held: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    networks: int = 0
    troubled: Mapping[str, int] = field(default_factory=dict)


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
    troubled: Counter[str] = Counter(dict.fromkeys(_TROUBLES, 0))
    wanted = ["project_id", "floating_network_id", "port_id", "status"]
    for item in reading.pages("network", "/floatingips", "floatingips", {"fields": wanted}):
        floating[item["project_id"]] += 1
        allocated[item["floating_network_id"]] += 1
        associated[item["floating_network_id"]] += bool(item["port_id"])
        troubled["floating_ips_associated_not_active"] += bool(item["port_id"]) and not _active(item)
    return NetworkUsage(
        tuple(
            ExternalNetwork(identity, name, allocated[identity], associated[identity])
            for identity, name in sorted(external.items())
        ),
        {
            "floating_ips": floating,
            "networks": networks,
            "routers": _count(reading, "/routers", "routers", troubled),
            "security_groups": _count(reading, "/security-groups", "security_groups"),
            "ports": _count(reading, "/ports", "ports", troubled),
        },
        networks.total(),
        troubled,
    )


def _count(
    reading: PagedReading, path: str, plural: str, troubled: Counter[str] | None = None
) -> Counter[str]:
    """By project; with `troubled`, what is wrong with them is counted there in the same call."""
    counted: Counter[str] = Counter()
    fields = _OWNER if troubled is None else [*_OWNER, *_STATE[plural]]
    for item in reading.pages("network", path, plural, {"fields": fields}):
        counted[item["project_id"]] += 1
        if troubled is not None:
            troubled.update(_troubles(plural, item))
    return counted


def _troubles(plural: str, item: Mapping[str, Any]) -> Iterator[str]:
    if plural == "routers" and not _active(item):
        yield "routers_not_active"
    if plural == "ports" and _active(item) and not item.get("fixed_ips", True):
        yield "ports_no_ips"
    if plural == "ports" and item.get("device_owner") == "neutron:LOADBALANCERV2" and not _active(item):
        yield "ports_lb_not_active"


def _active(item: Mapping[str, Any]) -> bool:
    """Whether it works; what does not say is not called broken."""
    return bool(item.get("status", "ACTIVE") == "ACTIVE")


_OWNER = ["id", "project_id"]
_STATE = {"routers": ["status"], "ports": ["status", "device_owner", "fixed_ips"]}
_TROUBLES = (
    "floating_ips_associated_not_active",
    "routers_not_active",
    "ports_no_ips",
    "ports_lb_not_active",
)
"""By openstack-exporter's names: floating IPs with a port that are not active, routers that are not, active
ports without an address, load balancers' ports that are not active."""

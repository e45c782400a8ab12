"""Families of addresses: subnets, and the pools that floating IPs come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client.core import Metric

from infra.cloud.capacity_network import ExternalNetwork, SubnetAddresses
from infra.cloud.usage import AgencyProject
from monitoring.exporters.snapshot import gauge

_POOL = ("network", "network_id")


def subnet_families(
    subnets: Iterable[SubnetAddresses], external: Iterable[ExternalNetwork], projects: Iterable[AgencyProject]
) -> Iterator[Metric]:
    """Addresses of every subnet; those of IPv6 are more than a float shows exactly, which does not matter."""
    info = gauge(
        "city_subnet_info",
        "1 for each subnet, with its network and whose it is (neutron).",
        "subnet_id", "subnet", "network", "cidr", "agency", "project", "external",
    )  # fmt: skip
    total = gauge(
        "city_subnet_addresses",
        "Addresses that the subnet's pools have (neutron network-ip-availabilities).",
        "subnet_id",
    )
    used = gauge(
        "city_subnet_used_addresses",
        "Addresses of the subnet that ports hold (neutron network-ip-availabilities).",
        "subnet_id",
    )
    outside = {network.id for network in external}
    owners = {project.id: project for project in projects}
    for subnet in sorted(subnets, key=lambda subnet: subnet.subnet_id):
        owner = owners.get(subnet.project_id)
        whose = [owner.agency, owner.name] if owner else ["", ""]
        is_outside = str(subnet.network_id in outside).lower()
        info.add_metric([subnet.subnet_id, subnet.subnet, subnet.network, subnet.cidr, *whose, is_outside], 1)
        total.add_metric([subnet.subnet_id], subnet.total)
        used.add_metric([subnet.subnet_id], subnet.used)
    yield from (info, total, used)


def pool_address_families(
    subnets: Iterable[SubnetAddresses], external: Iterable[ExternalNetwork]
) -> Iterator[Metric]:
    """The IPv4 addresses of external networks."""
    total = gauge(
        "city_floating_ip_pool_addresses",
        "IPv4 addresses of an external network (neutron network-ip-availabilities).",
        *_POOL,
    )
    used = gauge(
        "city_floating_ip_pool_used_addresses",
        "IPv4 addresses of an external network that are taken: floating IPs, gateways of routers (neutron).",
        *_POOL,
    )
    totals: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    for subnet in subnets:
        if subnet.ip_version == 4:
            totals[subnet.network_id] += subnet.total
            taken[subnet.network_id] += subnet.used
    for network in external:
        total.add_metric([network.name, network.id], totals[network.id])
        used.add_metric([network.name, network.id], taken[network.id])
    yield from (total, used)


def floating_ip_families(external: Iterable[ExternalNetwork]) -> Iterator[Metric]:
    """What projects hold of them."""
    allocated = gauge(
        "city_floating_ips_allocated", "Floating IPs that projects hold (neutron floatingips).", *_POOL
    )
    associated = gauge(
        "city_floating_ips_associated", "Floating IPs that lead to a port (neutron floatingips).", *_POOL
    )
    for network in external:
        allocated.add_metric([network.name, network.id], network.allocated)
        associated.add_metric([network.name, network.id], network.associated)
    yield from (allocated, associated)

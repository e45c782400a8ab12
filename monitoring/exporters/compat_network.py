"""Neutron under openstack-exporter's names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import Metric

from infra.cloud.capacity_agents import AgentRecord
from infra.cloud.capacity_network import NetworkUsage, SubnetAddresses
from monitoring.exporters.capacity_collectors import Collectors, latest
from monitoring.exporters.compat_quota import quota_families
from monitoring.exporters.snapshot import gauge

_COUNTED = {
    "floating_ips": "Floating IPs", "networks": "Networks", "routers": "Routers", "ports": "Ports",
    "security_groups": "Security groups",
}  # fmt: skip
_TROUBLED = {
    "floating_ips_associated_not_active": "Floating IPs with a port that are not active",
    "routers_not_active": "Routers that are not active",
    "ports_no_ips": "Active ports without an address",
    "ports_lb_not_active": "Ports of load balancers that are not active",
}
_SUBNET = ("network_id", "network_name", "ip_version", "cidr", "subnet_name", "project_id")
_QUOTAS = {"floatingip": "floating_ips", "network": "networks", "router": "routers", "port": "ports",
           "security_group": "security_groups"}  # fmt: skip


def network_families(collectors: Collectors) -> Iterator[Metric]:
    """What is known of neutron."""
    if (agents := latest(collectors.network_agents)) is not None:
        yield agent_family(agents)
    usage, addresses = latest(collectors.network), latest(collectors.addresses)
    if usage is not None:
        yield from count_families(usage)
    if addresses is not None:
        yield from address_families(addresses)
    if (limits := latest(collectors.quotas)) is not None and usage is not None:
        held: dict[str, Mapping[str, int]] = {
            theirs: usage.held[ours] for theirs, ours in _QUOTAS.items() if ours in usage.held
        }
        if addresses is not None:
            held["subnet"] = Counter(found.project_id for found in addresses)
        yield from quota_families("openstack_neutron_quota", limits.projects, "network", held, "used")


def agent_family(agents: Iterable[AgentRecord]) -> Metric:
    family = gauge(
        "openstack_neutron_agent_state", "1 for an agent that neutron hears (neutron agents).", "id",
        "hostname", "service", "adminState", "availability_zone",
    )  # fmt: skip
    for agent in agents:
        labels = [agent.id, agent.host, agent.agent, "up" if agent.enabled else "down", agent.zone]
        family.add_metric(labels, agent.up)
    return family


def count_families(usage: NetworkUsage) -> Iterator[Metric]:
    for name, text in _COUNTED.items():
        family = gauge(f"openstack_neutron_{name}", f"{text} of all projects (neutron).")
        family.add_metric([], sum(usage.held.get(name, {}).values()))
        yield family
    for name, text in _TROUBLED.items():
        family = gauge(f"openstack_neutron_{name}", f"{text} (neutron).")
        family.add_metric([], usage.troubled.get(name, 0))
        yield family


def address_families(addresses: Iterable[SubnetAddresses]) -> Iterator[Metric]:
    """Addresses by subnet. Two subnets that look alike in their labels are one series, added up."""
    found = list(addresses)
    count = gauge("openstack_neutron_subnets", "Subnets of all projects (neutron).")
    count.add_metric([], len(found))
    yield count
    source = "(neutron network-ip-availabilities)."
    prefix = "openstack_neutron_network_ip_availabilities"
    for name, text in (("total", "Addresses that the subnet has"), ("used", "Addresses that are taken")):
        family = gauge(f"{prefix}_{name}", f"{text} {source}", *_SUBNET)
        sums: Counter[tuple[str, ...]] = Counter()
        for one in found:
            labels = (one.network_id, one.network, str(one.ip_version), one.cidr, one.subnet, one.project_id)
            sums[labels] += getattr(one, name)
        for key, value in sums.items():
            family.add_metric(key, value)
        yield family

"""TCP ports that City Cloud needs on its servers, and the units by which it is itself there already."""

from __future__ import annotations

from dataclasses import dataclass

from infra.domain.host import CONTROLLERS, HYPERVISORS, MONITORING, Host

SOCKETS = "init.scope"  # systemd itself listens for a unit that it starts on demand


@dataclass(frozen=True)
class Port:
    """`units`: whoever of these listens is City Cloud's, from an earlier run."""

    number: int
    purpose: str
    units: tuple[str, ...]


EVERYWHERE = (Port(9100, "node exporter", ("prometheus-node-exporter.service",)),)
BY_GROUP: dict[str, tuple[Port, ...]] = {
    CONTROLLERS: (
        Port(3306, "database", ("mariadb.service", "haproxy.service")),
        Port(
            4369, "names of the message queue's servers", ("epmd.service", "rabbitmq-server.service", SOCKETS)
        ),
        Port(5672, "message queue", ("rabbitmq-server.service",)),
        Port(25672, "message queue between controllers", ("rabbitmq-server.service",)),
        Port(11211, "cache", ("memcached.service",)),
        Port(5000, "identity API", ("keystone-api.service", "haproxy.service")),
        Port(9292, "image API", ("glance-api.service", "haproxy.service")),
        Port(8778, "placement API", ("placement-api.service", "haproxy.service")),
        Port(8774, "compute API", ("nova-api.service", "haproxy.service")),
        Port(6080, "screens of virtual machines", ("nova-novncproxy.service", "haproxy.service")),
        Port(8775, "metadata API", ("nova-metadata.service", "haproxy.service")),
        Port(9696, "network API", ("neutron-api.service", "haproxy.service")),
        Port(8776, "volume API", ("cinder-api.service", "haproxy.service")),
        Port(6641, "OVN northbound database", ("ovn-ovsdb-server-nb.service", "ovn-central.service")),
        Port(6642, "OVN southbound database", ("ovn-ovsdb-server-sb.service", "ovn-central.service")),
    ),
    HYPERVISORS: (
        Port(6640, "Open vSwitch's database", ("ovsdb-server.service", "openvswitch-switch.service")),
        Port(16509, "libvirt, for migration", ("libvirtd.service", SOCKETS)),
    ),
    MONITORING: (
        Port(9090, "Prometheus", ("prometheus.service",)),
        Port(9093, "Alertmanager", ("prometheus-alertmanager.service",)),
        Port(9180, "capacity exporter", ("citycloud-capacity-exporter.service",)),
        Port(9181, "uptime exporter", ("citycloud-uptime-exporter.service",)),
        Port(9182, "canary exporter", ("citycloud-canary-exporter.service",)),
    ),
}


def needed(host: Host) -> tuple[Port, ...]:
    """Ports of all groups that the host is in; each once."""
    ports = [*EVERYWHERE]
    for group, members in BY_GROUP.items():
        if group in host.groups:
            ports += members
    return tuple(ports)

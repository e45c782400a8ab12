"""Neutron floating IPs."""

from __future__ import annotations

from infra.cloud.collection import Collection
from infra.cloud.connection import Cloud


def floating_ips(cloud: Cloud) -> Collection:
    return Collection(cloud.service("network"), "/floatingips", "floatingip", "floatingips", bulk=True)


def port_forwardings(cloud: Cloud, floating_ip_id: str) -> Collection:
    """The port forwardings of one floating IP; a listing of floating IPs holds them too."""
    path = f"/floatingips/{floating_ip_id}/port_forwardings"
    return Collection(cloud.service("network"), path, "port_forwarding", "port_forwardings")

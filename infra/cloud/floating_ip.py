"""Neutron floating IPs."""

from __future__ import annotations

from infra.cloud.collection import Collection
from infra.cloud.connection import Cloud


def floating_ips(cloud: Cloud) -> Collection:
    return Collection(cloud.service("network"), "/floatingips", "floatingip", "floatingips")

"""Neutron subnets."""

from __future__ import annotations

from infra.cloud.collection import Collection
from infra.cloud.connection import Cloud


def subnets(cloud: Cloud) -> Collection:
    return Collection(cloud.service("network"), "/subnets", "subnet", "subnets", bulk=True)

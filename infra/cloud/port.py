"""Neutron ports."""

from __future__ import annotations

from infra.cloud.collection import Collection
from infra.cloud.connection import Cloud


def ports(cloud: Cloud) -> Collection:
    return Collection(cloud.service("network"), "/ports", "port", "ports", bulk=True)

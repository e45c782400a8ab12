"""Neutron subnet pools."""

from __future__ import annotations

from infra.cloud.collection import Collection
from infra.cloud.connection import Cloud


def subnet_pools(cloud: Cloud) -> Collection:
    return Collection(cloud.service("network"), "/subnetpools", "subnetpool", "subnetpools")

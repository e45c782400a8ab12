"""Neutron RBAC policies: who besides its owner may use a thing."""

from __future__ import annotations

from infra.cloud.collection import Collection
from infra.cloud.connection import Cloud


def rbac_policies(cloud: Cloud) -> Collection:
    return Collection(cloud.service("network"), "/rbac-policies", "rbac_policy", "rbac_policies")

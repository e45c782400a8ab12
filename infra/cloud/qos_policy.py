"""Neutron QoS policies. Their rules come inside them, and are changed below them."""

from __future__ import annotations

from infra.cloud.collection import Collection
from infra.cloud.connection import Cloud


def qos_policies(cloud: Cloud) -> Collection:
    return Collection(cloud.service("network"), "/qos/policies", "policy", "policies")


def qos_rules(cloud: Cloud, policy_id: str, kind: str) -> Collection:
    """The rules of one kind (bandwidth_limit, dscp_marking, minimum_bandwidth) of a policy."""
    path = f"/qos/policies/{policy_id}/{kind}_rules"
    return Collection(cloud.service("network"), path, f"{kind}_rule", f"{kind}_rules")

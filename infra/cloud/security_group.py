"""Neutron security groups and their rules."""

from __future__ import annotations

from infra.cloud.collection import Collection
from infra.cloud.connection import Cloud


def security_groups(cloud: Cloud) -> Collection:
    return Collection(
        cloud.service("network"), "/security-groups", "security_group", "security_groups", bulk=True
    )


def security_group_rules(cloud: Cloud) -> Collection:
    return Collection(
        cloud.service("network"), "/security-group-rules", "security_group_rule", "security_group_rules",
        bulk=True,
    )  # fmt: skip

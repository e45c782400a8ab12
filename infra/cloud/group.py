"""Keystone groups: the people of an agency by what they may do."""

from __future__ import annotations

from typing import Any

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud


def groups(cloud: Cloud) -> Collection:
    return Collection(cloud.service("identity"), "/groups", "group", "groups", change="PATCH")


def group_named(cloud: Cloud, name: str, domain_id: str | None) -> Thing | None:
    """The group of this name in the domain."""
    filters: dict[str, Any] = {"name": name, **({"domain_id": domain_id} if domain_id else {})}
    return next(iter(groups(cloud).list(**filters)), None)

"""Keystone groups: the people of an agency by what they may do."""

from __future__ import annotations

from typing import Any

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.directory import Directory


def groups(cloud: Cloud) -> Collection:
    return Directory(cloud.service("identity"), "/groups", "group")


def group_named(cloud: Cloud, name: str, domain_id: str | None) -> Thing | None:
    """The group of this name in the domain."""
    filters: dict[str, Any] = {"name": name, **({"domain_id": domain_id} if domain_id else {})}
    return next(iter(groups(cloud).list(**filters)), None)

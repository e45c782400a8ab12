"""Keystone users."""

from __future__ import annotations

from typing import Any

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.directory import Directory


def users(cloud: Cloud) -> Collection:
    return Directory(cloud.service("identity"), "/users", "user")


def user_named(cloud: Cloud, name: str, domain_id: str | None) -> Thing | None:
    """The user of this name in the domain."""
    filters: dict[str, Any] = {"name": name, **({"domain_id": domain_id} if domain_id else {})}
    return next(iter(users(cloud).list(**filters)), None)

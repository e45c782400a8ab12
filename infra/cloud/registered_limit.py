"""Keystone's registered limits: the default that every project has of a service's resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.limit import Limits, alike


def registered_limits(cloud: Cloud) -> Collection:
    return Limits(cloud.service("identity"), "/registered_limits", "registered_limit")


def registered_limit_of(cloud: Cloud, values: Mapping[str, Any]) -> Thing | None:
    """The registered limit of the same resource, None when there is none."""
    return alike(registered_limits(cloud), values, ("service_id", "resource_name", "region_id"))

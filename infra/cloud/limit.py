"""Keystone's unified limits: what one project or domain may have of a registered limit's resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.service import Service


class Limits(Collection):
    """Keystone creates limits by the list."""

    def __init__(self, service: Service, path: str, singular: str) -> None:
        super().__init__(service, path, singular, path.strip("/"), change="PATCH")

    def _create(self, values: Mapping[str, Any], **beside: Any) -> Thing:
        body = {self.plural: [dict(values)], **beside}
        return dict(self.service.request("POST", self.path, json=body)[self.plural][0])


def limits(cloud: Cloud) -> Collection:
    """Every limit; an older Keystone lists only those of our token's project."""
    return Limits(cloud.service("identity"), "/limits", "limit")


def limit_of(cloud: Cloud, values: Mapping[str, Any]) -> Thing | None:
    """The limit of the same resource for the same project or domain, None when there is none."""
    return alike(
        limits(cloud), values, ("service_id", "resource_name", "region_id", "project_id", "domain_id")
    )


def alike(collection: Collection, values: Mapping[str, Any], keys: tuple[str, ...]) -> Thing | None:
    """The thing with the same values under `keys`: what Keystone allows one of."""
    filters = {key: values[key] for key in keys if values.get(key)}
    rows = collection.list(**filters)
    return next((row for row in rows if all(row.get(key) == values.get(key) for key in keys)), None)

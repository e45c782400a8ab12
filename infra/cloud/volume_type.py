"""Cinder volume types: their extra specs, and the projects that may use the private ones."""

from __future__ import annotations

from collections.abc import Mapping

from infra.cloud.collection import Collection
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound


def volume_types(cloud: Cloud) -> Collection:
    """Every volume type; an administrator passes `is_public="None"` to a list to see the private ones too."""
    return Collection(
        cloud.service("volume"), "/types", "volume_type", "volume_types", everyone={"is_public": "None"}
    )


def set_extra_specs(
    cloud: Cloud, type_id: str, wanted: Mapping[str, str], present: Mapping[str, str]
) -> None:
    """Make the type's extra specs those of `wanted`, given those that are `present`."""
    service = cloud.service("volume")
    for key in sorted(present.keys() - wanted.keys()):
        try:
            service.request("DELETE", f"/types/{type_id}/extra_specs/{key}")
        except NotFound:
            continue
    fresh = {key: value for key, value in wanted.items() if present.get(key) != value}
    if fresh:
        service.request("POST", f"/types/{type_id}/extra_specs", json={"extra_specs": fresh})


def access(cloud: Cloud, type_id: str) -> Collection:
    """The projects that may use a private type: rows with `project_id`, one listing for each type."""
    return Collection(
        cloud.service("volume"), f"/types/{type_id}/os-volume-type-access", "", "volume_type_access"
    )


def give_access(cloud: Cloud, type_id: str, project_id: str) -> None:
    """Raises Conflict when the project has it already."""
    volume_types(cloud).act(type_id, {"addProjectAccess": {"project": project_id}})


def take_access(cloud: Cloud, type_id: str, project_id: str) -> None:
    """That the project has none, or the type is gone, is success."""
    try:
        volume_types(cloud).act(type_id, {"removeProjectAccess": {"project": project_id}})
    except NotFound:
        return

"""Nova flavors with their extra specs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.cloud.collection import Collection
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound


def flavors(cloud: Cloud) -> Collection:
    """Every flavor; pass `is_public="None"` to a list to see the private ones too."""
    return Collection(
        cloud.service("compute"),
        "/flavors",
        "flavor",
        "flavors",
        listing="/flavors/detail",
        everyone={"is_public": "None"},
    )


def set_extra_specs(
    cloud: Cloud, flavor_id: str, wanted: Mapping[str, str], present: Mapping[str, str]
) -> None:
    """Make the flavor's extra specs those of `wanted`, given those that are `present`."""
    compute = cloud.service("compute")
    for key in present.keys() - wanted.keys():
        try:
            compute.request("DELETE", f"/flavors/{flavor_id}/os-extra_specs/{key}")
        except NotFound:
            continue
    fresh: dict[str, Any] = {key: value for key, value in wanted.items() if present.get(key) != value}
    if fresh:
        compute.request("POST", f"/flavors/{flavor_id}/os-extra_specs", json={"extra_specs": fresh})

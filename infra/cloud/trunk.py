"""Neutron trunks and the sub-ports in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from infra.cloud.collection import Collection
from infra.cloud.connection import Cloud


def trunks(cloud: Cloud) -> Collection:
    return Collection(cloud.service("network"), "/trunks", "trunk", "trunks")


def change_sub_ports(
    cloud: Cloud, trunk_id: str, verb: Literal["add", "remove"], rows: Sequence[dict[str, Any]]
) -> None:
    """Add sub-ports (port_id, segmentation_type, segmentation_id) or remove them (port_id)."""
    cloud.service("network").request(
        "PUT", f"/trunks/{trunk_id}/{verb}_subports", json={"sub_ports": [*rows]}
    )

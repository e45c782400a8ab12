"""Cinder QoS specs: limits that volume types may be associated with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.cloud.collection import Collection
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound


def volume_qos(cloud: Cloud) -> Collection:
    return Collection(cloud.service("volume"), "/qos-specs", "qos_specs", "qos_specs")


def set_specs(
    cloud: Cloud, qos_id: str, consumer: str, wanted: Mapping[str, str], present: Mapping[str, str]
) -> None:
    """Make the specs those of `wanted`, given those that are `present`; `consumer` "" leaves it."""
    gone = sorted(present.keys() - wanted.keys())
    service = cloud.service("volume")
    if gone:
        service.request("PUT", f"/qos-specs/{qos_id}/delete_keys", json={"keys": gone})
    fresh: dict[str, Any] = {key: value for key, value in wanted.items() if present.get(key) != value}
    if consumer:
        fresh["consumer"] = consumer
    if fresh:
        volume_qos(cloud).change(qos_id, fresh)


def associate(cloud: Cloud, qos_id: str, type_id: str) -> None:
    """Put the specs on a volume type, which holds one set at most."""
    _change(cloud, f"/qos-specs/{qos_id}/associate", {"vol_type_id": type_id})


def dissociate(cloud: Cloud, qos_id: str, type_id: str) -> None:
    """Take the specs off a volume type; that they, or the type, are gone is success."""
    try:
        _change(cloud, f"/qos-specs/{qos_id}/disassociate", {"vol_type_id": type_id})
    except NotFound:
        return


def dissociate_all(cloud: Cloud, qos_id: str) -> None:
    """Take the specs off every volume type; that they are gone is success."""
    try:
        _change(cloud, f"/qos-specs/{qos_id}/disassociate_all", {})
    except NotFound:
        return


def _change(cloud: Cloud, path: str, params: Mapping[str, str]) -> None:
    """Cinder changes these by a GET: the listings that reads share have to hear of it."""
    service = cloud.service("volume")
    with service.listings.writes:
        service.request("GET", path, params=params)

"""Cinder volumes, what is done to them, and why it failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.cloud.collection import Collection, Thing, Things
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound, WentWrong


def volumes(cloud: Cloud) -> Collection:
    """The volumes of our project; an administrator passes `all_tenants="1"` to a list to see everyone's."""
    return Collection(
        cloud.service("volume"),
        "/volumes",
        "volume",
        "volumes",
        listing="/volumes/detail",
        everyone={"all_tenants": "1"},
    )


def volumes_with(cloud: Cloud, key: str, value: str) -> Things:
    """Our project's volumes that have this metadata."""
    return volumes(cloud).list(metadata=str({key: value}))


def set_metadata(cloud: Cloud, volume_id: str, wanted: Mapping[str, str]) -> None:
    """Make this all the metadata that the volume has of ours; what Cinder keeps for itself stays."""
    cloud.service("volume").request("PUT", f"/volumes/{volume_id}/metadata", json={"metadata": dict(wanted)})


def reason(cloud: Cloud, volume_id: str) -> str:
    """Cinder's own latest message on a volume, "" when it has none."""
    try:
        messages = cloud.service("volume").request(
            "GET", "/messages", params={"resource_uuid": volume_id, "sort": "created_at:desc"}
        )["messages"]
    except NotFound:
        return ""
    return str(messages[0]["user_message"]) if messages else ""


def must_not_be_in_error(cloud: Cloud, volume: Thing) -> None:
    """Raise WentWrong with Cinder's reason when the volume is in one of its error states."""
    if str(volume["status"]).startswith("error"):
        why = reason(cloud, str(volume["id"])) or "cinder gives no reason; see cinder-volume's journal"
        raise WentWrong(f"volume {volume.get('name')} ({volume['id']}) is {volume['status']}: {why}")


def attachment_to(volume: Thing, *, server: str = "", host: str = "") -> dict[str, Any] | None:
    """The volume's attachment to a server, or to a host without one; None when there is none."""
    for one in volume.get("attachments") or []:
        if server and one.get("server_id") == server:
            return dict(one)
        if host and not one.get("server_id") and one.get("host_name") == host:
            return dict(one)
    return None

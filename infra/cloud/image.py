"""Glance images: records, and the bytes behind them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound, Refused
from infra.cloud.service import pages

_PATCH = "application/openstack-images-v2.1-json-patch"
_PAGE = 1000
"""Images in one answer: what Glance gives at most, where it is not told otherwise."""


def list_images(cloud: Cloud, **filters: Any) -> list[Thing]:
    """The images that we may see and that pass Glance's own filters (`name`, `tag`)."""
    return [*pages(cloud.service("image"), "/images", "images", filters)]


def find_image(cloud: Cloud, identity: str) -> Thing | None:
    """The image with this id, None when there is none (any more)."""
    try:
        return dict(cloud.service("image").request("GET", f"/images/{identity}"))
    except NotFound:
        return None


def images(cloud: Cloud) -> Collection:
    """The images that Glance lists for us, to be read: hidden ones and those of other communities only by
    their id.
    """
    return Collection(cloud.service("image"), "/images", "", "images", everyone={"limit": _PAGE})


def create_image(cloud: Cloud, values: Mapping[str, Any]) -> Thing:
    """A queued image record, without bytes yet."""
    return dict(cloud.service("image").request("POST", "/images", json=dict(values)))


def upload(cloud: Cloud, identity: str, file: Path) -> None:
    """Send the bytes of `file`, streamed; raises what the cloud says, and the image stays queued then."""
    with file.open("rb") as stream:
        cloud.service("image").request(
            "PUT",
            f"/images/{identity}/file",
            data=stream,
            headers={"Content-Type": "application/octet-stream"},
        )


def import_from(cloud: Cloud, identity: str, url: str) -> None:
    """Have Glance itself fetch the bytes; it goes on by itself after this."""
    method = {"name": "web-download", "uri": url}
    cloud.service("image").request("POST", f"/images/{identity}/import", json={"method": method})


def import_failure(cloud: Cloud, identity: str) -> str | None:
    """Why Glance's latest attempt to fetch the bytes failed, None while none has: it is asked for tasks."""
    try:
        tasks = cloud.service("image").request("GET", f"/images/{identity}/tasks")["tasks"]
    except (NotFound, Refused):
        return None
    latest: Thing = max(tasks, key=lambda task: str(task.get("created_at")), default={})
    return str(latest.get("message") or "it does not say why") if latest.get("status") == "failure" else None


def change_image(
    cloud: Cloud, image: Thing, values: Mapping[str, Any], drop: frozenset[str] = frozenset()
) -> Thing:
    """Set attributes and custom properties; `drop` names custom properties to remove."""
    steps = [
        {"op": "replace" if key in image else "add", "path": f"/{key}", "value": value}
        for key, value in values.items()
    ]
    steps += [{"op": "remove", "path": f"/{key}"} for key in sorted(drop) if key in image]
    if not steps:
        return image
    answer = cloud.service("image").request(
        "PATCH", f"/images/{image['id']}", json=steps, headers={"Content-Type": _PATCH}
    )
    return dict(answer)


def remove_image(cloud: Cloud, identity: str) -> None:
    """Remove it; that it is gone already is success."""
    try:
        cloud.service("image").request("DELETE", f"/images/{identity}")
    except NotFound:
        return

"""Which projects share a Glance image, and whether they have accepted it."""

from __future__ import annotations

from infra.cloud.collection import Thing, Things
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound


def share(cloud: Cloud, image_id: str, project_id: str) -> Thing:
    """Offer the image to the project; raises Conflict when that was done before."""
    return dict(
        cloud.service("image").request("POST", f"/images/{image_id}/members", json={"member": project_id})
    )


def find_share(cloud: Cloud, image_id: str, project_id: str) -> Thing | None:
    """The project's share in the image, None when it has none or the image is gone."""
    try:
        return dict(cloud.service("image").request("GET", f"/images/{image_id}/members/{project_id}"))
    except NotFound:
        return None


def look_share(cloud: Cloud, image_id: str, project_id: str) -> Thing | None:
    """The same for a read: a listing that is a few seconds old will do."""
    return cloud.service("image").listings.one(
        f"/images/{image_id}/members",
        project_id,
        lambda: find_share(cloud, image_id, project_id),
        lambda: [{**row, "id": row["member_id"]} for row in _rows(cloud, image_id)],
    )


def answer(cloud: Cloud, image_id: str, project_id: str, status: str) -> Thing:
    """Say accepted, rejected or pending for the project: its own right, and an administrator's."""
    path = f"/images/{image_id}/members/{project_id}"
    return dict(cloud.service("image").request("PUT", path, json={"status": status}))


def unshare(cloud: Cloud, image_id: str, project_id: str) -> None:
    """Take the image back from the project; that it has no share, or that the image is gone, is success."""
    try:
        cloud.service("image").request("DELETE", f"/images/{image_id}/members/{project_id}")
    except NotFound:
        return


def _rows(cloud: Cloud, image_id: str) -> Things:
    try:
        return Things(cloud.service("image").request("GET", f"/images/{image_id}/members")["members"])
    except NotFound:
        return []

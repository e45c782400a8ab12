"""Which Keystone users are in which groups."""

from __future__ import annotations

from infra.cloud.collection import Thing, Things
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound, Refused
from infra.cloud.service import Service, pages


def add_member(cloud: Cloud, group_id: str, user_id: str) -> None:
    """Put the user into the group; doing it twice changes nothing."""
    cloud.service("identity").request("PUT", f"/groups/{group_id}/users/{user_id}")


def is_member(cloud: Cloud, group_id: str, user_id: str) -> bool:
    """Whether the user is in the group, for a read: a listing that is a few seconds old will do."""
    identity, path = cloud.service("identity"), f"/groups/{group_id}/users"
    found = identity.listings.one(
        path, user_id, lambda: _single(identity, path, user_id), lambda: _all(identity, path)
    )
    return found is not None


def remove_member(cloud: Cloud, group_id: str, user_id: str) -> None:
    """Take the user out of the group; that they are not in it, or that either is gone, is success."""
    try:
        cloud.service("identity").request("DELETE", f"/groups/{group_id}/users/{user_id}")
    except NotFound:
        return


def _single(identity: Service, path: str, user_id: str) -> Thing | None:
    try:
        identity.request("GET", f"{path}/{user_id}")
    except NotFound:
        return None
    return {"id": user_id}


def _all(identity: Service, path: str) -> Things:
    """The members; none for who may not list them, or of a group that is gone."""
    try:
        return [*pages(identity, path, "users", {})]
    except (NotFound, Refused):
        return []

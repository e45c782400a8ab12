"""Nova keypairs: public keys of one user, by name."""

from __future__ import annotations

from typing import Any

from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound


def create_keypair(cloud: Cloud, name: str, public_key: str, user_id: str = "") -> Thing:
    """A new keypair, ours or (for an administrator) another user's. Without a key, nova 2.92 and later
    refuse.
    """
    values: dict[str, Any] = {
        "name": name,
        "public_key": public_key,
        **({"user_id": user_id} if user_id else {}),
    }
    return dict(cloud.service("compute").request("POST", "/os-keypairs", json={"keypair": values})["keypair"])


def find_keypair(cloud: Cloud, name: str, user_id: str = "") -> Thing | None:
    """The keypair of this name, None when there is none."""
    try:
        body = cloud.service("compute").request("GET", f"/os-keypairs/{name}", params=_of(user_id))
    except NotFound:
        return None
    return dict(body["keypair"])


def remove_keypair(cloud: Cloud, name: str, user_id: str = "") -> None:
    """Remove it; that it is gone already is success."""
    try:
        cloud.service("compute").request("DELETE", f"/os-keypairs/{name}", params=_of(user_id))
    except NotFound:
        return


def _of(user_id: str) -> dict[str, str]:
    return {"user_id": user_id} if user_id else {}

"""Nova keypairs: public keys of one user, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound
from infra.cloud.service import pages


def create_keypair(
    cloud: Cloud, name: str, public_key: str, user_id: str = "", more: Mapping[str, str] | None = None
) -> Thing:
    """A new keypair, ours or (for an administrator) another user's; `more` are further attributes of the
    request.
    """
    values: dict[str, Any] = {"name": name, "public_key": public_key, **_of(user_id), **(more or {})}
    return dict(cloud.service("compute").request("POST", "/os-keypairs", json={"keypair": values})["keypair"])


def find_keypair(cloud: Cloud, name: str, user_id: str = "") -> Thing | None:
    """The keypair of this name, None when there is none."""
    try:
        body = cloud.service("compute").request("GET", _path(name), params=_of(user_id))
    except NotFound:
        return None
    return dict(body["keypair"])


def look_keypair(cloud: Cloud, name: str, user_id: str = "") -> Thing | None:
    """The same for a read: a listing that is a few seconds old will do."""
    return cloud.service("compute").listings.one(
        f"/os-keypairs?{user_id}",
        name,
        lambda: find_keypair(cloud, name, user_id),
        lambda: _all(cloud, user_id),
    )


def remove_keypair(cloud: Cloud, name: str, user_id: str = "") -> None:
    """Remove it; that it is gone already is success."""
    try:
        cloud.service("compute").request("DELETE", _path(name), params=_of(user_id))
    except NotFound:
        return


def _all(cloud: Cloud, user_id: str) -> Iterator[Thing]:
    """One user's keypairs; a listing does not say whose they are, so that is added."""
    whose = user_id or cloud.user_id
    for row in pages(cloud.service("compute"), "/os-keypairs", "keypairs", _of(user_id)):
        yield {**row["keypair"], "id": row["keypair"]["name"], "user_id": whose}


def _path(name: str) -> str:
    return f"/os-keypairs/{quote(name, safe='@')}"


def _of(user_id: str) -> dict[str, str]:
    return {"user_id": user_id} if user_id else {}

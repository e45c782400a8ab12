"""Servers that are deployments of the portal: found by their metadata, rebooted, locked, kept as images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.image import list_images, remove_image
from infra.cloud.server import servers
from infra.domain.blueprint import ARCHIVE_KEY, DEPLOYMENT_KEY, REBOOTS_KEY


def deployed_servers(cloud: Cloud, deployments: Iterable[str]) -> Mapping[str, Thing]:
    """Deployment's id -> its server, of those that have one."""
    wanted = frozenset(deployments)
    if not wanted:
        return {}
    found = servers(cloud).list(all_tenants="true")
    named = {str(one.get("metadata", {}).get(DEPLOYMENT_KEY, "")): one for one in found}
    return {id_: one for id_, one in named.items() if id_ in wanted}


def reboots_done(server: Thing) -> int:
    """How often its owner's wish to reboot it was met."""
    told = str(server.get("metadata", {}).get(REBOOTS_KEY, "0"))
    return int(told) if told.isdigit() else 0


def reboot(cloud: Cloud, server: Thing) -> None:
    """As its own system shuts down and starts; one that does not run is left as it is."""
    if server["status"] == "ACTIVE":
        servers(cloud).act(server["id"], {"reboot": {"type": "SOFT"}})


def set_locked(cloud: Cloud, server: Thing, *, locked: bool) -> None:
    """A locked server does nothing that its agency asks of the cloud beside the portal."""
    if bool(server.get("locked")) != locked:
        servers(cloud).act(server["id"], {"lock" if locked else "unlock": None})


def archived(cloud: Cloud, deployment: str, server: Thing | None) -> bool:
    """Whether an image of the server is kept as its archive; asked for if there is none. A deployment without
    a server has nothing to keep.
    """
    if server is None:
        return True
    kept = archives(cloud, deployment)
    if not kept:
        name, about = f"archive of {server['name']}", {ARCHIVE_KEY: deployment}
        servers(cloud).act(server["id"], {"createImage": {"name": name, "metadata": about}})
    return any(one["status"] == "active" for one in kept)


def archives(cloud: Cloud, deployment: str) -> list[Thing]:
    return [one for one in list_images(cloud) if one.get(ARCHIVE_KEY) == deployment]


def remove_archives(cloud: Cloud, deployment: str) -> None:
    for one in archives(cloud, deployment):
        remove_image(cloud, one["id"])

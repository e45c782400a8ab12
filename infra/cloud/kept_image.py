"""Images that are kept of deployments' servers: snapshots, and archives at the end of a life.

An image takes over properties of the one that its server was made from. So each says all that it is, and all
that it is not: else the archive of a server that went back to a snapshot would go with that snapshot.
"""

from __future__ import annotations

from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.deployed import deployed_servers
from infra.cloud.errors import NotFound, WentWrong
from infra.cloud.image import change_image, find_image, list_images, remove_image
from infra.cloud.server import servers
from infra.domain.blueprint import ARCHIVE_KEY, SNAPSHOT_KEY, SNAPSHOT_OF_KEY

NONE = "none"
"""That an image is not this, said with a word: no deployment has it for an id."""


def archived(cloud: Cloud, deployment: str, server: Thing | None) -> bool:
    """Whether an image of the server is kept as its archive; asked for if there is none. A deployment without
    a server has nothing to keep.
    """
    if server is None:
        return True
    kept = archives(cloud, deployment)
    if not kept:
        about = {ARCHIVE_KEY: deployment, SNAPSHOT_KEY: NONE, SNAPSHOT_OF_KEY: NONE}
        _make(cloud, server, f"archive of {server['name']}", about)
    return any(one["status"] == "active" for one in kept)


def archives(cloud: Cloud, deployment: str) -> list[Thing]:
    return [one for one in list_images(cloud) if one.get(ARCHIVE_KEY) == deployment]


def snapshot(cloud: Cloud, id_: str, deployment: str, name: str, server: Thing | None) -> str:
    """The image of the snapshot with this id: there already, or asked for now. Raises NotFound where the
    server is gone.
    """
    kept = _snapshots(cloud, id_)
    if kept:
        return str(kept[0]["id"])
    if server is None:
        raise NotFound(f"deployment {deployment} has no server of which a snapshot could be taken")
    about = {SNAPSHOT_KEY: id_, SNAPSHOT_OF_KEY: deployment, ARCHIVE_KEY: NONE}
    return _make(cloud, server, f"{server['name']}: {name}", about)


def archive_as_snapshot(cloud: Cloud, id_: str, deployment: str) -> str:
    """The image of a deployment's archive becomes that of the snapshot with this id, so that the next archive
    is a new one. Raises WentWrong where there is none.
    """
    kept = _snapshots(cloud, id_)
    for one in archives(cloud, deployment):
        about = {SNAPSHOT_KEY: id_, SNAPSHOT_OF_KEY: deployment, ARCHIVE_KEY: NONE}
        kept.append(change_image(cloud, one, about))
    if not kept:
        raise WentWrong(f"the archive of deployment {deployment} is not in the cloud any more")
    return str(kept[0]["id"])


def image_size(cloud: Cloud, image: str, deployment: str) -> int | None:
    """Bytes; None while the deployment's server is at work on it. Raises WentWrong where the cloud gave it
    up: an image can be left behind that will never be whole.
    """
    server = deployed_servers(cloud, [deployment]).get(deployment)  # first: it is at work until after the end
    at_work = str((server or {}).get("OS-EXT-STS:task_state") or "").startswith("image_")
    found = find_image(cloud, image)
    status = str(found["status"]) if found is not None else "gone"
    if found is not None and status == "active":
        return int(found.get("size") or 0)
    if found is not None and at_work:
        return None
    raise WentWrong(
        f"the cloud did not make image {image} of its disk: it is {status} (nova-compute's journal says why)"
    )


def remove_snapshot(cloud: Cloud, id_: str) -> None:
    for one in _snapshots(cloud, id_):
        remove_image(cloud, one["id"])


def remove_kept(cloud: Cloud, deployment: str) -> None:
    """All that is kept of a deployment: its archive and its snapshots."""
    for one in list_images(cloud):
        if deployment in (one.get(ARCHIVE_KEY), one.get(SNAPSHOT_OF_KEY)):
            remove_image(cloud, one["id"])


def _snapshots(cloud: Cloud, id_: str) -> list[Thing]:
    """The oldest first: two are made where an answer of the cloud was lost, and go together."""
    found = [one for one in list_images(cloud) if one.get(SNAPSHOT_KEY) == id_]
    return sorted(found, key=lambda one: (str(one.get("created_at", "")), str(one["id"])))


def _make(cloud: Cloud, server: Thing, name: str, about: dict[str, str]) -> str:
    told = servers(cloud).act(server["id"], {"createImage": {"name": name, "metadata": about}})
    return str(told["image_id"])

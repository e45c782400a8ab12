"""Disks of an agency brought into a form that can be read: stopped, free, snapshotted, and as Glance images.

Everything made here has a name that only this off-boarding gives, and is found by it: a run that was killed
goes on with what it had made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import CloudError, Conflict, NotFound, QuotaReached, Refused
from infra.cloud.image import find_image, list_images, remove_image
from infra.cloud.quota import VOLUME, quota_use, read_quota, set_quota
from infra.cloud.service import pages
from infra.cloud.waiting import Deadline

FORMAT = "qcow2"
"""How volumes are written: only what was ever written to them takes room."""
_RESTING = frozenset({"SHUTOFF", "SHELVED", "SHELVED_OFFLOADED", "ERROR", "SOFT_DELETED", "DELETED"})
_FIRST = {"PAUSED": "unpause", "SUSPENDED": "resume", "RESCUE": "unrescue", "VERIFY_RESIZE": "confirmResize"}
"""States from which a server must be brought back before it can be stopped: the rest of its disk is in its
memory, or in another place."""


class DiskNotExportable(CloudError):
    """The cloud cannot give the bytes of a disk; nothing was deleted. Mend the cause and run again, or give
    the disk up with --without ID=REASON, which the record will say."""

    code = "disk_not_exportable"


def stop_server(cloud: Cloud, identity: str, deadline: Deadline) -> str:
    """Stop a server in order; returns the state it rests in. One that is gone rests, too."""
    server = _server(cloud, identity)
    if server is None or server["status"] in _RESTING:
        return server["status"] if server else "DELETED"
    first = _FIRST.get(server["status"])
    if first:
        _act(cloud, identity, {first: None})
        deadline.wait(
            f"server {server['name']} to {first}", lambda: _in(cloud, identity, {"ACTIVE", "SHUTOFF"})
        )
    if _status(cloud, identity) == "ACTIVE":
        _act(cloud, identity, {"os-stop": None})
    deadline.wait(
        f"server {server['name']} to stop",
        lambda: _in(cloud, identity, _RESTING),
        lambda: _status(cloud, identity),
    )
    return _status(cloud, identity)


def start_server(cloud: Cloud, identity: str, deadline: Deadline) -> None:
    """Start a stopped server and wait until it runs."""
    if _status(cloud, identity) == "SHUTOFF":
        _act(cloud, identity, {"os-start": None})
    deadline.wait(f"server {identity} to start", lambda: _in(cloud, identity, {"ACTIVE", "ERROR", "DELETED"}))


def detach(cloud: Cloud, server_id: str, volume_id: str, deadline: Deadline) -> None:
    """Take a volume off a stopped server, so that it can be read; that it is off already is success."""
    try:
        cloud.service("compute").request("DELETE", f"/servers/{server_id}/os-volume_attachments/{volume_id}")
    except NotFound:
        return
    deadline.wait(
        f"volume {volume_id} to come off server {server_id}",
        lambda: True if find_volume(cloud, volume_id).get("status") != "detaching"
        and not _attached(find_volume(cloud, volume_id), server_id) else None,
    )  # fmt: skip


def attach(cloud: Cloud, server_id: str, volume_id: str, device: str, deadline: Deadline) -> None:
    """Put a volume back on a server; that it is there already is success."""
    if not _attached(find_volume(cloud, volume_id), server_id):
        body = {"volumeAttachment": {"volumeId": volume_id, "device": device}}
        cloud.service("compute").request("POST", f"/servers/{server_id}/os-volume_attachments", json=body)
    deadline.wait(
        f"volume {volume_id} to be on server {server_id}",
        lambda: True if find_volume(cloud, volume_id).get("status") == "in-use" else None,
    )


def find_volume(cloud: Cloud, identity: str) -> Thing:
    """The volume; empty when there is none (any more)."""
    try:
        return dict(cloud.service("volume").request("GET", f"/volumes/{identity}")["volume"])
    except NotFound:
        return {}


def snapshot_volume(cloud: Cloud, volume: Thing, name: str, deadline: Deadline) -> str:
    """A snapshot of this name, made if there is none; returns its id. Raises DiskNotExportable."""
    found = _named(cloud, "/snapshots/detail", "snapshots", name)
    if found is None:
        _room_for(cloud, "snapshots", int(volume["size"]))
        body = {"snapshot": {"volume_id": volume["id"], "name": name, "description": "off-boarding"}}
        found = _asked(
            f"volume {volume['id']}", lambda: cloud.service("volume").request("POST", "/snapshots", json=body)
        )["snapshot"]
    return _ready(cloud, "snapshot", str(found["id"]), deadline)


def volume_of_snapshot(cloud: Cloud, snapshot_id: str, size: int, name: str, deadline: Deadline) -> str:
    """A volume of this name with the snapshot's content, made if there is none; returns its id. For a volume
    that cannot be taken off its server: the one that it boots from."""
    found = _named(cloud, "/volumes/detail", "volumes", name)
    if found is None:
        _room_for(cloud, "volumes", size)
        body = {"volume": {"snapshot_id": snapshot_id, "name": name, "size": size}}
        found = _asked(
            f"snapshot {snapshot_id}", lambda: cloud.service("volume").request("POST", "/volumes", json=body)
        )["volume"]
    return _ready(cloud, "volume", str(found["id"]), deadline)


def remove_volume_named(cloud: Cloud, name: str, deadline: Deadline) -> None:
    """Remove our copy of a volume and wait until it is gone."""
    found = _named(cloud, "/volumes/detail", "volumes", name)
    if found is None:
        return
    deadline.wait(f"volume {name} to be free", lambda: _free(cloud, found["id"]))
    try:
        cloud.service("volume").request("DELETE", f"/volumes/{found['id']}")
    except NotFound:
        return
    deadline.wait(f"volume {name} to be gone", lambda: None if find_volume(cloud, found["id"]) else True)


def image_of_volume(cloud: Cloud, volume_id: str, name: str, deadline: Deadline) -> Thing:
    """An image of this name with the volume's bytes, made if there is none. Raises DiskNotExportable."""
    if not list_images(cloud, name=name):
        action = {"image_name": name, "disk_format": FORMAT, "container_format": "bare", "force": False}
        _asked(
            f"volume {volume_id}",
            lambda: cloud.service("volume").request(
                "POST", f"/volumes/{volume_id}/action", json={"os-volume_upload_image": action}
            ),
        )

    def busy() -> bool:
        return bool(find_volume(cloud, volume_id).get("status") == "uploading")

    image = _active(cloud, f"volume {volume_id}", name, busy, deadline)
    deadline.wait(f"volume {volume_id} to be free again", lambda: True if not busy() else None)
    return image


def image_of_server(cloud: Cloud, server_id: str, name: str, deadline: Deadline) -> Thing:
    """An image of this name with the disk of a stopped server, made if there is none. Raises
    DiskNotExportable."""
    if not list_images(cloud, name=name):
        body = {"createImage": {"name": name, "metadata": {"citycloud_offboarding": server_id}}}
        _asked(f"server {server_id}", lambda: _act(cloud, server_id, body))

    def busy() -> bool:
        return bool((_server(cloud, server_id) or {}).get("OS-EXT-STS:task_state"))

    return _active(cloud, f"server {server_id}", name, busy, deadline)


def _active(cloud: Cloud, what: str, name: str, busy: Callable[[], bool], deadline: Deadline) -> Thing:
    """The image when it has its bytes. It failed when it is not active and nobody works on it."""

    def look() -> Thing | None:
        at_work = busy()  # asked first: an image becomes active before its maker is done
        images = list_images(cloud, name=name)
        image = next((one for one in images if one["status"] == "active"), None)
        if image is None and not at_work:
            for one in images:
                remove_image(cloud, one["id"])
            raise DiskNotExportable(
                f"{what}: the cloud did not make an image of its disk (the journals of nova-compute and"
                f" cinder-volume have the reason); {_way_out(what)}"
            )
        return find_image(cloud, image["id"]) if image else None

    return deadline.wait(f"an image of {what}", look)


def _ready(cloud: Cloud, kind: str, identity: str, deadline: Deadline) -> str:
    def look() -> str | None:
        found = cloud.service("volume").request("GET", f"/{kind}s/{identity}")[kind]
        if str(found["status"]).startswith("error"):
            cloud.service("volume").request("DELETE", f"/{kind}s/{identity}")
            raise DiskNotExportable(
                f"{kind} {identity} ended in {found['status']} (cinder-volume's journal has the reason);"
                " mend it, or give the volume up: --without VOLUME=REASON"
            )
        return identity if found["status"] == "available" else None

    return deadline.wait(f"{kind} {identity} to be available", look)


def _asked(what: str, ask: Callable[[], Any]) -> Any:
    """What the cloud answers; a refusal is about this disk."""
    try:
        return ask()
    except QuotaReached:
        raise
    except (Conflict, Refused, NotFound) as refused:
        raise DiskNotExportable(f"{what} cannot be copied: {refused}; {_way_out(what)}") from refused


def _way_out(what: str) -> str:
    return f"mend it, or give the disk up: --without {what.split()[1]}=REASON"


def copy_limits(cloud: Cloud) -> dict[str, int]:
    """The limits of the project that copies are made in, as they stand."""
    limits = read_quota(cloud, VOLUME, cloud.project_id)
    return {name: int(limits[name]) for name in ("snapshots", "volumes", "gigabytes") if name in limits}


def restore_copy_limits(cloud: Cloud, limits: Mapping[str, int]) -> None:
    """Take back what `snapshot_volume` and `volume_of_snapshot` may have raised."""
    now = copy_limits(cloud)
    changed = {name: limit for name, limit in limits.items() if now.get(name) != limit}
    if changed:
        set_quota(cloud, VOLUME, cloud.project_id, changed)


def _room_for(cloud: Cloud, kind: str, gib: int) -> None:
    """Copies are made in the administrator's project; its limits must not stop an off-boarding."""
    use = quota_use(cloud, VOLUME, cloud.project_id)
    wanted = {kind: 1, "gigabytes": gib}
    raised = {
        name: use[name].used + more
        for name, more in wanted.items()
        if name in use and 0 <= use[name].limit < use[name].used + more
    }
    if raised:
        set_quota(cloud, VOLUME, cloud.project_id, raised)


def _named(cloud: Cloud, path: str, plural: str, name: str) -> Thing | None:
    every = pages(cloud.service("volume"), path, plural, {"all_tenants": "1"})
    return next((one for one in every if one.get("name") == name), None)


def _server(cloud: Cloud, identity: str) -> Thing | None:
    try:
        return dict(cloud.service("compute").request("GET", f"/servers/{identity}")["server"])
    except NotFound:
        return None


def _status(cloud: Cloud, identity: str) -> str:
    server = _server(cloud, identity)
    return str(server["status"]) if server else "DELETED"


def _in(cloud: Cloud, identity: str, states: set[str] | frozenset[str]) -> str | None:
    status = _status(cloud, identity)
    return status if status in states else None


def _act(cloud: Cloud, identity: str, action: dict[str, Any]) -> Any:
    return cloud.service("compute").request("POST", f"/servers/{identity}/action", json=action)


def _free(cloud: Cloud, volume_id: str) -> bool | None:
    return None if find_volume(cloud, volume_id).get("status") in ("uploading", "creating") else True


def _attached(volume: Thing, server_id: str) -> bool:
    return any(one.get("server_id") == server_id for one in volume.get("attachments", ()))

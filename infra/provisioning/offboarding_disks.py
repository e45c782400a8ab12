"""The agency's disks: which of them can be exported, their snapshots, and their bytes into the folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from infra.cloud import disk
from infra.cloud.errors import NotFound
from infra.cloud.holding import copy_prefix
from infra.cloud.image import find_image, list_images, remove_image
from infra.domain.holding import Holding, Holdings
from infra.errors import Problem, Problems
from infra.provisioning.offboarding_work import Work

_SHELVED = frozenset({"SHELVED", "SHELVED_OFFLOADED"})
_EMPTY = frozenset({"queued", "killed", "deleted", "pending_delete", "deactivated"})
_IMAGES = ("image", "hidden image")


class DisksInTheWay(Problems):
    """Disks that no API gives the bytes of, or waivers that name nothing; nothing was changed."""

    code = "disks_in_the_way"


def disks_in_the_way(holdings: Holdings, waivers: Mapping[str, str], services: Iterable[str]) -> None:
    """Raises DisksInTheWay with every disk that cannot be exported and is not given up, before anything is
    changed."""
    problems = [
        Problem("cloud", f"{one.kind} {one.id}", one.name, why, f"mend it, or: --without {one.id}=REASON")
        for one in holdings
        if (why := _in_the_way(one, holdings)) and not (waivers.get(one.id) or waivers.get(one.name))
    ]
    known = {word for one in holdings.of("server", "volume", *_IMAGES) for word in (one.id, one.name)}
    problems += [
        Problem(
            "command line",
            "--without",
            what,
            "names no server, volume or image",
            "use an id of the inventory",
        )
        for what in waivers
        if what not in known and what not in set(services)
    ]
    if problems:
        raise DisksInTheWay(problems)


def _in_the_way(thing: Holding, holdings: Holdings) -> str:
    """Why no API gives the bytes of this thing, "" where one does or it has none."""
    if thing.kind == "server" and thing.told.get("image"):
        return _server_in_the_way(thing, holdings)
    status = str(thing.told.get("status", ""))
    if thing.kind == "volume" and thing.told.get("encrypted"):
        return "is encrypted: its bytes are of no use without the key manager"
    if thing.kind == "volume" and status not in ("available", "in-use"):
        return f"is {status}: it cannot be read"
    if thing.kind in _IMAGES and status in ("saving", "uploading", "importing"):
        return f"is {status}: its bytes are not all there yet"
    return ""


def _server_in_the_way(server: Holding, holdings: Holdings) -> str:
    status = str(server.told.get("status", ""))
    if int((server.told.get("flavor") or {}).get("ephemeral") or 0):
        return "has a second, ephemeral disk, which no API gives"
    if status in _SHELVED and f"{server.name}-shelved" not in {one.name for one in holdings.of(*_IMAGES)}:
        return "is shelved, and its image is not there"
    if status in ("ERROR", "BUILD", "SOFT_DELETED"):
        return f"is in {status}: no snapshot can be made of it"
    return ""


def has_disk(thing: Holding, told: Mapping[str, Any]) -> bool:
    """Whether bytes belong to it: a server that boots from a volume has none of its own, a shelved one's are
    an image, and an image may never have got any."""
    if thing.kind == "server":
        return bool(told.get("image")) and told.get("status") not in _SHELVED
    if thing.kind in _IMAGES:
        return told.get("status") not in _EMPTY
    return thing.kind == "volume"


class Disks:
    """The disks of one off-boarding."""

    def __init__(self, work: Work) -> None:
        self._cloud = work.cloud
        self._data = work.data
        self._case = work.case
        self._save = work.save
        self._folder = work.folder
        self._say = work.say
        self._deadline = work.deadline

    def snapshot(self) -> None:
        """Volumes come off their stopped servers and are snapshotted; images are made of servers' disks."""
        self._case.copy_limits = self._case.copy_limits or disk.copy_limits(self._cloud)
        self._save()
        for server in self._of("server"):
            self._detach(server)
        for volume in self._to_export("volume"):
            told = disk.find_volume(self._cloud, volume.id)
            name = self._name("snapshot", volume)
            self._case.snapshots[volume.id] = disk.snapshot_volume(self._cloud, told, name, self._deadline())
            self._save()
            self._say(f"volume {volume.name or volume.id}: snapshot is there")
        for server in self._to_export("server"):
            self._say(f"server {server.name}: an image of its disk is being made")
            self._image_of_server(server)

    def transfer(self) -> None:
        """The bytes of volumes, servers and images into the folder, one after the other."""
        for volume in self._to_export("volume"):
            self._one(volume, "volumes", self._image_of_volume)
        for server in self._to_export("server"):
            self._one(server, "servers", self._image_of_server)
        for image in self._to_export(*_IMAGES):
            self._one(image, "images", self._image, own=True)

    def missing(self) -> list[str]:
        """Disks of which there is neither a file nor a reason why not."""
        disks = self._of("volume", "server", *_IMAGES)
        return [
            f"{one.kind} {one.name or one.id}"
            for one in disks
            if self._key(one) not in self._case.files and self._key(one) not in self._case.given_up
        ]

    def _one(
        self, thing: Holding, place: str, image_of: Callable[[Holding], Any], *, own: bool = False
    ) -> None:
        """Fetch one disk, unless that was done; a copy that was made for it is removed."""
        what = f"{thing.kind} {thing.name or thing.id}"
        if self._key(thing) not in self._case.files:
            image = image_of(thing)
            path = f"{place}/{thing.id}.{image.get('disk_format') or 'bin'}"
            written = self._folder.fetch(path, image, self._data, what)
            self._case.files[self._key(thing)] = asdict(written)
            self._save()
            self._say(f"{what}: {written.size} bytes, sha256 {written.sha256}")
        if not own:
            self._drop_copies(thing)

    def _image(self, thing: Holding) -> Any:
        image = find_image(self._cloud, thing.id)
        if image is None:
            raise disk.DiskNotExportable(f"image {thing.id} is gone since the inventory; nothing was deleted")
        return image

    def _image_of_server(self, server: Holding) -> Any:
        name = self._name("server", server)
        return disk.image_of_server(self._cloud, server.id, name, self._deadline())

    def _image_of_volume(self, volume: Holding) -> Any:
        """Of a volume that is made of the snapshot: cinder gives the bytes of no snapshot, of a volume in use
        only where it is set up for that, and with NFS of no volume that has a snapshot."""
        name = self._name("volume", volume)
        self._say(f"volume {volume.name or volume.id}: an image of its snapshot is being made")
        if not any(one["status"] == "active" for one in list_images(self._cloud, name=name)):
            size = int(disk.find_volume(self._cloud, volume.id)["size"])
            twin = self._name("twin", volume)
            made = disk.volume_of_snapshot(
                self._cloud, self._case.snapshots[volume.id], size, twin, self._deadline()
            )
            return disk.image_of_volume(self._cloud, made, name, self._deadline())
        return disk.image_of_volume(self._cloud, volume.id, name, self._deadline())

    def _drop_copies(self, thing: Holding) -> None:
        """The next disk needs the room."""
        for image in list_images(self._cloud, name=self._name(thing.kind, thing)):
            remove_image(self._cloud, image["id"])
        if thing.kind == "volume":
            disk.remove_volume_named(self._cloud, self._name("twin", thing), self._deadline())

    def _detach(self, server: Holding) -> None:
        told = self._told(server)
        root = told.get("OS-EXT-SRV-ATTR:root_device_name") if not told.get("image") else None
        for volume in self._of("volume"):
            for one in disk.find_volume(self._cloud, volume.id).get("attachments", ()):
                if one.get("server_id") == server.id and one.get("device") != root:
                    self._remember([server.id, volume.id, one.get("device")])
                    disk.detach(self._cloud, server.id, volume.id, self._deadline())
                    self._say(f"volume {volume.name or volume.id} is off server {server.name}")

    def _remember(self, attached: list[Any]) -> None:
        """So that it can be put back if the off-boarding is called off."""
        if attached not in self._case.before["attached"]:
            self._case.before["attached"].append(attached)
            self._save()

    def _to_export(self, *kinds: str) -> list[Holding]:
        """Those whose bytes are wanted; for the others the case says why not."""
        wanted = []
        for thing in self._of(*kinds):
            reason = self._case.waived(thing)
            if reason:
                self._case.given_up[self._key(thing)] = reason
            elif self._key(thing) in self._case.files or has_disk(thing, self._told(thing)):
                wanted.append(thing)
            else:
                self._case.given_up.setdefault(self._key(thing), "holds no bytes of its own")
        return wanted

    def _told(self, thing: Holding) -> dict[str, Any]:
        try:
            if thing.kind == "server":
                return dict(self._cloud.service("compute").request("GET", f"/servers/{thing.id}")["server"])
            if thing.kind in _IMAGES:
                return find_image(self._cloud, thing.id) or {}
        except NotFound:
            return {}
        return {}

    def _of(self, *kinds: str) -> list[Holding]:
        return [one for one in self._case.holdings if one.kind in kinds]

    def _name(self, kind: str, thing: Holding) -> str:
        """The name of our copy of a disk: only this off-boarding gives it."""
        return f"{copy_prefix(self._case.agency)}{self._case.id}-{kind}-{thing.id}"

    def _key(self, thing: Holding) -> str:
        return f"{thing.kind}/{thing.id}"

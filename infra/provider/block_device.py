"""The disks that a server is made with: rows of `blockDevices`, and what Nova is sent for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.volume import volumes
from infra.provider import rules
from infra.provider.property import Failure, Property
from infra.provider.resource import State
from infra.provider.values import UNKNOWN

FIELDS = (
    Property("sourceType", required=True, rule=rules.one_of("blank", "image", "volume", "snapshot")),
    Property("destinationType", rule=rules.one_of("local", "volume")),
    Property("uuid"),
    Property("volumeSize", "integer", rule=rules.at_least_one),
    Property("volumeType"),
    Property("bootIndex", "integer", default=0),
    Property("deleteOnTermination", "boolean", default=False),
    Property("deviceType"),
    Property("diskBus"),
    Property("guestFormat"),
    Property("multiattach", "boolean", default=False),
)
_SIZED = frozenset({("image", "volume"), ("blank", "local"), ("blank", "volume")})
_HERE = frozenset({"multiattach"})  # told to no API: ours is recent enough to attach such volumes


def wrong(rows: Any) -> Iterable[Failure]:
    """What is wrong within each row."""
    for index, row in enumerate(rows if isinstance(rows, list) else []):
        if not isinstance(row, dict) or UNKNOWN in row.values():
            continue
        source, destination = row.get("sourceType"), row.get("destinationType")
        path = f"blockDevices[{index}]"
        if not destination:
            yield f"{path}.destinationType", "give volume or local"
        if source != "blank" and not row.get("uuid"):
            yield f"{path}.uuid", f"give the id of the {source} that the disk is made from"
        if (source, destination) in _SIZED and not row.get("volumeSize"):
            yield f"{path}.volumeSize", f"give the size in GB of what is made from {source}"


def needs_image(rows: Any) -> bool:
    """Whether the server itself has an image: not if all its disks come from elsewhere."""
    given = [row for row in rows or [] if isinstance(row, dict)]
    return not given or any(
        (row.get("sourceType"), row.get("destinationType")) == ("image", "local") for row in given
    )


def alike(present: Any, wanted: Any) -> bool:
    """Whether two lists of rows make the same disks; what the official provider writes down as 0 or "" is
    not given."""
    return [_told(row) for row in present or []] == [_told(row) for row in wanted or []]


def requested(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Nova's `block_device_mapping_v2`."""
    return [
        {
            item.key: row[item.name]
            for item in FIELDS
            if item.name not in _HERE and row.get(item.name) not in (None, "")
        }
        for row in rows
    ]


def described(cloud: Cloud, server: Thing) -> list[State]:
    """The rows that would make the boot volume of a server that has no image: what an import writes down.

    A volume without a name was made by Nova itself, from an image or a snapshot; any other was there before.
    """
    attached = server.get("os-extended-volumes:volumes_attached") or []
    if server.get("image") or not attached:
        return []
    root = server.get("OS-EXT-SRV-ATTR:root_device_name") or "/dev/vda"
    rows = []
    for row in attached:
        volume = volumes(cloud).find(str(row["id"]))
        devices = {
            one.get("device")
            for one in (volume or {}).get("attachments", [])
            if one.get("server_id") == server["id"]
        }
        if volume is not None and (len(attached) == 1 or root in devices):
            rows.append(_row(volume, deleted=bool(row.get("delete_on_termination"))))
    return rows[:1]


def _row(volume: Thing, *, deleted: bool) -> State:
    image = (volume.get("volume_image_metadata") or {}).get("image_id")
    row: State = {"sourceType": "volume", "uuid": volume["id"]}
    if not volume.get("name") and volume.get("snapshot_id"):
        row = {"sourceType": "snapshot", "uuid": volume["snapshot_id"], "volumeSize": volume["size"]}
    elif not volume.get("name") and image:
        row = {"sourceType": "image", "uuid": image, "volumeSize": volume["size"]}
    return {**row, "destinationType": "volume", "bootIndex": 0, "deleteOnTermination": deleted}


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    defaults = {item.name: item.default for item in FIELDS}
    return {
        name: value
        for name, value in {**defaults, **row}.items()
        if value not in (None, "") and (name, value) != ("volumeSize", 0)
    }

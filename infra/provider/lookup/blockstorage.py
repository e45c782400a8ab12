"""Functions of the module `blockstorage`: what Cinder knows."""

from __future__ import annotations

from infra.cloud.availability_zone import availability_zones
from infra.cloud.connection import Cloud
from infra.cloud.quota import VOLUME as VOLUME_QUOTA
from infra.cloud.quota import read_quota
from infra.cloud.snapshot import snapshots
from infra.cloud.volume import volumes
from infra.provider.lookup.function import ID, REGION, Answer, Function, Given, fitting, only, shown
from infra.provider.lookup.search import checksum, one_of
from infra.provider.property import Property

_ZONES = (
    ID, REGION,
    Property("state", default="available", kept=True, rule=one_of("available", "unavailable")),
    Property("names", "strings", output=True),
)  # fmt: skip


def _zones(cloud: Cloud, given: Given) -> Answer:
    wanted = given["state"] == "available"
    names = sorted(
        name for name, available in availability_zones(cloud, "volume").items() if available == wanted
    )
    return {"names": names, "id": checksum("".join(f"{name}-" for name in names))}


AVAILABILITY_ZONES = Function(
    "openstack:blockstorage/getAvailabilityZonesV3:getAvailabilityZonesV3", _ZONES, _zones
)

_QUOTA = (
    ID, REGION, Property("projectId", required=True, kept=True),
    *(Property(name, "integer", output=True) for name in (
        "backupGigabytes", "backups", "gigabytes", "groups", "perVolumeGigabytes", "snapshots", "volumes",
    )),
    Property("volumeTypeQuota", "map", output=True),
)  # fmt: skip


def _quota(cloud: Cloud, given: Given) -> Answer:
    limits = read_quota(cloud, VOLUME_QUOTA, given["projectId"])
    by_type = {
        name: str(limit)
        for name, limit in limits.items()
        if name.startswith(("volumes_", "gigabytes_", "snapshots_"))
    }
    identity = f"{given['projectId']}/{cloud.region_name}"
    return {**shown(_QUOTA, limits), "volumeTypeQuota": by_type, "id": identity}


QUOTA = Function("openstack:blockstorage/getQuotasetV3:getQuotasetV3", _QUOTA, _quota)

_SNAPSHOT = (
    ID, REGION,
    Property("name"), Property("status"), Property("volumeId"),
    Property("mostRecent", "boolean", kept=True),
    Property("description", output=True), Property("size", "integer", output=True),
    Property("metadata", "map", output=True),
)  # fmt: skip


def _snapshot(cloud: Cloud, given: Given) -> Answer:
    """Sizes in GiB."""
    found = fitting(_SNAPSHOT, snapshots(cloud).list(), given)
    if given.get("mostRecent") and found:
        found = [max(found, key=lambda thing: str(thing["created_at"]))]
    way_out = "add arguments, or set mostRecent"
    return shown(_SNAPSHOT, only("snapshot", found, given, way_out))


SNAPSHOT = Function("openstack:blockstorage/getSnapshotV3:getSnapshotV3", _SNAPSHOT, _snapshot)

_VOLUME = (
    ID, REGION,
    Property("name"), Property("status"), Property("metadata", "map"), Property("bootable"),
    Property("volumeType"), Property("host", attribute="os-vol-host-attr:host"),
    Property("size", "integer", output=True),
    Property("sourceVolumeId", attribute="source_volid", output=True),
    Property("attachments", "objects", output=True, fields=(
        ID, Property("instanceId", attribute="server_id", output=True), Property("device", output=True),
    )),
)  # fmt: skip


def _volume(cloud: Cloud, given: Given) -> Answer:
    """Sizes in GiB. The volumes are those of our own project, as in the official provider."""
    return shown(_VOLUME, only("volume", fitting(_VOLUME, volumes(cloud).list(), given), given))


VOLUME = Function("openstack:blockstorage/getVolumeV3:getVolumeV3", _VOLUME, _volume)

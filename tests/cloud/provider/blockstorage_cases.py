"""The conformance cases of the block storage types."""

from __future__ import annotations

from typing import Any

from tests.cloud.provider.case import Case, Ground, Inputs

VOLUME = "openstack:blockstorage/volume:Volume"
TYPE = "openstack:blockstorage/volumeTypeV3:VolumeTypeV3"
TYPE_ACCESS = "openstack:blockstorage/volumeTypeAccessV3:VolumeTypeAccessV3"
QOS = "openstack:blockstorage/qosV3:QosV3"
QOS_ASSOCIATION = "openstack:blockstorage/qosAssociationV3:QosAssociationV3"
HOST_ATTACH = "openstack:blockstorage/volumeAttach:VolumeAttach"


def volume(ground: Ground, whose: str) -> str:
    """A volume that one case keeps for all its lives."""
    return str(ground.once(f"volume {whose}", VOLUME, {"name": ground.name("volume"), "size": 1})["id"])


def volume_type(ground: Ground) -> str:
    """A private type of the caller's own."""
    return str(ground.make(TYPE, {"name": ground.name("type")})["id"])


def _volume_action(ground: Ground, identity: str, action: dict[str, Any]) -> None:
    ground.cloud.service("volume").request("POST", f"/volumes/{identity}/action", json=action)


def _shared_type(ground: Ground) -> str:
    """A public type that volumes may be of, and may change to."""
    return str(ground.once("volume type", TYPE, {"name": ground.name("type"), "isPublic": True})["name"])


def _volume(ground: Ground) -> Inputs:
    return {
        "name": ground.name("volume"),
        "description": "records",
        "size": 1,
        "metadata": {"owner": "registry"},
        "availabilityZone": "nova",
        "enableOnlineResize": True,
        "volumeRetypePolicy": "on-demand",
    }


def _grown(ground: Ground, inputs: Inputs) -> Inputs:
    return {
        **inputs,
        "name": inputs["name"] + "-2",
        "description": "more records",
        "size": 2,
        "metadata": {"owner": "archive"},
        "volumeType": _shared_type(ground),
    }


def _change_volume(ground: Ground, identity: str, state: object) -> object:
    body = {"volume": {"description": "by hand"}}
    return ground.cloud.service("volume").request("PUT", f"/volumes/{identity}", json=body)


def _change_type(ground: Ground, identity: str, state: object) -> object:
    body = {"extra_specs": {"by:hand": "yes"}}
    return ground.cloud.service("volume").request("POST", f"/types/{identity}/extra_specs", json=body)


def _change_qos(ground: Ground, identity: str, state: object) -> object:
    body = {"qos_specs": {"total_iops_sec": "1"}}
    return ground.cloud.service("volume").request("PUT", f"/qos-specs/{identity}", json=body)


CASES = (
    Case(
        token=VOLUME,
        inputs=_volume,
        update=_grown,
        replace=lambda ground, inputs: {**inputs, "sourceVolId": volume(ground, "other")},
        by_hand=_change_volume,
        untold=("enableOnlineResize", "volumeRetypePolicy"),
    ),
    Case(
        token=VOLUME,
        label="of another volume",
        inputs=lambda ground: {
            "name": ground.name("volume"),
            "size": 1,
            "sourceVolId": volume(ground, "source"),
            "schedulerHints": [{"additionalProperties": {"rack": "1"}}],
        },
        update=lambda ground, inputs: {**inputs, "metadata": {"copy": "yes"}},
        replace=lambda ground, inputs: {**inputs, "size": 1, "sourceVolId": volume(ground, "other")},
    ),
    Case(
        token=TYPE,
        inputs=lambda ground: {
            "name": ground.name("type"),
            "description": "fast",
            "extraSpecs": {"volume_backend_name": "nfs", "provisioning:type": "thin"},
        },
        update=lambda ground, inputs: {
            **inputs,
            "name": inputs["name"] + "-2",
            "description": "faster",
            "isPublic": True,
            "extraSpecs": {"volume_backend_name": "nfs"},
        },
        by_hand=_change_type,
    ),
    Case(
        token=TYPE_ACCESS,
        inputs=lambda ground: {"volumeTypeId": volume_type(ground), "projectId": ground.project_id},
        replace=lambda ground, inputs: {**inputs, "volumeTypeId": volume_type(ground)},
    ),
    Case(
        token=QOS,
        inputs=lambda ground: {
            "name": ground.name("qos"),
            "consumer": "front-end",
            "specs": {"total_iops_sec": "500", "read_iops_sec": "200"},
        },
        update=lambda ground, inputs: {**inputs, "consumer": "both", "specs": {"total_iops_sec": "800"}},
        replace=lambda ground, inputs: {**inputs, "name": ground.name("qos")},
        by_hand=_change_qos,
    ),
    Case(
        token=QOS_ASSOCIATION,
        not_applicable={"kill": "Cinder associates by a GET, so that no write can be cut off"},
        inputs=lambda ground: {
            "qosId": ground.once("qos", QOS, {"name": ground.name("qos")})["id"],
            "volumeTypeId": volume_type(ground),
        },
        replace=lambda ground, inputs: {**inputs, "volumeTypeId": volume_type(ground)},
    ),
    Case(
        token=HOST_ATTACH,
        inputs=lambda ground: {
            "volumeId": volume(ground, "of a host"),
            "hostName": "case-host",
            "device": "/dev/vdc",
            "attachMode": "ro",
            "ipAddress": "192.0.2.7",
            "initiator": "iqn.2026-11.vn.gov.haiphong:case",
            "osType": "linux2",
            "platform": "x86_64",
            "multipath": False,
        },
        replace=lambda ground, inputs: {**inputs, "hostName": "case-host-2"},
        untold=("attachMode", "ipAddress", "initiator", "osType", "platform", "multipath"),
    ),
)

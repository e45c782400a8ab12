"""The conformance cases of servers and of what is attached to them."""

from __future__ import annotations

from tests.cloud.provider.blockstorage_cases import VOLUME
from tests.cloud.provider.case import Case, Ground, Inputs, State
from tests.cloud.provider.images_cases import IMAGE, file
from tests.cloud.provider.networking_cases import GROUP, NETWORK, PORT, SUBNET

INSTANCE = "openstack:compute/instance:Instance"
INTERFACE_ATTACH = "openstack:compute/interfaceAttach:InterfaceAttach"
VOLUME_ATTACH = "openstack:compute/volumeAttach:VolumeAttach"
SERVER_GROUP = "openstack:compute/serverGroup:ServerGroup"


# cli; hlt; again. Glance takes a boot sector only with a partition in its table.
_PARTITION = b"\x80\0\x02\0\x83\0\x02\0" + (1).to_bytes(4, "little") + (1).to_bytes(4, "little")
_BOOT_SECTOR = b"\xfa\xf4\xeb\xfd".ljust(446, b"\0") + _PARTITION.ljust(64, b"\0") + b"\x55\xaa"


def image(ground: Ground) -> str:
    """What servers boot: it halts at once, for nobody asks the guest anything, and an emulated Debian takes
    most of a core each time that it starts.
    """
    inputs = {
        "name": ground.name("image of servers"), "containerFormat": "bare", "diskFormat": "raw",
        "localFilePath": file(_BOOT_SECTOR), "minDiskGb": 1,
        "properties": {"img_hv_type": "qemu", "os_shutdown_timeout": "1"},
    }  # fmt: skip
    return str(ground.once("image of servers", IMAGE, inputs)["id"])


def network(ground: Ground) -> str:
    """The network that servers share, with a subnet in it."""
    made = ground.once("network of servers", NETWORK, {"name": ground.name("net")})
    inputs = {"name": ground.name("subnet"), "networkId": made["id"], "cidr": "10.198.0.0/24"}
    ground.once("subnet of servers", SUBNET, inputs)
    return str(made["id"])


def stopped_server(ground: Ground) -> str:
    """A server that stands still: it lets go of disks and ports at once, whatever its guest."""
    inputs = {
        "name": ground.name("server"),
        "imageId": image(ground),
        "flavorId": ground.flavor_id,
        "networkMode": "none",
        "powerState": "shutoff",
    }
    return str(ground.once("stopped server", INSTANCE, inputs)["id"])


def _port(ground: Ground, whose: str) -> str:
    inputs = {"name": ground.name("port"), "networkId": network(ground)}
    return str(ground.once(f"port of {whose}", PORT, inputs)["id"])


def _volume(ground: Ground) -> str:
    inputs = {"name": ground.name("disk"), "size": 1}
    return str(ground.once("volume of a server", VOLUME, inputs)["id"])


def _group(ground: Ground) -> str:
    inputs = {"name": ground.name("group")}
    return str(ground.once("group of servers", GROUP, inputs)["name"])


def _server(ground: Ground) -> Inputs:
    return {
        "name": ground.name("server"),
        "imageId": image(ground),
        "flavorId": ground.flavor_id,
        "networks": [{"uuid": network(ground), "accessNetwork": True}],
        "securityGroups": ["default"],
        "metadata": {"owner": "registry"},
        "tags": ["records"],
        "userData": "#cloud-config\nhostname: records\n",
        "availabilityZone": "nova",
        "configDrive": True,
        "adminPass": "a-password-of-a-test",
        "stopBeforeDestroy": False,
        "vendorOptions": {"detachPortsBeforeDestroy": True},
    }


def _changed(ground: Ground, inputs: Inputs) -> Inputs:
    changed = {
        "name": inputs["name"] + "-2",
        "metadata": {"owner": "archive"},
        "tags": ["archive", "records"],
        "securityGroups": [_group(ground)],
        "networks": [{"uuid": network(ground), "accessNetwork": False}],
        "powerState": "shutoff",
        "forceDelete": True,
    }
    return {**inputs, **changed}


def _server_on_a_volume(ground: Ground) -> Inputs:
    disk = {
        "sourceType": "image",
        "destinationType": "volume",
        "uuid": image(ground),
        "volumeSize": 2,
        "bootIndex": 0,
        "deleteOnTermination": True,
    }
    group = {"name": ground.name("servers"), "policies": "anti-affinity"}
    return {
        "name": ground.name("server"),
        "flavorId": ground.flavor_id,
        "blockDevices": [disk],
        "networkMode": "none",
        "schedulerHints": [{"group": ground.once("group of a server", SERVER_GROUP, group)["id"]}],
        "powerState": "shutoff",
    }


def _change_metadata(ground: Ground, identity: str, state: State) -> object:
    body = {"metadata": {"by": "hand"}}
    return ground.cloud.service("compute").request("POST", f"/servers/{identity}/metadata", json=body)


CASES = (
    Case(
        token=INSTANCE,
        inputs=_server,
        update=_changed,
        replace=lambda ground, inputs: {**inputs, "userData": "#cloud-config\nhostname: other\n"},
        by_hand=_change_metadata,
        untold=("adminPass", "forceDelete", "stopBeforeDestroy", "vendorOptions"),
        slow=True,
    ),
    Case(
        token=INSTANCE,
        label="from a volume",
        inputs=_server_on_a_volume,
        update=lambda ground, inputs: {**inputs, "name": inputs["name"] + "-2", "powerState": "active"},
        replace=lambda ground, inputs: {
            **inputs,
            "blockDevices": [{**inputs["blockDevices"][0], "volumeSize": 3}],
        },
        slow=True,
    ),
    Case(
        token=INTERFACE_ATTACH,
        inputs=lambda ground: {
            "instanceId": stopped_server(ground),
            "portId": _port(ground, "an attachment"),
        },
        replace=lambda ground, inputs: {**inputs, "portId": _port(ground, "another attachment")},
    ),
    Case(
        token=INTERFACE_ATTACH,
        label="of a network",
        inputs=lambda ground: {
            "instanceId": stopped_server(ground),
            "networkId": network(ground),
            "fixedIp": "10.198.0.77",
        },
        replace=lambda ground, inputs: {**inputs, "fixedIp": "10.198.0.78"},
    ),
    Case(
        token=VOLUME_ATTACH,
        inputs=lambda ground: {
            "instanceId": stopped_server(ground),
            "volumeId": _volume(ground),
            "tag": "records",
        },
        replace=lambda ground, inputs: {**inputs, "tag": "archive"},
    ),
)

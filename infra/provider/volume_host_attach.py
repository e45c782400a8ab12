"""`VolumeAttach` of Cinder: a volume is connected to a host, by Cinder alone."""

from __future__ import annotations

from typing import Any

from infra.cloud.collection import Thing
from infra.cloud.errors import CloudError, NotFound
from infra.cloud.volume import attachment_to, volumes
from infra.provider import rules
from infra.provider.property import Property
from infra.provider.resource import REGION, Context, ImportRefused, Resource, State, kept
from infra.provider.volume import at_rest

_CONNECTOR = {
    "hostName": "host", "initiator": "initiator", "ipAddress": "ip", "multipath": "multipath",
    "osType": "os_type", "platform": "platform", "wwnn": "wwnns", "wwpns": "wwpns",
}  # fmt: skip


class VolumeAttach(Resource):
    """Its id is `volumeID/attachmentID`. A volume is connected to a host or not: one that is already, to no
    server, is taken over. `data` is what the host needs to reach the disk, passwords among it: Cinder tells
    it to whoever connects, and an import does not.
    """

    type_name = "openstack:blockstorage/volumeAttach:VolumeAttach"
    properties = (
        Property("volumeId", required=True, replaces=True, refers="volume"),
        Property("hostName", required=True, replaces=True),
        Property("device", replaces=True, chosen_by_cloud=True),
        Property(
            "attachMode", replaces=True, kept=True, chosen_by_cloud=True, rule=rules.one_of("ro", "rw")
        ),
        Property("initiator", replaces=True, kept=True, chosen_by_cloud=True),
        Property("ipAddress", replaces=True, kept=True, chosen_by_cloud=True),
        Property("multipath", "boolean", replaces=True, kept=True, chosen_by_cloud=True),
        Property("osType", replaces=True, kept=True, chosen_by_cloud=True),
        Property("platform", replaces=True, kept=True, chosen_by_cloud=True),
        Property("wwnn", replaces=True, kept=True, chosen_by_cloud=True),
        Property("wwpns", "strings", replaces=True, kept=True, chosen_by_cloud=True),
        Property("data", "map", output=True, secret=True, kept=True),
        Property("driverVolumeType", output=True, kept=True),
        Property("mountPointBase", output=True, kept=True),
        REGION,
    )  # fmt: skip

    def alike(self, item: Property, present: Any, wanted: Any, state: State) -> bool:
        # What an import does not tell is no reason to take the disk off its host.
        return item.kept and item.name not in state

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        volume_id, host = inputs["volumeId"], inputs["hostName"]
        answer = volumes(context.cloud).act(
            volume_id, {"os-initialize_connection": {"connector": _connector(inputs)}}
        )
        told = _told(answer.get("connection_info") or {})
        if attachment_to(volumes(context.cloud).get(volume_id), host=host) is None:
            try:
                volumes(context.cloud).act(volume_id, {"os-attach": _attachment(inputs)})
            except CloudError:
                if attachment_to(volumes(context.cloud).get(volume_id), host=host) is None:
                    raise
        volume = at_rest(context, volume_id, f"to be attached to {host}")
        held = attachment_to(volume, host=host)
        if held is None:
            raise NotFound(f"cinder shows no attachment of volume {volume_id} to host {host}")
        state = {**_shown(volume_id, held), **kept(self.properties, inputs), **told}
        return f"{volume_id}/{held['attachment_id']}", state

    def read(self, context: Context, identity: str, state: State) -> State | None:
        volume_id, attachment_id = _parts(identity)
        volume = volumes(context.cloud).look(volume_id) or {}
        held = next(
            (one for one in volume.get("attachments") or [] if one.get("attachment_id") == attachment_id),
            None,
        )
        return None if held is None else {**_shown(volume_id, held), **kept(self.properties, state)}

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        return {**state, **kept(self.properties, inputs)}

    def delete(self, context: Context, identity: str, state: State) -> None:
        volume_id, attachment_id = _parts(identity)
        volume = volumes(context.cloud).find(volume_id) or {}
        if attachment_id not in {one.get("attachment_id") for one in volume.get("attachments") or []}:
            return
        connector = _connector(state)
        volumes(context.cloud).act(volume_id, {"os-terminate_connection": {"connector": connector}})
        volumes(context.cloud).act(volume_id, {"os-detach": {"attachment_id": attachment_id}})
        at_rest(context, volume_id, f"to be detached from {state.get('hostName', 'its host')}")


def _connector(inputs: State) -> dict[str, Any]:
    given = {key: inputs[name] for name, key in _CONNECTOR.items() if inputs.get(name) not in (None, "", [])}
    if "wwnns" in given:
        given["wwnns"] = [given["wwnns"]]
    return given


def _attachment(inputs: State) -> dict[str, Any]:
    return {
        "host_name": inputs["hostName"],
        "mountpoint": inputs.get("device") or "auto",
        "mode": inputs.get("attachMode") or "rw",
    }


def _told(info: Thing) -> State:
    """What Cinder tells of the connection; values that are no text are written as one."""
    data = {
        key: value if isinstance(value, str) else str(value)
        for key, value in (info.get("data") or {}).items()
        if isinstance(value, str | int | float)
    }
    return {
        "data": data,
        "driverVolumeType": str(info.get("driver_volume_type") or ""),
        "mountPointBase": str(info.get("mount_point_base") or ""),
    }


def _shown(volume_id: str, held: Thing) -> State:
    return {
        "volumeId": volume_id,
        "hostName": held.get("host_name") or "",
        "device": held.get("device") or "",
    }


def _parts(identity: str) -> tuple[str, str]:
    volume_id, slash, attachment_id = identity.partition("/")
    if not slash or not volume_id or not attachment_id:
        raise ImportRefused(f"{identity} is not of the form volumeID/attachmentID")
    return volume_id, attachment_id

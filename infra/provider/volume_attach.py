"""`VolumeAttach` of Nova: a volume is a disk of a server."""

from __future__ import annotations

from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import Conflict, Refused, Unavailable, WentWrong
from infra.cloud.server import servers, volume_attachments
from infra.cloud.volume import attachment_to, must_not_be_in_error, reason, volumes
from infra.provider.property import Property
from infra.provider.resource import REGION, Context, ImportRefused, Resource, State, kept
from infra.provider.volume import detach_from_server


class VolumeAttach(Resource):
    """Its id is `serverID/volumeID`. A volume is on a server or not: one that is there already is taken over.

    `device` is what the program would like and, afterwards, what the hypervisor chose; drivers choose as they
    see fit, so that a difference between the two is none. Nova alone tells `tag`: it is read for an import.
    """

    type_name = "openstack:compute/volumeAttach:VolumeAttach"
    properties = (
        Property("instanceId", required=True, replaces=True, refers="server"),
        Property("volumeId", required=True, replaces=True, refers="volume"),
        Property("device", chosen_by_cloud=True),
        Property("multiattach", "boolean", replaces=True, kept=True, chosen_by_cloud=True),
        Property("tag", replaces=True, kept=True),
        Property(
            "vendorOptions", "object", kept=True,
            fields=(Property("ignoreVolumeConfirmation", "boolean", default=False),),
        ),
        REGION,
    )  # fmt: skip

    def alike(self, item: Property, present: object, wanted: object, state: State) -> bool:
        return item.name == "device"

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        server_id, volume_id = inputs["instanceId"], inputs["volumeId"]
        attached = volume_attachments(context.cloud, server_id)
        if attached.find(volume_id) is None:
            given = {"volumeId": volume_id, "device": inputs.get("device"), "tag": inputs.get("tag")}
            try:
                attached.create({name: value for name, value in given.items() if value})
            except (Conflict, Refused, Unavailable):
                if attached.find(volume_id) is None:
                    raise
        if not (inputs.get("vendorOptions") or {}).get("ignoreVolumeConfirmation"):
            _wait_until_on(context, server_id, volume_id)
        return f"{server_id}/{volume_id}", {
            **self._told(context.cloud, server_id, volume_id),
            **_asked(inputs),
        }

    def read(self, context: Context, identity: str, state: State) -> State | None:
        server_id, volume_id = parts(identity)
        held = attachment_to(volumes(context.cloud).look(volume_id) or {}, server=server_id)
        if held is None:
            return None
        shown = {"instanceId": server_id, "volumeId": volume_id, "device": held.get("device") or ""}
        if state:
            return {**shown, **kept(self.properties, state)}
        told = volume_attachments(context.cloud, server_id).find(volume_id) or {}
        return {**shown, **({"tag": told["tag"]} if told.get("tag") else {})}

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        return {**self._told(context.cloud, *parts(identity)), **_asked(inputs)}

    def delete(self, context: Context, identity: str, state: State) -> None:
        server_id, volume_id = parts(identity)
        if servers(context.cloud).find(server_id) is None or volumes(context.cloud).find(volume_id) is None:
            return
        detach_from_server(context, volume_id, server_id)

    def _told(self, cloud: Cloud, server_id: str, volume_id: str) -> State:
        told = volume_attachments(cloud, server_id).get(volume_id)
        return {"instanceId": server_id, "volumeId": volume_id, "device": told.get("device") or ""}


def parts(identity: str) -> tuple[str, str]:
    """Server and volume of an id; raises ImportRefused."""
    server_id, slash, volume_id = identity.partition("/")
    if not slash or not server_id or not volume_id:
        raise ImportRefused(f"{identity} is not of the form instanceID/volumeID")
    return server_id, volume_id


def _asked(inputs: State) -> State:
    return {name: inputs[name] for name in ("multiattach", "tag", "vendorOptions") if name in inputs}


def _wait_until_on(context: Context, server_id: str, volume_id: str) -> None:
    """Until Cinder, too, has it on the server; raises WentWrong when it came off again."""
    seen: Thing = {}

    def on() -> bool | None:
        seen.clear()
        seen.update(volumes(context.cloud).get(volume_id))
        must_not_be_in_error(context.cloud, seen)
        if seen["status"] == "in-use" and attachment_to(seen, server=server_id):
            return True
        if (
            seen["status"] == "available"
            and volume_attachments(context.cloud, server_id).find(volume_id) is None
        ):
            why = reason(context.cloud, volume_id) or "see nova-compute's journal on the server's hypervisor"
            raise WentWrong(f"volume {volume_id} could not be attached to server {server_id}: {why}")
        return None

    what = f"volume {volume_id} to be attached to server {server_id}"
    context.deadline.wait(what, on, lambda: str(seen.get("status", "gone")))

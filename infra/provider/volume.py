"""`Volume`: a Cinder volume."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound, Refused, Unavailable, WentWrong
from infra.cloud.server import volume_attachments
from infra.cloud.volume import must_not_be_in_error, reason, set_metadata, volumes, volumes_with
from infra.cloud.volume_type import volume_types
from infra.provider import rules, scheduler_hints
from infra.provider.detaching import Detaching
from infra.provider.lost_answer import made_all_the_same
from infra.provider.mark import ATTRIBUTE
from infra.provider.property import Difference, Failure, Property
from infra.provider.resource import REGION, Context, Resource, State, kept
from infra.provider.values import holds_unknown

_SOURCES = ("snapshotId", "sourceVolId", "imageId", "backupId")
_CINDERS_OWN = frozenset({ATTRIBUTE, "readonly", "attached_mode"})
_AT_REST = frozenset({"available", "in-use"})
_CREATED = {
    "name": "name", "description": "description", "size": "size", "volumeType": "volume_type",
    "availabilityZone": "availability_zone", "snapshotId": "snapshot_id", "sourceVolId": "source_volid",
    "imageId": "imageRef", "backupId": "backup_id", "consistencyGroupId": "consistencygroup_id",
}  # fmt: skip


def _short(value: str) -> str | None:
    return None if len(value) <= 255 else f"must be at most 255 characters, not {len(value)}"


class Volume(Resource):
    """Size grows and type changes in place; a volume cannot shrink, so a smaller size is a replacement.

    What a volume was made from counts only at its creation: a source that the program no longer names, or
    that is gone, is no difference. The mark stands in the metadata.
    """

    type_name = "openstack:blockstorage/volume:Volume"
    properties = (
        Property("size", "integer", required=True, rule=rules.at_least_one),
        Property("name", rule=rules.name),
        Property("description", default="", rule=_short),
        Property("metadata", "map", chosen_by_cloud=True, rule=rules.metadata),
        Property("volumeType", chosen_by_cloud=True),
        Property("availabilityZone", replaces=True, chosen_by_cloud=True),
        Property("snapshotId", replaces=True, chosen_by_cloud=True, refers="snapshot"),
        Property("sourceVolId", replaces=True, chosen_by_cloud=True, refers="volume"),
        Property("imageId", replaces=True, chosen_by_cloud=True, refers="image"),
        Property("backupId", replaces=True, chosen_by_cloud=True),
        Property("consistencyGroupId", replaces=True, chosen_by_cloud=True),
        Property("schedulerHints", "objects", replaces=True, kept=True, fields=scheduler_hints.VOLUME),
        Property("enableOnlineResize", "boolean", default=False, kept=True),
        Property(
            "volumeRetypePolicy", default="never", kept=True,
            rule=lambda value: rules.one_of("never", "on-demand")(value.lower()),
        ),
        Property(
            "attachments", "objects", output=True,
            fields=(Property("id"), Property("instanceId"), Property("device")),
        ),
        REGION,
    )  # fmt: skip
    unsupported = {  # noqa: RUF012  (declared as a ClassVar in Resource)
        "sourceReplica": "Cinder replicates by the volume's type since its API 3: give a volumeType with the "
        "extra spec replication_enabled",
    }

    def examine(self, inputs: Mapping[str, Any]) -> Iterable[Failure]:
        given = [name for name in _SOURCES if inputs.get(name)]
        for name in given[1:]:
            yield name, f"give {given[0]} or {name}, not both: a volume is made from one thing"
        yield from scheduler_hints.wrong(inputs)

    def differences(self, state: State, inputs: Mapping[str, Any]) -> list[Difference]:
        wanted, present = inputs.get("size"), state.get("size")
        shrinks = (
            not holds_unknown(wanted) and present is not None and wanted is not None and wanted < present
        )
        return [
            replace(item, replaces=True) if item.name == "size" and shrinks else item
            for item in super().differences(state, inputs)
        ]

    def alike(self, item: Property, present: Any, wanted: Any, state: State) -> bool:
        if item.name == "volumeRetypePolicy":
            return str(present or "never").lower() == str(wanted).lower()
        # An import, and the official provider, know nothing of these.
        return item.name in {"schedulerHints", "backupId"} and item.name not in state

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        found = self._marked(context)
        volume = found or self._make(context, inputs)
        identity = str(volume["id"])
        try:
            volume = at_rest(context, identity, "to become available")
        except WentWrong:
            _remove(context, identity)
            raise
        state = _state(context.cloud, volume, _known(inputs), self.properties)
        stale = {item.name for item in self.differences(state, inputs) if not item.replaces}
        if found is not None and stale:
            state = self.update(context, identity, state, inputs, stale)
        return identity, state

    def read(self, context: Context, identity: str, state: State) -> State | None:
        volume = volumes(context.cloud).look(identity)
        if volume is None or volume["status"] == "deleting":
            return None
        return _state(context.cloud, volume, state, self.properties)

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        cloud = context.cloud
        said = {name: inputs.get(name, "") for name in changed & {"name", "description"}}
        if said:
            volumes(cloud).change(identity, said)
        if "metadata" in changed:
            held = volumes(cloud).get(identity).get("metadata", {})
            mark = {ATTRIBUTE: held[ATTRIBUTE]} if ATTRIBUTE in held else {}
            set_metadata(cloud, identity, {**inputs.get("metadata", {}), **mark})
        if "size" in changed:
            self._extend(context, identity, inputs)
        if "volumeType" in changed:
            self._retype(context, identity, inputs)
        return _state(cloud, volumes(cloud).get(identity), _known(inputs), self.properties)

    def delete(self, context: Context, identity: str, state: State) -> None:
        volume = volumes(context.cloud).find(identity)
        if volume is None:
            return
        if volume["status"] != "deleting":
            for one in volume.get("attachments") or []:
                if one.get("server_id"):
                    detach_from_server(context, identity, str(one["server_id"]))
        _remove(context, identity)

    def _make(self, context: Context, inputs: State) -> Thing:
        body = {key: inputs[name] for name, key in _CREATED.items() if inputs.get(name) not in (None, "")}
        body["metadata"] = {**inputs.get("metadata", {}), ATTRIBUTE: context.mark}
        hints = scheduler_hints.beside(scheduler_hints.VOLUME, inputs)
        try:
            return volumes(context.cloud).create(body, **hints)
        except Unavailable:
            found = made_all_the_same(context, lambda: self._marked(context))
            if found is None:
                raise
            return found

    def _marked(self, context: Context) -> Thing | None:
        """What an interrupted create left; one that ended in an error is removed and made anew."""
        for volume in volumes_with(context.cloud, ATTRIBUTE, context.mark):
            if not str(volume["status"]).startswith("error") and volume["status"] != "deleting":
                return volume
            _remove(context, str(volume["id"]))
        return None

    def _extend(self, context: Context, identity: str, inputs: State) -> None:
        volume = at_rest(context, identity, "to finish what it does")
        if volume["size"] == inputs["size"]:
            return
        if volume["status"] == "in-use" and not inputs.get("enableOnlineResize"):
            raise Refused(
                f"volume {identity} is attached to a server: set enableOnlineResize to extend it as it is, "
                "or detach it first"
            )
        volumes(context.cloud).act(identity, {"os-extend": {"new_size": inputs["size"]}})
        volume = at_rest(context, identity, f"to grow to {inputs['size']} GB")
        if volume["size"] != inputs["size"]:
            why = reason(context.cloud, identity) or "cinder gives no reason"
            raise WentWrong(f"volume {identity} kept its {volume['size']} GB: {why}")

    def _retype(self, context: Context, identity: str, inputs: State) -> None:
        wanted = type_named(context.cloud, inputs["volumeType"])
        volume = at_rest(context, identity, "to finish what it does")
        if volume.get("volume_type") == wanted["name"]:
            return
        policy = str(inputs.get("volumeRetypePolicy") or "never").lower()
        values = {"new_type": wanted["id"], "migration_policy": policy}
        volumes(context.cloud).act(identity, {"os-retype": values})
        volume = at_rest(context, identity, f"to become of type {wanted['name']}")
        if volume.get("volume_type") != wanted["name"]:
            why = reason(context.cloud, identity) or (
                "cinder gives no reason; where the type lives on another back end, volumeRetypePolicy must "
                "be on-demand"
            )
            raise WentWrong(f"volume {identity} kept its type {volume.get('volume_type')}: {why}")


def at_rest(context: Context, identity: str, what: str) -> Thing:
    """The volume once Cinder does nothing with it; raises WentWrong when it ends in an error."""
    seen: Thing = {}

    def look() -> Thing | None:
        seen.clear()
        seen.update(volumes(context.cloud).get(identity))
        must_not_be_in_error(context.cloud, seen)
        return dict(seen) if seen["status"] in _AT_REST else None

    return context.deadline.wait(f"volume {identity} {what}", look, lambda: str(seen.get("status", "gone")))


def detach_from_server(context: Context, identity: str, server_id: str) -> None:
    """Take the volume off a server and wait until both services say so; asked again as often as the guest
    did not let go of it. That it is off already is success."""
    attached, detaching = volume_attachments(context.cloud, server_id), Detaching(context, server_id)
    seen: Thing = {}

    def off() -> bool | None:
        seen.clear()
        seen.update(volumes(context.cloud).find(identity) or {})
        held = [one for one in seen.get("attachments") or [] if one.get("server_id") == server_id]
        if not held and attached.find(identity) is None:
            return True
        if seen.get("status") != "detaching":
            detaching.ask(lambda: attached.remove(identity))
        return None

    what = f"volume {identity} to be detached from server {server_id}"
    context.deadline.wait(what, off, lambda: str(seen.get("status", "gone")))


def type_named(cloud: Cloud, given: str) -> Thing:
    """The volume type of this name or id; raises NotFound."""
    for one in volume_types(cloud).list(is_public="None"):
        if given in (one["id"], one["name"]):
            return one
    raise NotFound(f"there is no volume type {given}")


def _remove(context: Context, identity: str) -> None:
    try:
        volumes(context.cloud).remove(identity)
    except Refused as refused:
        volume = volumes(context.cloud).find(identity)
        if volume is None:
            return
        if volume["status"] != "deleting":
            raise Refused(
                f"volume {identity} is {volume['status']} and cinder does not delete it (its snapshots "
                f"have to go first): {refused}"
            ) from refused
    seen: Thing = {}

    def gone() -> bool | None:
        seen.clear()
        seen.update(volumes(context.cloud).find(identity) or {})
        if seen.get("status") == "error_deleting":
            must_not_be_in_error(context.cloud, seen)
        return None if seen else True

    context.deadline.wait(f"volume {identity} to be gone", gone, lambda: str(seen.get("status", "gone")))


def _known(inputs: State) -> State:
    """The inputs as a state knows them: what was not given is known not to have been."""
    return {"schedulerHints": [], "backupId": "", **inputs}


def _state(cloud: Cloud, volume: Thing, known: State, properties: Iterable[Property]) -> State:
    metadata = {
        key: value
        for key, value in volume.get("metadata", {}).items()
        if key not in _CINDERS_OWN or (key in known.get("metadata", {}) and key != ATTRIBUTE)
    }
    state: State = {
        "size": volume["size"],
        "name": volume.get("name") or "",
        "description": volume.get("description") or "",
        "metadata": metadata,
        "volumeType": _type_as_known(cloud, str(volume.get("volume_type") or ""), known.get("volumeType")),
        "availabilityZone": volume.get("availability_zone") or "",
        "snapshotId": volume.get("snapshot_id") or "",
        "sourceVolId": volume.get("source_volid") or "",
        "imageId": known.get("imageId", _image_of(volume)),
        "consistencyGroupId": known.get("consistencyGroupId") or volume.get("consistencygroup_id") or "",
        "attachments": [
            {"id": one.get("id"), "instanceId": one.get("server_id") or "", "device": one.get("device") or ""}
            for one in volume.get("attachments") or []
        ],
        **kept(properties, known),
    }
    backup = volume.get("backup_id") or known.get("backupId")
    if backup is not None:
        state["backupId"] = backup
    return state


def _image_of(volume: Thing) -> str:
    """The image that the volume was made from; one made from a snapshot or a volume keeps their record."""
    if volume.get("snapshot_id") or volume.get("source_volid"):
        return ""
    return str((volume.get("volume_image_metadata") or {}).get("image_id") or "")


def _type_as_known(cloud: Cloud, name: str, known: str | None) -> str:
    """The type by name, or by id where the program gave its id."""
    if not known or known == name:
        return name
    found = volume_types(cloud).look(known) if len(known) == 36 else None
    return known if found is not None and found["name"] == name else name

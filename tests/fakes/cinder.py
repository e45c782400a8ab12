"""The fake Cinder: volumes, their types, QoS specs."""

from __future__ import annotations

import ast
import uuid
from typing import TYPE_CHECKING, Any

from tests.fakes.keystone import Refusal

if TYPE_CHECKING:
    from tests.fakes.openstack import FakeOpenStack

Thing = dict[str, Any]
_TYPE = {"name", "description", "extra_specs", "os-volume-type-access:is_public"}
_AT_REST = ("available", "in-use")


def answer(
    fake: FakeOpenStack, method: str, parts: list[str], params: dict[str, str], body: Any, scope: str
) -> Any:
    """The answer of Cinder, None for what it does not know."""
    match parts[0]:
        case "volumes":
            return _volumes(fake, method, parts, params, body, scope)
        case "types":
            return _types(fake, method, parts, body)
        case "qos-specs":
            return _qos(fake, method, parts, params, body)
        case "messages":
            return 200, {"messages": [*fake.kind("messages").values()]}
    return None


def _volumes(
    fake: FakeOpenStack, method: str, parts: list[str], params: dict[str, str], body: Any, scope: str
) -> Any:
    held = fake.kind("volumes")
    if len(parts) == 1 and method == "POST":
        return 202, {"volume": _new_volume(fake, body["volume"], scope)}
    if len(parts) == 1 or parts[1] == "detail":
        wanted = ast.literal_eval(params.get("metadata", "{}"))
        return 200, {"volumes": [one for one in held.values() if wanted.items() <= one["metadata"].items()]}
    volume = held[parts[1]]
    if parts[-1] == "metadata":
        volume["metadata"] = dict(body["metadata"])
        return 200, {"metadata": volume["metadata"]}
    if parts[-1] == "action":
        return _volume_action(fake, volume, body)
    if method == "PUT":
        volume.update(body["volume"])
    if method == "DELETE":
        if volume["attachments"] or volume["status"] not in ("available", "error"):
            raise Refusal(400, "Invalid volume: Volume status must be available or error")
        del held[parts[1]]
        return 202, None
    return 200, {"volume": volume}


def _new_volume(fake: FakeOpenStack, values: Thing, scope: str) -> Thing:
    known = {
        "name", "description", "size", "volume_type", "availability_zone", "snapshot_id", "source_volid",
        "imageRef", "backup_id", "consistencygroup_id", "metadata",
    }  # fmt: skip
    if values.keys() - known:
        raise Refusal(400, f"Additional properties are not allowed: {sorted(values.keys() - known)}")
    if values.get("source_volid"):
        source = fake.kind("volumes")[values["source_volid"]]
        if values["size"] < source["size"]:
            raise Refusal(400, "Invalid input received: Volume size cannot be less than the source's")
    volume: Thing = {
        "id": str(uuid.uuid4()), "name": None, "description": None, "snapshot_id": None,
        "source_volid": None, "consistencygroup_id": None, "availability_zone": "nova", "metadata": {},
        "volume_type": "__DEFAULT__", "status": "available", "attachments": [], "bootable": "false",
        "os-vol-tenant-attr:tenant_id": scope, **{key: held for key, held in values.items() if held},
    }  # fmt: skip
    if volume.pop("imageRef", None):
        fake.kind("images")[values["imageRef"]]
        volume["volume_image_metadata"] = {"image_id": values["imageRef"]}
        volume["bootable"] = "true"
    if "volume_type" in values:
        volume["volume_type"] = _type(fake, values["volume_type"])["name"]
    fake.kind("volumes")[volume["id"]] = volume
    return volume


def _volume_action(fake: FakeOpenStack, volume: Thing, body: Any) -> Any:
    ((action, values),) = body.items()
    if action == "os-initialize_connection":
        data = {"export": "nfs:/volumes", "name": f"volume-{volume['id']}", "target_lun": 1}
        return 200, {
            "connection_info": {"driver_volume_type": "nfs", "data": data, "mount_point_base": "/mnt"}
        }
    if action == "os-terminate_connection":
        return 202, None
    if action == "os-attach":
        if volume["status"] != "available":
            raise Refusal(400, "Invalid volume: volume is not available")
        attachment = {
            "id": volume["id"], "attachment_id": uuid.uuid4().hex, "server_id": None,
            "host_name": values["host_name"], "device": values["mountpoint"],
        }  # fmt: skip
        volume.update({"attachments": [attachment], "status": "in-use"})
        return 202, None
    if action == "os-detach":
        volume.update({"attachments": [], "status": "available"})
        return 202, None
    if action == "os-reset_status":
        volume.update(values)
        return 202, None
    if volume["status"] not in _AT_REST:
        raise Refusal(400, f"Invalid volume: status is {volume['status']}")
    if action == "os-extend":
        if values["new_size"] <= volume["size"]:
            raise Refusal(
                400, "Invalid input received: New size for extend must be greater than current size"
            )
        if fake.storage_full or (volume["attachments"] and not fake.grows_attached):
            volume["status"] = "error_extending"
        else:
            volume["size"] = values["new_size"]
        return 202, None
    assert action == "os-retype", f"the fake has no action {action} of volumes"
    volume["volume_type"] = _type(fake, values["new_type"])["name"]
    return 202, None


def _type(fake: FakeOpenStack, given: str) -> Thing:
    found = next((one for one in fake.kind("types").values() if given in (one["id"], one["name"])), None)
    if found is None:
        raise Refusal(404, f"Volume type {given} could not be found.")
    return found


def _types(fake: FakeOpenStack, method: str, parts: list[str], body: Any) -> Any:
    held = fake.kind("types")
    if len(parts) == 1 and method == "POST":
        return 200, {"volume_type": _new_type(held, body["volume_type"])}
    if len(parts) == 1:
        return 200, {"volume_types": [*held.values()]}
    kind = held[parts[1]]
    if parts[2:] == ["os-volume-type-access"]:
        if kind["is_public"]:
            raise Refusal(404, "Access list not available for public volume types.")
        rows = [{"volume_type_id": kind["id"], "project_id": one} for one in sorted(_access(fake, kind))]
        return 200, {"volume_type_access": rows}
    if parts[2:] == ["action"]:
        return _type_action(fake, kind, body)
    if parts[2:3] == ["extra_specs"]:
        if method == "DELETE":
            del kind["extra_specs"][parts[3]]
            return 202, None
        kind["extra_specs"].update(body["extra_specs"])
        return 200, {"extra_specs": kind["extra_specs"]}
    if method == "PUT":
        kind.update(body["volume_type"])
    if method == "DELETE":
        if any(volume["volume_type"] == kind["name"] for volume in fake.kind("volumes").values()):
            raise Refusal(400, "Target volume type is still in use.")
        del held[parts[1]]
        return 202, None
    return 200, {"volume_type": kind}


def _new_type(held: dict[str, Thing], values: Thing) -> Thing:
    if values.keys() - _TYPE:
        raise Refusal(400, f"Additional properties are not allowed: {sorted(values.keys() - _TYPE)}")
    if any(one["name"] == values["name"] for one in held.values()):
        raise Refusal(409, f"Volume Type {values['name']} already exists.")
    made = {
        "id": str(uuid.uuid4()), "name": values["name"], "description": values.get("description"),
        "extra_specs": dict(values.get("extra_specs", {})), "qos_specs_id": None,
        "is_public": values.get("os-volume-type-access:is_public", True),
    }  # fmt: skip
    held[made["id"]] = made
    return made


def _access(fake: FakeOpenStack, kind: Thing) -> set[str]:
    return fake.access.setdefault(kind["id"], set())


def _type_action(fake: FakeOpenStack, kind: Thing, body: Any) -> Any:
    ((action, values),) = body.items()
    held = _access(fake, kind)
    if kind["is_public"]:
        raise Refusal(409, "Type access modification is not applicable to public volume type.")
    if action == "addProjectAccess":
        if values["project"] in held:
            raise Refusal(409, f"Volume type access for {kind['id']} / {values['project']} already exists.")
        held.add(values["project"])
        return 202, None
    if values["project"] not in held:
        raise Refusal(404, "Volume type access not found.")
    held.discard(values["project"])
    return 202, None


def _qos(fake: FakeOpenStack, method: str, parts: list[str], params: dict[str, str], body: Any) -> Any:
    held = fake.kind("qos-specs")
    if len(parts) == 1 and method == "POST":
        values = dict(body["qos_specs"])
        name, consumer = values.pop("name"), values.pop("consumer", "back-end")
        if any(one["name"] == name for one in held.values()):
            raise Refusal(409, f"Qos Specs {name} already exists.")
        made = {"id": str(uuid.uuid4()), "name": name, "consumer": consumer, "specs": values}
        held[made["id"]] = made
        return 200, {"qos_specs": made}
    if len(parts) == 1:
        return 200, {"qos_specs": [*held.values()]}
    specs = held[parts[1]]
    users = [one for one in fake.kind("types").values() if one["qos_specs_id"] == specs["id"]]
    match parts[2:]:
        case ["associations"]:
            return 200, {"qos_associations": [{"id": one["id"], "name": one["name"]} for one in users]}
        case ["associate"]:
            fake.kind("types")[params["vol_type_id"]]["qos_specs_id"] = specs["id"]
            return 202, None
        case ["disassociate"]:
            fake.kind("types")[params["vol_type_id"]]["qos_specs_id"] = None
            return 202, None
        case ["disassociate_all"]:
            for one in users:
                one["qos_specs_id"] = None
            return 202, None
        case ["delete_keys"]:
            for key in body["keys"]:
                del specs["specs"][key]
            return 202, None
    if method == "PUT":
        values = dict(body["qos_specs"])
        specs["consumer"] = values.pop("consumer", specs["consumer"])
        specs["specs"].update(values)
    if method == "DELETE":
        if users:
            raise Refusal(400, f"Qos Specs {specs['id']} is still associated with entities.")
        del held[parts[1]]
        return 202, None
    return 200, {"qos_specs": specs}

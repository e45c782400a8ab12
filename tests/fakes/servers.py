"""Servers of the fake Nova: how they boot, what is done to them, what is attached to them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from tests.fakes.keystone import Refusal

if TYPE_CHECKING:
    from tests.fakes.openstack import FakeOpenStack

Thing = dict[str, Any]
_HINTS = "OS-SCH-HNT:scheduler_hints"
_ANY_STATUS = ("ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED")
_ACTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "os-stop": (("ACTIVE",), "SHUTOFF"),
    "os-start": (("SHUTOFF",), "ACTIVE"),
    "pause": (("ACTIVE",), "PAUSED"),
    "unpause": (("PAUSED",), "ACTIVE"),
    "suspend": (("ACTIVE",), "SUSPENDED"),
    "resume": (("SUSPENDED",), "ACTIVE"),
    "shelve": (_ANY_STATUS, "SHELVED_OFFLOADED"),
    "unshelve": (("SHELVED", "SHELVED_OFFLOADED"), "ACTIVE"),
    "resize": (("ACTIVE", "SHUTOFF"), "VERIFY_RESIZE"),
    "confirmResize": (("VERIFY_RESIZE",), "ACTIVE"),
    "changePassword": (("ACTIVE",), "ACTIVE"),
}
"""From which status each is allowed, and to which it leads."""


def answer(fake: FakeOpenStack, method: str, parts: list[str], body: Any, scope: str) -> Any:
    """The answer to a call below /servers that no plain collection gives, None for all others."""
    if len(parts) == 1 and method == "POST":
        _check_hints(fake, body.get(_HINTS) or {})
        return 202, {"server": {"id": fake._boot(body["server"], scope)["id"]}}
    if len(parts) == 2 and method == "DELETE":
        _let_go(fake, fake.kind("servers")[parts[1]])
        return None
    if len(parts) < 3 or parts[2] == "tags":
        return None
    server = fake.kind("servers")[parts[1]]
    if parts[2] == "os-interface":
        return _interface(fake, method, parts, server, body)
    if parts[2] == "os-volume_attachments":
        return _attachment(fake, method, parts, server, body)
    if parts[2] == "metadata":
        server["metadata"] = (
            body["metadata"] if method == "PUT" else {**server["metadata"], **body["metadata"]}
        )
        return 200, {"metadata": server["metadata"]}
    if parts[2] == "os-instance-actions":
        actions = server.get("actions", [])
        one = next((row for row in actions if row["request_id"] == parts[-1]), None)
        return 200, {"instanceAction": one} if one else {"instanceActions": actions}
    if "createImage" in body:
        return 202, {"image_id": _kept(fake, server, body["createImage"])}
    if "os-getConsoleOutput" in body:
        lines = str(server.get("printed", "")).splitlines()
        return 200, {"output": "\n".join(lines[-body["os-getConsoleOutput"]["length"] :])}
    for action, values in body.items():
        _act(fake, server, action, values)
    return 202, None


def _kept(fake: FakeOpenStack, server: Thing, values: Thing) -> str:
    """An image of the server's disk, which says of itself what the image that it was made from said. Its
    bytes come later."""
    if server["OS-EXT-STS:task_state"]:
        raise Refusal(409, f"Cannot 'createImage' instance {server['id']} while it is in task_state")
    source = fake.kind("images").get((server["image"] or {}).get("id", ""), {})
    image = {key: value for key, value in source.items() if key.startswith("citycloud_")}
    image |= {"id": str(uuid.uuid4()), "name": values["name"], "status": "queued", "size": None,
              "created_at": "2026-11-24T00:00:00Z", "tags": [], **values["metadata"]}  # fmt: skip
    fake.kind("images")[image["id"]] = image
    server["OS-EXT-STS:task_state"] = "image_uploading"
    return str(image["id"])


def boot(fake: FakeOpenStack, values: Thing, scope: str) -> Thing:
    """A server that runs at once, unless its message is lost."""
    flavor = fake.kind("flavors")[values["flavorRef"]]
    if values.get("imageRef"):
        fake.kind("images")[values["imageRef"]]
    elif not values.get("block_device_mapping_v2"):
        raise Refusal(400, "Invalid imageRef provided.")
    server: Thing = {
        "id": uuid.uuid4().hex, "name": values["name"], "tenant_id": scope, "project_id": scope,
        "status": "ACTIVE", "image": {"id": values["imageRef"]} if values.get("imageRef") else "",
        "flavor": _embedded(flavor), "key_name": values.get("key_name"),
        "metadata": values.get("metadata", {}), "tags": values.get("tags", []), "addresses": {},
        "security_groups": [], "OS-EXT-STS:task_state": None,
        "config_drive": "True" if values.get("config_drive") else "",
        "created": "2026-11-23T10:00:00Z", "updated": "2026-11-23T10:00:09Z",
        "OS-EXT-AZ:availability_zone": (values.get("availability_zone") or "nova").partition(":")[0],
        "OS-EXT-SRV-ATTR:hypervisor_hostname": values.get("hypervisor_hostname") or "hv1.example",
        "OS-EXT-SRV-ATTR:root_device_name": "/dev/vda",
        "OS-EXT-SRV-ATTR:user_data": values.get("user_data"),
        "os-extended-volumes:volumes_attached": [],
    }  # fmt: skip
    _plug(fake, server, values, scope)
    for row in values.get("block_device_mapping_v2") or []:
        _disk(fake, server, row)
    if fake.lost_boots:
        fake.lost_boots -= 1
        server.update({"status": "BUILD", "OS-EXT-STS:task_state": fake.lost_in})
    fake.kind("servers")[str(server["id"])] = server
    return server


def _embedded(flavor: Thing) -> Thing:
    shown = ("vcpus", "ram", "disk", "swap", "extra_specs")
    return {"original_name": flavor["name"], **{key: flavor[key] for key in shown if key in flavor}}


def _plug(fake: FakeOpenStack, server: Thing, values: Thing, scope: str) -> None:
    networks = values["networks"]
    if networks == "auto":
        networks = [
            {"uuid": one["id"]} for one in fake.kind("networks").values() if one["project_id"] == scope
        ]
        if len(networks) != 1:
            raise Refusal(400, "Unable to automatically allocate a network for project")
    rows = [] if networks == "none" else networks
    groups = [group["name"] for group in values.get("security_groups") or [{"name": "default"}]]
    for row in rows:
        if "port" in row:
            port = fake.kind("ports")[row["port"]]
            if port["project_id"] != scope:
                raise Refusal(400, "a port is not in the project of the server")
            if port.get("device_id"):
                raise Refusal(409, f"Port {row['port']} is still in use.")
        else:
            port = _new_port(fake, row["uuid"], row.get("fixed_ip"), scope)
            server["security_groups"] = [{"name": name} for name in groups]
        _join(fake, server, port)


def _new_port(fake: FakeOpenStack, network: str, address: str | None, scope: str) -> Thing:
    fake.kind("networks")[network]
    values: Thing = {"network_id": network, "made_by_nova": True}
    if address:
        values["fixed_ips"] = [{"ip_address": address}]
    return fake._make("network", "ports", values, scope)


def _join(fake: FakeOpenStack, server: Thing, port: Thing) -> None:
    port.update({"device_id": server["id"], "device_owner": "compute:nova"})
    name = fake.kind("networks")[port["network_id"]]["name"]
    server["addresses"].setdefault(name, []).extend(
        {
            "addr": row["ip_address"], "version": 4, "OS-EXT-IPS:type": "fixed",
            "OS-EXT-IPS-MAC:mac_addr": port["mac_address"],
        }
        for row in port.get("fixed_ips", [])
    )  # fmt: skip


def _part(fake: FakeOpenStack, server: Thing, port: Thing) -> None:
    for name, entries in [*server["addresses"].items()]:
        left = [one for one in entries if one["OS-EXT-IPS-MAC:mac_addr"] != port["mac_address"]]
        server["addresses"][name] = left
        if not left:
            del server["addresses"][name]
    if port.get("made_by_nova"):
        del fake.kind("ports")[port["id"]]
    else:
        port.update({"device_id": "", "device_owner": ""})


def _let_go(fake: FakeOpenStack, server: Thing) -> None:
    """What a server that is removed leaves behind, and what goes with it."""
    for port in [one for one in fake.kind("ports").values() if one.get("device_id") == server["id"]]:
        _part(fake, server, port)
    doomed = {
        row["id"] for row in server.get("os-extended-volumes:volumes_attached", [])
        if row["delete_on_termination"]
    }  # fmt: skip
    for volume in [*fake.kind("volumes").values()]:
        left = [one for one in volume["attachments"] if one["server_id"] != server["id"]]
        if left != volume["attachments"]:
            volume.update({"attachments": left, "status": "in-use" if left else "available"})
            if volume["id"] in doomed:
                del fake.kind("volumes")[volume["id"]]


def _disk(fake: FakeOpenStack, server: Thing, row: Thing) -> None:
    if row["destination_type"] == "local":
        return
    if row["source_type"] == "volume":
        volume = fake.kind("volumes")[row["uuid"]]
    else:
        source: Thing = {"size": row["volume_size"]}
        if row["source_type"] == "image":
            source["imageRef"] = row["uuid"]
        if row["source_type"] == "snapshot":
            source["snapshot_id"] = row["uuid"]
        status, body = fake.handle("volume", "POST", "/volumes", {}, {"volume": source}, server["tenant_id"])
        if status >= 400:
            raise Refusal(400, str(body["error"]["message"]))
        volume = fake.kind("volumes")[body["volume"]["id"]]
    _put_on(server, volume, {"delete_on_termination": row["delete_on_termination"]})


def _put_on(server: Thing, volume: Thing, row: Thing) -> None:
    if volume["status"] != "available":
        raise Refusal(400, f"Invalid volume: volume {volume['id']} is {volume['status']}, not available")
    attached = server.setdefault("os-extended-volumes:volumes_attached", [])
    device = f"/dev/vd{chr(ord('a') + len(attached) + bool(server['image']))}"
    attached.append({"id": volume["id"], "delete_on_termination": False, **row})
    attachment = {
        "id": volume["id"], "attachment_id": uuid.uuid4().hex, "volume_id": volume["id"],
        "server_id": server["id"], "host_name": "hv1", "device": device,
    }  # fmt: skip
    volume.update({"status": "in-use", "attachments": [*volume["attachments"], attachment]})


def _interface(fake: FakeOpenStack, method: str, parts: list[str], server: Thing, body: Any) -> Any:
    mine = {one["id"]: one for one in fake.kind("ports").values() if one.get("device_id") == server["id"]}
    tags: dict[str, str] = server.setdefault("interface_tags", {})
    if method == "POST":
        values = body["interfaceAttachment"]
        if "port_id" in values:
            port = fake.kind("ports")[values["port_id"]]
            if port.get("device_id"):
                raise Refusal(400, f"Port {port['id']} is still in use.")
        else:
            address = next((row["ip_address"] for row in values.get("fixed_ips", [])), None)
            port = _new_port(fake, values["net_id"], address, server["tenant_id"])
        if values.get("tag"):
            tags[port["id"]] = values["tag"]
        _join(fake, server, port)
        return 200, {"interfaceAttachment": _shown(port, tags)}
    if len(parts) == 3:
        return 200, {"interfaceAttachments": [_shown(port, tags) for port in mine.values()]}
    port = mine[parts[3]]
    if method == "DELETE":
        if fake.guests_let_go:
            _part(fake, server, port)
        return 202, None
    return 200, {"interfaceAttachment": _shown(port, tags)}


def _shown(port: Thing, tags: dict[str, str]) -> Thing:
    return {
        "port_id": port["id"], "net_id": port["network_id"], "mac_addr": port["mac_address"],
        "fixed_ips": port.get("fixed_ips", []), "tag": tags.get(port["id"]), "port_state": "ACTIVE",
    }  # fmt: skip


def _attachment(fake: FakeOpenStack, method: str, parts: list[str], server: Thing, body: Any) -> Any:
    tags: dict[str, str] = server.setdefault("volume_tags", {})
    if method == "POST":
        values = body["volumeAttachment"]
        _put_on(server, fake.kind("volumes")[values["volumeId"]], {})
        if values.get("tag"):
            tags[values["volumeId"]] = values["tag"]
        return 200, {"volumeAttachment": {"volumeId": values["volumeId"]}}
    held = {
        volume["id"]: one["device"]
        for volume in fake.kind("volumes").values()
        for one in volume["attachments"]
        if one["server_id"] == server["id"]
    }
    shown = [
        {"volumeId": volume, "serverId": server["id"], "device": device, "tag": tags.get(volume)}
        for volume, device in held.items()
    ]
    if len(parts) == 3:
        return 200, {"volumeAttachments": shown}
    one = next((row for row in shown if row["volumeId"] == parts[3]), None)
    if one is None:
        raise Refusal(404, f"volume_id not found: {parts[3]}")
    if method == "DELETE":
        volume = fake.kind("volumes")[parts[3]]
        left = [row for row in volume["attachments"] if row["server_id"] != server["id"]]
        volume.update({"attachments": left, "status": "in-use" if left else "available"})
        attached = server["os-extended-volumes:volumes_attached"]
        server["os-extended-volumes:volumes_attached"] = [row for row in attached if row["id"] != parts[3]]
        return 202, None
    return 200, {"volumeAttachment": one}


def _act(fake: FakeOpenStack, server: Thing, action: str, values: Any) -> None:
    if action == "forceDelete":
        _let_go(fake, server)
        del fake.kind("servers")[server["id"]]
        return
    if action == "addSecurityGroup":
        server["security_groups"].append({"name": _group(fake, values["name"])})
        return
    if action == "removeSecurityGroup":
        server["security_groups"].remove({"name": _group(fake, values["name"])})
        return
    if action == "rebuild":
        fake.kind("images")[values["imageRef"]]
        server.update({
            "image": {"id": values["imageRef"]}, "metadata": values["metadata"], "status": "REBUILD",
            "OS-EXT-STS:task_state": "rebuilding", "rebuilds": server.get("rebuilds", 0) + 1,
        })  # fmt: skip
        return
    allowed, after = _ACTIONS[action]
    if server["status"] not in allowed:
        raise Refusal(409, f"Cannot '{action}' instance {server['id']} while it is in {server['status']}")
    if action == "resize":
        if server.get("resize_fails"):
            server.setdefault("actions", []).append(
                {"action": "resize", "request_id": "req-1", "message": str(server["resize_fails"])}
            )
            return
        server["flavor"] = _embedded(fake.kind("flavors")[values["flavorRef"]])
    server["status"] = after


def _group(fake: FakeOpenStack, given: str) -> str:
    """The name behind a name or an id."""
    for group in fake.kind("security-groups").values():
        if given in (group["id"], group["name"]):
            return str(group["name"])
    if given == "default":
        return given
    raise Refusal(404, f"Security group {given} not found.")


def _check_hints(fake: FakeOpenStack, hints: Thing) -> None:
    if "group" in hints:
        fake.kind("os-server-groups")[hints["group"]]

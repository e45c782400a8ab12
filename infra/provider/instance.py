"""`Instance`: a Nova server."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import CloudError, NotFound, Unavailable
from infra.cloud.flavor import flavors
from infra.cloud.image import list_images
from infra.cloud.server import addresses, must_not_be_in_error, servers
from infra.provider import rules
from infra.provider.mark import marks, visible
from infra.provider.property import Failure, Property
from infra.provider.resource import REGION, Context, Resource, State, kept

_ZONE = "OS-EXT-AZ:availability_zone"
_POWER = {"ACTIVE": "active", "SHUTOFF": "shutoff", "PAUSED": "paused", "SUSPENDED": "suspended"}


class Instance(Resource):
    """A change of image, keypair, networks or user data replaces the server: doing it in place would destroy
    its disk just the same, but a preview would call it an update. Flavor and power state change in place.

    A server that ends in ERROR is removed again and the create fails with Nova's reason: nothing half made
    stays.
    """

    type_name = "openstack:compute/instance:Instance"
    seconds = 900.0
    alternatives = (("flavorId", "flavorName"), ("imageId", "imageName"))
    properties = (
        Property("name", required=True, rule=rules.name),
        Property("imageId", replaces=True, chosen_by_cloud=True),
        Property("imageName", replaces=True, chosen_by_cloud=True),
        Property("flavorId", chosen_by_cloud=True),
        Property("flavorName", chosen_by_cloud=True),
        Property("keyPair", attribute="key_name", replaces=True),
        Property("securityGroups", "strings", replaces=True, chosen_by_cloud=True, unordered=True),
        Property(
            "networks", "objects", replaces=True, chosen_by_cloud=True,
            fields=(
                Property("uuid", chosen_by_cloud=True),
                Property("port", chosen_by_cloud=True),
                Property("fixedIpV4", chosen_by_cloud=True, rule=rules.address),
                Property("mac", chosen_by_cloud=True),
                Property("accessNetwork", "boolean", chosen_by_cloud=True),
            ),
        ),
        Property("metadata", "map"),
        Property("tags", "strings", unordered=True),
        Property("userData", replaces=True, kept=True),
        Property("availabilityZone", attribute=_ZONE, replaces=True, chosen_by_cloud=True),
        Property("configDrive", "boolean", replaces=True, chosen_by_cloud=True),
        Property("powerState", default="active", rule=rules.one_of("active", "shutoff")),
        Property("stopBeforeDestroy", "boolean", default=False, kept=True),
        Property("forceDelete", "boolean", default=False, kept=True),
        Property("accessIpV4", attribute="accessIPv4", output=True),
        Property("accessIpV6", attribute="accessIPv6", output=True),
        Property("allMetadata", "map", output=True),
        Property("allTags", "strings", output=True),
        Property("created", output=True),
        Property("updated", output=True),
        REGION,
    )  # fmt: skip
    unsupported = (
        "adminPass", "availabilityZoneHints", "blockDevices", "hypervisorHostname", "networkMode",
        "personalities", "schedulerHints", "vendorOptions",
    )  # fmt: skip

    def examine(self, inputs: Mapping[str, Any]) -> Iterable[Failure]:
        for one, other in (("imageId", "imageName"), ("flavorId", "flavorName")):
            if (one in inputs) == (other in inputs):
                yield one, f"give exactly one of {one} and {other}"
        for index, network in enumerate(inputs.get("networks", [])):
            if isinstance(network, dict) and not network.keys() & {"uuid", "port"}:
                yield f"networks[{index}]", "give uuid or port"

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        cloud = context.cloud
        server = self._marked(cloud, context.mark) or self._make(context, inputs)
        identity = str(server["id"])
        try:
            server = _wait_for(context, identity, {"ACTIVE", "SHUTOFF"}, "to become ACTIVE")
        except CloudError:
            if (servers(cloud).find(identity) or {}).get("status") == "ERROR":
                servers(cloud).remove(identity)
            raise
        if inputs.get("powerState") == "shutoff" and server["status"] != "SHUTOFF":
            server = self._power(context, identity, "shutoff")
        return identity, self._state(cloud, server, inputs)

    def read(self, context: Context, identity: str, state: State) -> State | None:
        server = servers(context.cloud).find(identity)
        if server is None or server["status"] in ("DELETED", "SOFT_DELETED"):
            return None
        return self._state(context.cloud, server, state)

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        cloud = context.cloud
        if "name" in changed:
            servers(cloud).change(identity, {"name": inputs["name"]})
        if "metadata" in changed:
            body = {"metadata": inputs.get("metadata", {})}
            cloud.service("compute").request("PUT", f"/servers/{identity}/metadata", json=body)
        if "tags" in changed:
            held = servers(cloud).get(identity).get("tags", [])
            tags = sorted([*inputs.get("tags", []), *marks(held)])
            cloud.service("compute").request("PUT", f"/servers/{identity}/tags", json={"tags": tags})
        if changed & {"flavorId", "flavorName"}:
            self._resize(context, identity, _flavor_id(cloud, inputs))
        if "powerState" in changed:
            self._power(context, identity, inputs.get("powerState", "active"))
        return self._state(cloud, servers(cloud).get(identity), inputs)

    def delete(self, context: Context, identity: str, state: State) -> None:
        found = servers(context.cloud).find(identity)
        if found is None:
            return
        if state.get("stopBeforeDestroy") and found["status"] == "ACTIVE":
            self._power(context, identity, "shutoff")
        if state.get("forceDelete"):
            servers(context.cloud).act(identity, {"forceDelete": None})
        else:
            servers(context.cloud).remove(identity)
        seen: Thing = {}

        def gone() -> bool | None:
            seen.clear()
            seen.update(servers(context.cloud).find(identity) or {})
            return None if seen and seen["status"] not in ("DELETED", "SOFT_DELETED") else True

        what = f"server {state.get('name', '')} ({identity}) to be gone"
        context.deadline.wait(what, gone, lambda: _standing(seen))

    def _make(self, context: Context, inputs: State) -> Thing:
        cloud = context.cloud
        body: dict[str, Any] = {
            "name": inputs["name"],
            "imageRef": _image_id(cloud, inputs),
            "flavorRef": _flavor_id(cloud, inputs),
            "networks": [_network(row) for row in inputs["networks"]] if inputs.get("networks") else "auto",
            "tags": sorted([*inputs.get("tags", []), context.mark]),
        }
        for name, key in (
            ("keyPair", "key_name"), ("metadata", "metadata"), ("configDrive", "config_drive"),
            ("availabilityZone", "availability_zone"),
        ):  # fmt: skip
            if inputs.get(name) not in (None, "", {}):
                body[key] = inputs[name]
        if inputs.get("securityGroups"):
            body["security_groups"] = [{"name": name} for name in inputs["securityGroups"]]
        if inputs.get("userData"):
            body["user_data"] = base64.b64encode(inputs["userData"].encode()).decode()
        try:
            return servers(cloud).create(body)
        except Unavailable:
            found = self._marked(cloud, context.mark)
            if found is None:
                raise
            return found

    def _marked(self, cloud: Cloud, mark: str) -> Thing | None:
        """What an interrupted create left; one that ended in ERROR is removed and made anew."""
        for server in servers(cloud).list(tags=mark):
            if server["status"] not in ("ERROR", "DELETED", "SOFT_DELETED"):
                return server
            servers(cloud).remove(str(server["id"]))
        return None

    def _resize(self, context: Context, identity: str, flavor_id: str) -> None:
        servers(context.cloud).act(identity, {"resize": {"flavorRef": flavor_id}})
        _wait_for(context, identity, {"VERIFY_RESIZE"}, "to be resized")
        servers(context.cloud).act(identity, {"confirmResize": None})
        _wait_for(context, identity, {"ACTIVE", "SHUTOFF"}, "to be confirmed after its resize")

    def _power(self, context: Context, identity: str, wanted: str) -> Thing:
        action, status = ("os-start", "ACTIVE") if wanted == "active" else ("os-stop", "SHUTOFF")
        if servers(context.cloud).get(identity)["status"] != status:
            servers(context.cloud).act(identity, {action: None})
        return _wait_for(context, identity, {status}, f"to become {status}")

    def _state(self, cloud: Cloud, server: Thing, known: State) -> State:
        flavor_name = server["flavor"].get("original_name", "")
        state: State = {
            "name": server["name"],
            "imageId": (server.get("image") or {}).get("id", ""),
            "imageName": known.get("imageName", ""),
            "flavorName": flavor_name,
            "flavorId": _known_flavor_id(cloud, server, known),
            "keyPair": server.get("key_name") or "",
            "securityGroups": sorted({group["name"] for group in server.get("security_groups", [])}),
            "networks": _interfaces(cloud, server, known.get("networks") or []),
            "metadata": server.get("metadata", {}),
            "tags": visible(server.get("tags", [])),
            "availabilityZone": server.get(_ZONE) or "",
            "configDrive": bool(server.get("config_drive")),
            "powerState": _POWER.get(server["status"], server["status"].lower()),
            "accessIpV4": server.get("accessIPv4") or next(iter(addresses(server)), ""),
            "accessIpV6": server.get("accessIPv6") or "",
            "allMetadata": server.get("metadata", {}),
            "allTags": visible(server.get("tags", [])),
            "created": server.get("created", ""),
            "updated": server.get("updated", ""),
        }
        return {**state, **kept(self.properties, known)}


def _wait_for(context: Context, identity: str, statuses: set[str], what: str) -> Thing:
    seen: Thing = {}

    def look() -> Thing | None:
        seen.clear()
        seen.update(servers(context.cloud).get(identity))
        must_not_be_in_error(seen)
        settled = seen["status"] in statuses and not seen.get("OS-EXT-STS:task_state")
        return dict(seen) if settled else None

    name = f"server {identity}"
    return context.deadline.wait(f"{name} {what}", look, lambda: _standing(seen))


def _standing(server: Thing) -> str:
    task = server.get("OS-EXT-STS:task_state")
    return f"{server.get('status', 'gone')}" + (f" ({task})" if task else "")


def _network(row: Mapping[str, Any]) -> dict[str, Any]:
    names = {"uuid": "uuid", "port": "port", "fixedIpV4": "fixed_ip"}
    return {names[name]: value for name, value in row.items() if name in names and value}


def _image_id(cloud: Cloud, inputs: State) -> str:
    if inputs.get("imageId"):
        return str(inputs["imageId"])
    found = list_images(cloud, name=inputs["imageName"])
    if len(found) != 1:
        raise NotFound(f"{len(found)} images are named {inputs['imageName']}, not one: give imageId")
    return str(found[0]["id"])


def _flavor_id(cloud: Cloud, inputs: State) -> str:
    if inputs.get("flavorId"):
        return str(inputs["flavorId"])
    return _flavor_named(cloud, inputs["flavorName"])


def _flavor_named(cloud: Cloud, name: str) -> str:
    found = next((one for one in flavors(cloud).list(is_public="None") if one["name"] == name), None)
    if found is None:
        raise NotFound(f"there is no flavor named {name}")
    return str(found["id"])


def _known_flavor_id(cloud: Cloud, server: Thing, known: State) -> str:
    """Nova tells a server's flavor by name only; its id is the one that we asked for, or is looked up."""
    shown = server["flavor"]
    if shown.get("id"):
        return str(shown["id"])
    name = shown.get("original_name", "")
    asked = str(known.get("flavorId", ""))
    held = flavors(cloud).find(asked) if asked and known.get("flavorName") != name else None
    if asked and (known.get("flavorName") == name or (held or {}).get("name") == name):
        return asked
    try:
        return _flavor_named(cloud, name)
    except NotFound:
        return ""


def _interfaces(cloud: Cloud, server: Thing, known: list[State]) -> list[State]:
    """The server's ports in the order in which the program names them, others after them."""
    try:
        body = cloud.service("compute").request("GET", f"/servers/{server['id']}/os-interface")
    except NotFound:
        return []
    rows = [
        {
            "uuid": port["net_id"],
            "port": port["port_id"],
            "mac": port.get("mac_addr", ""),
            "fixedIpV4": next(
                (ip["ip_address"] for ip in port.get("fixed_ips", []) if "." in ip["ip_address"]), ""
            ),
        }
        for port in body["interfaceAttachments"]
    ]
    order = {row.get("port") or row.get("uuid"): index for index, row in enumerate(known)}
    return sorted(rows, key=lambda row: order.get(row["port"], order.get(row["uuid"], len(order))))

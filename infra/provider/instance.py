"""`Instance`: a Nova server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import CloudError, Unavailable, WentWrong
from infra.cloud.flavor import flavors
from infra.cloud.server import last_failure, servers, set_metadata, set_security_groups, set_tags
from infra.cloud.volume import volumes
from infra.provider import (
    block_device,
    power_state,
    rules,
    scheduler_hints,
    server_flavor,
    server_image,
    server_network,
    server_security_group,
    user_data,
)
from infra.provider.lost_answer import made_all_the_same
from infra.provider.mark import marks, visible
from infra.provider.property import Difference, Failure, Property
from infra.provider.resource import REGION, Context, Resource, State, kept
from infra.provider.server_birth import UNATTENDED_SECONDS, born, unattended
from infra.provider.server_removal import GONE, detach_ports, remove, stop_in_good_time
from infra.provider.values import holds_unknown

_ZONE = "OS-EXT-AZ:availability_zone"
_HOST = "OS-EXT-SRV-ATTR:hypervisor_hostname"
_USER_DATA = "OS-EXT-SRV-ATTR:user_data"
_ONLY_AT_CREATION: dict[str, Any] = {
    "availabilityZoneHints": "", "blockDevices": [], "networkMode": "", "schedulerHints": [], "userData": "",
}  # fmt: skip
"""What Nova does not tell afterwards, and what its absence is. A state that does not have such a property at
all (an import, one of the official provider) does not know it, and then nothing differs from it."""
_NEVER_TOLD = _ONLY_AT_CREATION.keys() - {"blockDevices"}  # an import writes those down
_RUNNING = frozenset({"ACTIVE", "SHUTOFF"})
_ALIKE: dict[str, Callable[[Any, Any, State], bool]] = {
    "imageId": server_image.alike,
    "imageName": server_image.alike,
    "flavorId": lambda present, wanted, state: not present,
    "flavorName": lambda present, wanted, state: not present,
    "securityGroups": lambda present, wanted, state: not wanted,
    "networks": lambda present, wanted, state: server_network.same(present, wanted),
    "networkMode": lambda present, wanted, state: str(present).lower() == str(wanted).lower(),
    "userData": lambda present, wanted, state: user_data.alike(present or "", wanted),
    "blockDevices": lambda present, wanted, state: block_device.alike(present, wanted),
    "availabilityZone": lambda present, wanted, state: str(wanted).startswith(f"{present}:"),
    "powerState": lambda present, wanted, state: power_state.alike(str(present), str(wanted)),
}
"""What means the same without being equal: (what is, what is wanted, the whole state)."""


class Imported(dict[str, Any]):
    """A state that was read for an import, with inputs (`told`) that a state does not hold."""

    told: Mapping[str, Any] = {}


class Instance(Resource):
    """A change of image, disks, keypair, networks or user data replaces the server: doing it in place would
    destroy its disk just the same, but a preview would call it an update. Flavor, power state, password,
    security groups, tags and metadata change in place.

    A server that ends in ERROR is removed again and the create fails with Nova's reason: nothing half made
    stays. One that nobody works on (see `born`) is made anew, as long as there is time. An image or a flavor
    that is gone, or has another name now, changes nothing for its servers.
    """

    type_name = "openstack:compute/instance:Instance"
    seconds = 1800.0
    alternatives = (("flavorId", "flavorName"), ("imageId", "imageName"))
    properties = (
        Property("name", required=True, rule=rules.name),
        Property("imageId", replaces=True, chosen_by_cloud=True, refers="image"),
        Property("imageName", replaces=True, chosen_by_cloud=True),
        Property("flavorId", chosen_by_cloud=True, refers="flavor"),
        Property("flavorName", chosen_by_cloud=True),
        Property("keyPair", attribute="key_name", replaces=True, refers="keypair"),
        Property("securityGroups", "strings", chosen_by_cloud=True, unordered=True),
        Property("networks", "objects", replaces=True, chosen_by_cloud=True, fields=server_network.FIELDS),
        Property("networkMode", replaces=True, kept=True, rule=server_network.mode),
        Property("blockDevices", "objects", replaces=True, kept=True, fields=block_device.FIELDS),
        Property("schedulerHints", "objects", replaces=True, kept=True, fields=scheduler_hints.SERVER),
        Property("metadata", "map", rule=rules.metadata),
        Property("tags", "strings", unordered=True, rule=rules.server_tags),
        Property("userData", replaces=True, kept=True, rule=user_data.too_large),
        Property("adminPass", secret=True, kept=True, chosen_by_cloud=True),
        Property("availabilityZone", replaces=True, chosen_by_cloud=True),
        Property("availabilityZoneHints", replaces=True, kept=True),
        Property("hypervisorHostname", attribute=_HOST, replaces=True, chosen_by_cloud=True),
        Property("configDrive", "boolean", replaces=True, chosen_by_cloud=True),
        Property("powerState", default="active", rule=power_state.one_of_the_states),
        Property("stopBeforeDestroy", "boolean", default=False, kept=True),
        Property("forceDelete", "boolean", default=False, kept=True),
        Property(
            "vendorOptions", "object", kept=True,
            fields=(
                Property("ignoreResizeConfirmation", "boolean", default=False),
                Property("detachPortsBeforeDestroy", "boolean", default=False),
            ),
        ),
        Property("accessIpV4", attribute="accessIPv4", output=True),
        Property("accessIpV6", attribute="accessIPv6", output=True),
        Property("allMetadata", "map", output=True),
        Property("allTags", "strings", output=True),
        Property("created", output=True),
        Property("updated", output=True),
        REGION,
    )  # fmt: skip
    unsupported = {  # noqa: RUF012  (declared as a ClassVar in Resource)
        "personalities": "Nova writes no files into servers since its API 2.57: give them in userData "
        "(cloud-init's write_files)",
    }

    def examine(self, inputs: Mapping[str, Any]) -> Iterable[Failure]:
        if not inputs.keys() & {"flavorId", "flavorName"}:
            yield "flavorId", "give flavorId or flavorName"
        rows = inputs.get("blockDevices")
        bare = not inputs.keys() & {"imageId", "imageName"}
        if bare and not holds_unknown(rows) and block_device.needs_image(rows):
            yield "imageId", "give imageId or imageName, or blockDevices to boot from"
        for one, other in (("networks", "networkMode"), ("availabilityZone", "availabilityZoneHints")):
            if inputs.get(one) and inputs.get(other):
                yield other, f"give {one} or {other}, not both"
        yield from server_network.wrong(inputs.get("networks"))
        yield from block_device.wrong(rows)
        yield from scheduler_hints.wrong(inputs)

    def differences(self, state: State, inputs: Mapping[str, Any]) -> list[Difference]:
        return [
            replace(item, replaces=False) if item.name == "networks" and _only_access(state, inputs) else item
            for item in super().differences(state, inputs)
        ]

    def alike(self, item: Property, present: Any, wanted: Any, state: State) -> bool:
        if holds_unknown(wanted):
            return False
        if item.name in _NEVER_TOLD and item.name not in state:
            return item.name != "networkMode" or server_network.fits(state.get("networks"), wanted)
        compare = _ALIKE.get(item.name)
        return compare is not None and compare(present, wanted, state)

    def importable_inputs(self, state: State) -> State:
        inputs = super().importable_inputs(state)
        for name in ("hypervisorHostname", "userData"):  # where it happens to run; a hash
            inputs.pop(name, None)
        if inputs.get("networks"):
            inputs["networks"] = server_network.importable(inputs["networks"])
        if not block_device.needs_image(state.get("blockDevices")):
            inputs.pop("imageId", None)
        return {**inputs, **(state.told if isinstance(state, Imported) else {})}

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        chosen = {**inputs, "flavorId": server_flavor.id_of(context.cloud, inputs)}
        patience = UNATTENDED_SECONDS
        while True:
            found = self._marked(context)
            identity = str((found or self._make(context, chosen))["id"])
            try:
                server = born(context, identity, patience)
            except CloudError:
                self._clear_error(context, identity, inputs)
                raise
            if not unattended(server):
                break
            remove(context, identity)
            patience *= 2
        wanted = inputs.get("powerState", "active")
        if power_state.power_state(server["status"]) != wanted.lower():
            server = power_state.bring_to(context, identity, wanted)
        state = self._state(context.cloud, server, _known(chosen))
        stale = {item.name for item in self.differences(state, inputs) if not item.replaces}
        if found is not None and stale:
            state = self.update(context, identity, state, inputs, stale)
        return identity, state

    def read(self, context: Context, identity: str, state: State) -> State | None:
        server = servers(context.cloud).look(identity)
        if server is None or server["status"] in GONE:
            return None
        if state:
            return self._state(context.cloud, server, state)
        imported = Imported(self._state(context.cloud, server, {}))
        told: dict[str, Any] = {}
        rows = block_device.described(context.cloud, server)
        if rows:
            told["blockDevices"] = imported["blockDevices"] = rows
        if server.get(_USER_DATA):
            told["userData"] = user_data.readable(server[_USER_DATA])
        imported.told = told
        return imported

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        cloud = context.cloud
        if "name" in changed:
            servers(cloud).change(identity, {"name": inputs["name"]})
        if "metadata" in changed:
            set_metadata(cloud, identity, inputs.get("metadata", {}))
        if "tags" in changed:
            held = servers(cloud).get(identity).get("tags", [])
            set_tags(cloud, identity, [*inputs.get("tags", []), *marks(held)])
        if "securityGroups" in changed:
            present = servers(cloud).get(identity).get("security_groups", [])
            shown = {str(group["name"]) for group in present}
            wanted = {
                server_security_group.name_of(cloud, name, shown) for name in inputs.get("securityGroups", [])
            }
            set_security_groups(cloud, identity, wanted, shown)
        if "adminPass" in changed and inputs.get("adminPass"):
            servers(cloud).act(identity, {"changePassword": {"adminPass": inputs["adminPass"]}})
        resized = bool(changed & {"flavorId", "flavorName"}) and self._resize(context, identity, inputs)
        if "powerState" in changed or resized:
            power_state.bring_to(context, identity, inputs.get("powerState", "active"))
        known = {**_known(inputs), "networks": _rows_known(state, inputs)}
        return self._state(cloud, servers(cloud).get(identity), known)

    def delete(self, context: Context, identity: str, state: State) -> None:
        found = servers(context.cloud).find(identity)
        if found is None:
            return
        if state.get("stopBeforeDestroy") and found["status"] == "ACTIVE":
            stop_in_good_time(context, identity)
        if (state.get("vendorOptions") or {}).get("detachPortsBeforeDestroy"):
            detach_ports(context, identity, state.get("networks") or [])
        remove(context, identity, force=bool(state.get("forceDelete")))

    def _make(self, context: Context, inputs: State) -> Thing:
        cloud = context.cloud
        body: dict[str, Any] = {
            "name": inputs["name"],
            "flavorRef": server_flavor.id_of(cloud, inputs),
            "networks": server_network.requested(cloud, inputs),
            "tags": sorted([*inputs.get("tags", []), context.mark]),
        }
        if block_device.needs_image(inputs.get("blockDevices")):
            body["imageRef"] = server_image.id_of(cloud, inputs)
        zone = inputs.get("availabilityZone") or inputs.get("availabilityZoneHints")
        for key, value in (
            ("key_name", inputs.get("keyPair")), ("metadata", inputs.get("metadata")),
            ("config_drive", inputs.get("configDrive")), ("availability_zone", zone),
            ("adminPass", inputs.get("adminPass")),
            ("hypervisor_hostname", inputs.get("hypervisorHostname")),
        ):  # fmt: skip
            if value not in (None, "", {}):
                body[key] = value
        if inputs.get("securityGroups"):
            body["security_groups"] = [{"name": name} for name in inputs["securityGroups"]]
        if inputs.get("userData"):
            body["user_data"] = user_data.as_sent(inputs["userData"])
        if inputs.get("blockDevices"):
            body["block_device_mapping_v2"] = block_device.requested(inputs["blockDevices"])
        try:
            return servers(cloud).create(body, **scheduler_hints.beside(scheduler_hints.SERVER, inputs))
        except Unavailable:
            found = made_all_the_same(context, lambda: self._marked(context))
            if found is None:
                raise
            return found

    def _marked(self, context: Context) -> Thing | None:
        """What an interrupted create left; one that ended in ERROR is removed and made anew."""
        for server in servers(context.cloud).list(tags=context.mark):
            if server["status"] not in {"ERROR", *GONE} and not _is_going(server):
                return server
            remove(context, str(server["id"]))
        return None

    def _clear_error(self, context: Context, identity: str, inputs: State) -> None:
        """Take away a server that ended in ERROR, with the volumes that Nova had made for it."""
        server = servers(context.cloud).find(identity)
        if server is None or server["status"] != "ERROR":
            return
        given = {row.get("uuid") for row in inputs.get("blockDevices") or []}
        made = [row["id"] for row in server.get("os-extended-volumes:volumes_attached") or []]
        remove(context, identity)
        for volume_id in made:
            if volume_id not in given:
                volumes(context.cloud).remove(str(volume_id))

    def _resize(self, context: Context, identity: str, inputs: State) -> bool:
        """Give it another flavor, and say whether it had to be done."""
        flavor_id = server_flavor.id_of(context.cloud, inputs)
        server = power_state.settled(context, identity, frozenset(), "to finish what it does")
        if server["status"] not in _RUNNING:
            server = power_state.bring_to(context, identity, "active")
        before = server["flavor"]
        if server_flavor.is_of(server, flavors(context.cloud).get(flavor_id)):
            return False
        if server_flavor.is_container(server):
            raise WentWrong(
                f"server {identity} is a system container: nova's resize would make its disk anew from its"
                " image; make a new server, or replace this one (pulumi up --replace) if its data may go"
            )
        servers(context.cloud).act(identity, {"resize": {"flavorRef": flavor_id}})
        what = "to be resized"
        server = power_state.settled(context, identity, frozenset({"VERIFY_RESIZE", *_RUNNING}), what)
        if server["status"] != "VERIFY_RESIZE" and server["flavor"] == before:
            reason = last_failure(context.cloud, identity, "resize") or "nova does not say why"
            raise WentWrong(f"server {identity} kept its flavor {before.get('original_name')}: {reason}")
        if server["status"] == "VERIFY_RESIZE":
            if not (inputs.get("vendorOptions") or {}).get("ignoreResizeConfirmation"):
                servers(context.cloud).act(identity, {"confirmResize": None})
            power_state.settled(context, identity, _RUNNING, "to be confirmed after its resize")
        return True

    def _state(self, cloud: Cloud, server: Thing, known: State) -> State:
        rows = server_network.rows_of(cloud, server, known.get("networks") or [])
        shown = sorted({str(group["name"]) for group in server.get("security_groups", [])})
        v4, v6 = server_network.access_addresses(server, rows)
        state: State = {
            "name": server["name"],
            **server_image.told(cloud, server, known),
            **server_flavor.told(cloud, server, known),
            "keyPair": server.get("key_name") or "",
            "securityGroups": server_security_group.as_known(cloud, shown, known.get("securityGroups") or []),
            "networks": rows,
            "metadata": server.get("metadata", {}),
            "tags": visible(server.get("tags", [])),
            "availabilityZone": server.get(_ZONE) or known.get("availabilityZone") or "",
            "hypervisorHostname": server.get(_HOST) or known.get("hypervisorHostname") or "",
            "configDrive": known.get("configDrive", bool(server.get("config_drive"))),
            "powerState": power_state.power_state(server["status"]),
            "accessIpV4": v4,
            "accessIpV6": v6,
            "allMetadata": server.get("metadata", {}),
            "allTags": visible(server.get("tags", [])),
            "created": server.get("created", ""),
            "updated": server.get("updated", ""),
            **kept(self.properties, known),
        }
        if _USER_DATA in server:
            state["userData"] = user_data.as_told(server[_USER_DATA] or "", known.get("userData") or "")
        elif "userData" in state:
            state["userData"] = user_data.as_kept(state["userData"])
        return state


def _known(inputs: State) -> State:
    """The inputs as a state knows them: what was not given is known not to have been."""
    return {**_ONLY_AT_CREATION, **inputs, "userData": user_data.as_kept(inputs.get("userData", ""))}


def _rows_known(state: State, inputs: State) -> list[State]:
    """The rows of the state, with what the inputs say of them: networks are the same before and after."""
    before, after = state.get("networks") or [], inputs.get("networks") or []
    if len(before) != len(after):
        return [*(before or after)]
    return [{**old, **row} for old, row in zip(before, after, strict=True)]


def _only_access(state: State, inputs: Mapping[str, Any]) -> bool:
    return server_network.alike(state.get("networks"), inputs.get("networks"))


def _is_going(server: Thing) -> bool:
    return server.get("OS-EXT-STS:task_state") == "deleting"

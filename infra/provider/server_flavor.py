"""The flavor of a server, which Nova tells by name and size and not by id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound
from infra.cloud.flavor import flavors
from infra.provider.resource import State

_SIZE = ("vcpus", "ram", "disk", "ephemeral", "swap", "extra_specs")
_HYPERVISOR = "capabilities:hypervisor_type"
_CALLED = {"ephemeral": "OS-FLV-EXT-DATA:ephemeral"}


def id_of(cloud: Cloud, inputs: Mapping[str, Any]) -> str:
    """The id of the flavor that the inputs name; raises NotFound when there is none."""
    if inputs.get("flavorId"):
        return str(inputs["flavorId"])
    every = flavors(cloud).list(is_public="None")
    found = next((one for one in every if one["name"] == inputs["flavorName"]), None)
    if found is None:
        raise NotFound(f"there is no flavor named {inputs['flavorName']}")
    return str(found["id"])


def is_of(server: Thing, flavor: Thing) -> bool:
    """Whether the server has this flavor already, in all that Nova tells of it."""
    held = server["flavor"]
    return held.get("original_name") == flavor["name"] and all(
        (held[key] or 0) == (flavor.get(_CALLED.get(key, key)) or 0) for key in _SIZE if key in held
    )


def is_container(server: Thing) -> bool:
    """Whether its flavor says that it runs as a system container (`capabilities:hypervisor_type`)."""
    return "lxc" in str((server["flavor"].get("extra_specs") or {}).get(_HYPERVISOR, "")).lower().split()


def told(cloud: Cloud, server: Thing, known: State) -> State:
    """`flavorId` and `flavorName` of the server. The id is the one that was asked for, as long as the name
    behind it has not changed; else that of the flavor that has the name now, "" when there is none."""
    name = str(server["flavor"].get("original_name") or "")
    asked = str(known.get("flavorId") or "")
    if asked and known.get("flavorName") == name:
        return {"flavorId": asked, "flavorName": name}
    if asked and (flavors(cloud).look(asked) or {}).get("name") == name:
        return {"flavorId": asked, "flavorName": name}
    named = next((one for one in flavors(cloud).look_where() if one["name"] == name), {})
    return {"flavorId": str(named.get("id") or ""), "flavorName": name}

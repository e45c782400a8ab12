"""Hints to the schedulers of Nova and Cinder: where a new server or volume shall go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from infra.provider.property import Failure, Property

KEY = "OS-SCH-HNT:scheduler_hints"
SERVER = (
    Property("group", refers="server_group"),
    Property("differentHosts", "strings", "different_host", refers="server"),
    Property("sameHosts", "strings", "same_host", refers="server"),
    Property("queries", "strings", "query"),
    Property("targetCell"),
    Property("differentCells", "strings", "different_cell"),
    Property("buildNearHostIp"),
    Property("additionalProperties", "map"),
)
VOLUME = (
    Property("differentHosts", "strings", "different_host", refers="volume"),
    Property("sameHosts", "strings", "same_host", refers="volume"),
    Property("localToInstance", refers="server"),
    Property("query"),
    Property("additionalProperties", "map"),
)


def wrong(inputs: Mapping[str, Any]) -> Iterable[Failure]:
    """More than one set of hints: the APIs take one."""
    given = inputs.get("schedulerHints")
    if isinstance(given, list) and len(given) > 1:
        yield "schedulerHints[1]", "give one set of hints: the API takes no more"


def beside(fields: Iterable[Property], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What goes beside the thing in the body of the request that creates it."""
    given = next(iter(inputs.get("schedulerHints") or []), None)
    if not given:
        return {}
    hints = dict(given.get("additionalProperties") or {})
    for item in fields:
        value = given.get(item.name)
        if item.name != "additionalProperties" and value not in (None, "", []):
            hints[item.key] = _cidr(value) if item.name == "buildNearHostIp" else value
    if "build_near_host_ip" in hints and "/" in str(given["buildNearHostIp"]):
        hints["cidr"] = "/" + str(given["buildNearHostIp"]).partition("/")[2]
    return {KEY: hints} if hints else {}


def _cidr(value: str) -> str:
    """The address of `192.0.2.7/24`: Nova wants the two apart."""
    return value.partition("/")[0]

"""Nova servers."""

from __future__ import annotations

from typing import Any

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import Conflict, NotFound, WentWrong


def servers(cloud: Cloud) -> Collection:
    """The servers of our project; an administrator passes `all_tenants="1"` to a list to see everyone's."""
    return Collection(
        cloud.service("compute"),
        "/servers",
        "server",
        "servers",
        listing="/servers/detail",
        everyone={"all_tenants": "1"},
    )


def interfaces(cloud: Cloud, server_id: str) -> Collection:
    """A server's ports as Nova attached them; the id of one is its port's."""
    return Collection(
        cloud.service("compute"),
        f"/servers/{server_id}/os-interface",
        "interfaceAttachment",
        "interfaceAttachments",
    )


def volume_attachments(cloud: Cloud, server_id: str) -> Collection:
    """A server's volumes as Nova attached them; the id of one is its volume's."""
    return Collection(
        cloud.service("compute"),
        f"/servers/{server_id}/os-volume_attachments",
        "volumeAttachment",
        "volumeAttachments",
    )


def set_metadata(cloud: Cloud, server_id: str, wanted: dict[str, str]) -> None:
    """Make this all the metadata that the server has."""
    cloud.service("compute").request("PUT", f"/servers/{server_id}/metadata", json={"metadata": wanted})


def set_tags(cloud: Cloud, server_id: str, tags: list[str]) -> None:
    """Make these all the tags that the server has."""
    cloud.service("compute").request("PUT", f"/servers/{server_id}/tags", json={"tags": sorted(tags)})


def set_security_groups(cloud: Cloud, server_id: str, wanted: set[str], present: set[str]) -> None:
    """Make the groups on all its ports those of `wanted`, by name or id: what is to go on goes on first."""
    for name in sorted(wanted - present):
        try:
            servers(cloud).act(server_id, {"addSecurityGroup": {"name": name}})
        except Conflict as conflict:
            if "already" not in str(conflict):
                raise
    for name in sorted(present - wanted):
        try:
            servers(cloud).act(server_id, {"removeSecurityGroup": {"name": name}})
        except NotFound:
            continue


def fault(server: Thing) -> str:
    """Nova's own reason for an ERROR state, "" when it gives none."""
    reason: dict[str, Any] = server.get("fault") or {}
    return str(reason.get("message", ""))


def must_not_be_in_error(server: Thing) -> None:
    """Raise WentWrong with nova's reason when the server ended in ERROR."""
    if server["status"] == "ERROR":
        reason = fault(server) or "nova gives no reason; see nova-compute's and nova-conductor's journal"
        raise WentWrong(f"server {server['name']} ({server['id']}) ended in ERROR: {reason}")


def last_failure(cloud: Cloud, server_id: str, action: str) -> str:
    """What Nova says of the server's latest action of this name, "" when it says nothing."""
    body = cloud.service("compute").request("GET", f"/servers/{server_id}/os-instance-actions")
    actions = [one for one in body["instanceActions"] if one["action"] == action]
    if not actions:
        return ""
    latest = max(actions, key=lambda one: str(one.get("start_time")))
    try:
        path = f"/servers/{server_id}/os-instance-actions/{latest['request_id']}"
        told = cloud.service("compute").request("GET", path)["instanceAction"]
    except NotFound:
        told = latest
    failed = [one for one in told.get("events") or [] if one.get("result") == "Error"]
    details = next((str(one["details"]) for one in failed if one.get("details")), "")
    return details or str(told.get("message") or "")


def addresses(server: Thing, kind: str = "fixed") -> list[str]:
    """Its IP addresses of one kind: fixed or floating."""
    every = [entry for entries in server.get("addresses", {}).values() for entry in entries]
    return [str(entry["addr"]) for entry in every if entry.get("OS-EXT-IPS:type") == kind]

"""Nova servers."""

from __future__ import annotations

from typing import Any

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import WentWrong


def servers(cloud: Cloud) -> Collection:
    """The servers of our project; an administrator passes `all_projects=True` to a list to see everyone's."""
    return Collection(cloud.service("compute"), "/servers", "server", "servers", listing="/servers/detail")


def fault(server: Thing) -> str:
    """Nova's own reason for an ERROR state, "" when it gives none."""
    reason: dict[str, Any] = server.get("fault") or {}
    return str(reason.get("message", ""))


def must_not_be_in_error(server: Thing) -> None:
    """Raise WentWrong with nova's reason when the server ended in ERROR."""
    if server["status"] == "ERROR":
        reason = fault(server) or "nova gives no reason; see nova-compute's and nova-conductor's journal"
        raise WentWrong(f"server {server['name']} ({server['id']}) ended in ERROR: {reason}")


def addresses(server: Thing, kind: str = "fixed") -> list[str]:
    """Its IP addresses of one kind: fixed or floating."""
    every = [entry for entries in server.get("addresses", {}).values() for entry in entries]
    return [str(entry["addr"]) for entry in every if entry.get("OS-EXT-IPS:type") == kind]

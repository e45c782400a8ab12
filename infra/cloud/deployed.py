"""Servers that are deployments of the portal: found by their metadata, rebooted, locked, rebuilt, shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.server import servers
from infra.domain.blueprint import DEPLOYMENT_KEY, REBOOTS_KEY, REBUILT_KEY


def deployed_servers(cloud: Cloud, deployments: Iterable[str]) -> Mapping[str, Thing]:
    """Deployment's id -> its server, of those that have one."""
    wanted = frozenset(deployments)
    if not wanted:
        return {}
    found = servers(cloud).list(all_tenants="true")
    named = {str(one.get("metadata", {}).get(DEPLOYMENT_KEY, "")): one for one in found}
    return {id_: one for id_, one in named.items() if id_ in wanted}


def reboots_done(server: Thing) -> int:
    """How often its owner's wish to reboot it was met."""
    told = str(server.get("metadata", {}).get(REBOOTS_KEY, "0"))
    return int(told) if told.isdigit() else 0


def reboot(cloud: Cloud, server: Thing) -> None:
    """As its own system shuts down and starts; one that does not run is left as it is."""
    if server["status"] == "ACTIVE":
        servers(cloud).act(server["id"], {"reboot": {"type": "SOFT"}})


def set_locked(cloud: Cloud, server: Thing, *, locked: bool) -> None:
    """A locked server does nothing that its agency asks of the cloud beside the portal."""
    if bool(server.get("locked")) != locked:
        servers(cloud).act(server["id"], {"lock" if locked else "unlock": None})


def rebuild(cloud: Cloud, server: Thing, wish: str, image: str) -> None:
    """Make the server's disk new from this image, once for each `wish`: it is written on the server with the
    same call. Its addresses, key and user data stay.
    """
    about = server.get("metadata", {})
    if about.get(REBUILT_KEY) != wish:
        body = {"imageRef": image, "metadata": {**about, REBUILT_KEY: wish}}
        servers(cloud).act(server["id"], {"rebuild": body})


def console_log(cloud: Cloud, server_id: str, lines: int) -> str:
    """The last lines that the server printed; "" for none. Raises CloudError where it keeps no log."""
    answer = servers(cloud).act(server_id, {"os-getConsoleOutput": {"length": lines}})
    return str(answer.get("output") or "")


def remote_console(cloud: Cloud, server_id: str) -> str:
    """Where a browser finds the server's screen and keyboard, for as long as Nova's `token_ttl` says: a
    secret, as nobody is asked there who they are. Raises Refused where the server has none (a container, or
    one that began before its hypervisor offered any), Conflict where it does not run.
    """
    wanted = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
    answer = servers(cloud).act(server_id, wanted, path="remote-consoles")
    return str(answer["remote_console"]["url"])

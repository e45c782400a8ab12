"""A public address that the city lends to a server that has none, for as long as it is being set up.

It belongs to the worker's own project, so it takes nothing of the agency's quota. Its description names the
server: what a worker that died left behind is found and used, or given back, by the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import Conflict, NotFound
from infra.cloud.floating_ip import floating_ips
from infra.cloud.network import networks
from infra.cloud.port import ports
from infra.errors import InfraError

LENT = "lent by City Cloud to "


class AddressNotLent(InfraError):
    """The city has no public address left to set a server up with; free one, or widen the external
    network."""

    code = "address_not_lent"


@contextmanager
def lent(cloud: Cloud, server_id: str, outside: str = "external") -> Iterator[str]:
    """The address, as long as the block lasts. `outside` names the network that it comes from. Raises
    AddressNotLent.
    """
    every = floating_ips(cloud).list()
    _give_back_those_of_nobody(cloud, every)
    port = next(iter(ports(cloud).list(device_id=server_id)), None)
    if port is None:
        raise NotFound(f"server {server_id} has no port that an address could be lent to")
    left = [one for one in every if one.get("port_id")]
    found = next((one for one in left if one.get("description") == LENT + server_id), None)
    if found is None:
        found = _taken(cloud, server_id, outside, port["id"])
    elif found.get("port_id") != port["id"]:
        floating_ips(cloud).change(found["id"], {"port_id": port["id"]})
    try:
        yield str(found["floating_ip_address"])
    finally:
        floating_ips(cloud).remove(found["id"])


def _taken(cloud: Cloud, server_id: str, outside: str, port_id: str) -> Thing:
    """Never without its port: then another worker would give it back."""
    network = next(iter(networks(cloud).list(name=outside, **{"router:external": "true"})), None)
    if network is None:
        raise NotFound(f"there is no external network {outside}")
    try:
        return floating_ips(cloud).create({
            "floating_network_id": network["id"], "description": LENT + server_id, "port_id": port_id,
        })  # fmt: skip
    except Conflict as error:
        raise AddressNotLent(f"no address of {outside} could be taken for a while: {error}") from error


def _give_back_those_of_nobody(cloud: Cloud, every: Iterable[Thing]) -> None:
    """Those whose server is gone: its port took the association along."""
    for one in every:
        if str(one.get("description", "")).startswith(LENT) and not one.get("port_id"):
            floating_ips(cloud).remove(one["id"])

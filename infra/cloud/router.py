"""Neutron routers and their interfaces."""

from __future__ import annotations

from infra.cloud.collection import Collection
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound


def routers(cloud: Cloud) -> Collection:
    return Collection(cloud.service("network"), "/routers", "router", "routers", bulk=True)


def add_interface(cloud: Cloud, router_id: str, *, subnet_id: str = "", port_id: str = "") -> str:
    """Connect a subnet (or a port); returns the id of the port that connects them."""
    target = {"port_id": port_id} if port_id else {"subnet_id": subnet_id}
    body = cloud.service("network").request("PUT", f"/routers/{router_id}/add_router_interface", json=target)
    return str(body["port_id"])


def remove_interface(cloud: Cloud, router_id: str, port_id: str) -> None:
    """Disconnect; that router or port are gone already is success."""
    try:
        cloud.service("network").request(
            "PUT", f"/routers/{router_id}/remove_router_interface", json={"port_id": port_id}
        )
    except NotFound:
        return

"""`RouterInterface`: a router's port in a subnet. Its id is the port's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from infra.cloud import holder
from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound
from infra.cloud.port import ports
from infra.cloud.revision import amend
from infra.cloud.router import add_interface, remove_interface, routers
from infra.provider.claim import made_or_found, release
from infra.provider.neutron import IN_USE_SECONDS, remove_when_free
from infra.provider.property import Failure, Property
from infra.provider.resource import REGION, Context, Resource, State


class RouterInterface(Resource):
    """A router has at most one interface in a subnet: a repeated create takes over the one that is there.

    Neutron removes no interface that routes or floating IPs need: the delete waits for them and says which,
    or (`forceDestroy`) removes the router's routes through this subnet itself.
    """

    type_name = "openstack:networking/routerInterface:RouterInterface"
    seconds = IN_USE_SECONDS
    properties = (
        Property("routerId", required=True, replaces=True, refers="router"),
        Property("subnetId", replaces=True, chosen_by_cloud=True, refers="subnet"),
        Property("portId", replaces=True, chosen_by_cloud=True, refers="port"),
        Property("forceDestroy", "boolean", default=False, kept=True),
        REGION,
    )
    alternatives = (("subnetId", "portId"),)

    def examine(self, inputs: Mapping[str, Any]) -> Iterable[Failure]:
        if ("subnetId" in inputs) == ("portId" in inputs):
            yield "subnetId", "give exactly one of subnetId and portId"

    def alike(self, item: Property, present: Any, wanted: Any, state: State) -> bool:
        return item.name == "forceDestroy" and present is None  # the cloud does not tell it

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        cloud, router_id = context.cloud, inputs["routerId"]
        subnet_id, port_id = inputs.get("subnetId", ""), inputs.get("portId", "")

        def make() -> Thing:
            return ports(cloud).get(add_interface(cloud, router_id, subnet_id=subnet_id, port_id=port_id))

        what = f"an interface of router {router_id} in {subnet_id or port_id}"
        port = made_or_found(context, what, make, lambda: _present(cloud, inputs))
        return str(port["id"]), {**_state(port), "forceDestroy": inputs.get("forceDestroy", False)}

    def read(self, context: Context, identity: str, state: State) -> State | None:
        port = ports(context.cloud).look(identity)
        if port is None or not str(port.get("device_owner", "")).startswith("network:"):
            return None
        kept = {name: state[name] for name in ("forceDestroy",) if name in state}
        return {**_state(port), **kept}

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        return {**state, "forceDestroy": inputs.get("forceDestroy", False)}

    def delete(self, context: Context, identity: str, state: State) -> None:
        router_id = state.get("routerId") or (ports(context.cloud).find(identity) or {}).get("device_id")
        if not router_id:
            return
        if state.get("forceDestroy"):
            _remove_routes(context.cloud, router_id, identity)
        remove_when_free(
            context,
            f"the interface of router {router_id} (port {identity})",
            lambda: remove_interface(context.cloud, router_id, identity),
            lambda: holder.of_router_interface(context.cloud, router_id, identity),
        )
        release(identity)


def _present(cloud: Cloud, inputs: State) -> Thing | None:
    wanted = {"subnetId": inputs.get("subnetId"), "portId": inputs.get("portId")}
    for port in ports(cloud).list(device_id=inputs["routerId"]):
        subnets = [row["subnet_id"] for row in port.get("fixed_ips", [])]
        if port["id"] == wanted["portId"] or wanted["subnetId"] in subnets:
            return port
    return None


def _remove_routes(cloud: Cloud, router_id: str, port_id: str) -> None:
    port, router = ports(cloud).find(port_id), routers(cloud).find(router_id)
    if port is None or router is None:
        return
    blocking = holder.routes_through(cloud, router, port)
    try:
        amend(routers(cloud), router_id, "routes", lambda rows: [row for row in rows if row not in blocking])
    except NotFound:
        return


def _state(port: Thing) -> State:
    subnets = [row["subnet_id"] for row in port.get("fixed_ips", [])]
    return {
        "routerId": port["device_id"],
        "portId": port["id"],
        **({"subnetId": subnets[0]} if subnets else {}),
    }

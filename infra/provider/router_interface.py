"""`RouterInterface`: a router's port in a subnet. Its id is the port's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import Conflict, Refused, Unavailable
from infra.cloud.port import ports
from infra.cloud.router import add_interface, remove_interface
from infra.provider.property import Failure, Property
from infra.provider.resource import REGION, Context, Resource, State


class RouterInterface(Resource):
    """A router has at most one interface in a subnet: a repeated create takes over the one that is there."""

    type_name = "openstack:networking/routerInterface:RouterInterface"
    properties = (
        Property("routerId", required=True, replaces=True),
        Property("subnetId", replaces=True, chosen_by_cloud=True),
        Property("portId", replaces=True, chosen_by_cloud=True),
        REGION,
    )
    unsupported = ("forceDestroy",)
    alternatives = (("subnetId", "portId"),)

    def examine(self, inputs: Mapping[str, Any]) -> Iterable[Failure]:
        if ("subnetId" in inputs) == ("portId" in inputs):
            yield "subnetId", "give exactly one of subnetId and portId"

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        router_id = inputs["routerId"]
        try:
            port_id = add_interface(
                context.cloud,
                router_id,
                subnet_id=inputs.get("subnetId", ""),
                port_id=inputs.get("portId", ""),
            )
        except (Refused, Conflict, Unavailable):
            found = _present(context.cloud, inputs)
            if found is None:
                raise
            port_id = str(found["id"])
        return port_id, _state(ports(context.cloud).get(port_id))

    def read(self, context: Context, identity: str, state: State) -> State | None:
        port = ports(context.cloud).find(identity)
        if port is None or not str(port.get("device_owner", "")).startswith("network:"):
            return None
        return _state(port)

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        return _state(ports(context.cloud).get(identity))

    def delete(self, context: Context, identity: str, state: State) -> None:
        remove_interface(context.cloud, state["routerId"], identity)


def _present(cloud: Cloud, inputs: State) -> Thing | None:
    wanted = {"subnetId": inputs.get("subnetId"), "portId": inputs.get("portId")}
    for port in ports(cloud).list(device_id=inputs["routerId"]):
        subnets = [row["subnet_id"] for row in port.get("fixed_ips", [])]
        if port["id"] == wanted["portId"] or wanted["subnetId"] in subnets:
            return port
    return None


def _state(port: Thing) -> State:
    subnets = [row["subnet_id"] for row in port.get("fixed_ips", [])]
    return {
        "routerId": port["device_id"],
        "portId": port["id"],
        **({"subnetId": subnets[0]} if subnets else {}),
    }

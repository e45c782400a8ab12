"""`FloatingIp`: an address of an external network, and `FloatingIpAssociate`: which port it leads to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound
from infra.cloud.floating_ip import floating_ips
from infra.cloud.network import external_network_named, networks
from infra.provider import rules
from infra.provider.collection import CollectionResource
from infra.provider.property import Property
from infra.provider.resource import REGION, Context, Resource, State


class FloatingIp(CollectionResource):
    """`pool` is the name of the external network."""

    type_name = "openstack:networking/floatingIp:FloatingIp"
    noun = "floating IP"
    marked_in = "description"
    properties = (
        Property("pool", required=True, replaces=True),
        Property(
            "address",
            attribute="floating_ip_address",
            replaces=True,
            chosen_by_cloud=True,
            rule=rules.address,
        ),
        Property("subnetId", replaces=True, kept=True, chosen_by_cloud=True),
        Property("portId", chosen_by_cloud=True),
        Property("fixedIp", attribute="fixed_ip_address", chosen_by_cloud=True),
        Property("description", default="", rule=rules.description),
        Property("tenantId", replaces=True, chosen_by_cloud=True),
        Property("tags", "strings", unordered=True),
        Property("allTags", "strings", output=True),
        REGION,
    )
    unsupported = ("dnsDomain", "dnsName", "subnetIds", "valueSpecs")

    def collection(self, cloud: Cloud) -> Collection:
        return floating_ips(cloud)

    def body(self, cloud: Cloud, inputs: Mapping[str, Any]) -> dict[str, Any]:
        body = super().body(cloud, inputs)
        pool = body.pop("pool", None)
        if pool is not None:
            network = external_network_named(cloud, pool)
            if network is None:
                raise NotFound(f"there is no external network (pool) named {pool}")
            body["floating_network_id"] = network["id"]
        if inputs.get("subnetId"):
            body["subnet_id"] = inputs["subnetId"]
        return body

    def state(self, cloud: Cloud, thing: Thing) -> State:
        network = networks(cloud).find(thing["floating_network_id"]) or {}
        return {**super().state(cloud, thing), "pool": network.get("name", thing["floating_network_id"])}


class FloatingIpAssociate(Resource):
    """Its id is the floating IP's. Created twice it changes nothing."""

    type_name = "openstack:networking/floatingIpAssociate:FloatingIpAssociate"
    properties = (
        Property("floatingIp", required=True, replaces=True, rule=rules.address),
        Property("portId", required=True),
        Property("fixedIp", chosen_by_cloud=True, rule=rules.address),
        REGION,
    )

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        address = inputs["floatingIp"]
        found = next(iter(floating_ips(context.cloud).list(floating_ip_address=address)), None)
        if found is None:
            raise NotFound(f"there is no floating IP {address}")
        return str(found["id"]), _state(self._lead(context, str(found["id"]), inputs))

    def read(self, context: Context, identity: str, state: State) -> State | None:
        thing = floating_ips(context.cloud).find(identity)
        return None if thing is None or not thing.get("port_id") else _state(thing)

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        return _state(self._lead(context, identity, inputs))

    def delete(self, context: Context, identity: str, state: State) -> None:
        thing = floating_ips(context.cloud).find(identity)
        if thing is not None and thing.get("port_id") == state.get("portId", thing.get("port_id")):
            try:
                floating_ips(context.cloud).change(identity, {"port_id": None})
            except NotFound:
                return

    def _lead(self, context: Context, identity: str, inputs: State) -> Thing:
        fixed = {"fixed_ip_address": inputs["fixedIp"]} if inputs.get("fixedIp") else {}
        return floating_ips(context.cloud).change(identity, {"port_id": inputs["portId"], **fixed})


def _state(thing: Thing) -> State:
    return {
        "floatingIp": thing["floating_ip_address"],
        "portId": thing["port_id"],
        "fixedIp": thing.get("fixed_ip_address") or "",
    }

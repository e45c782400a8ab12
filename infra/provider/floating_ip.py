"""`FloatingIp`: an address of an external network, and `FloatingIpAssociate`: which port it leads to."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import Conflict, NotFound
from infra.cloud.floating_ip import floating_ips
from infra.cloud.network import external_network_named, networks
from infra.cloud.subnet import subnets
from infra.provider import address, rules
from infra.provider.address import canonical
from infra.provider.neutron import TAGS, VALUE_SPECS, NeutronResource, when_reachable
from infra.provider.property import Failure, Property
from infra.provider.resource import REGION, Context, Resource, State

_UNREACHABLE = "is not reachable from subnet"
_ROUTER_SECONDS = 60.0
"""How long an address waits for the router between its network and the port's."""
_NO_DNS = "its DNS integration has no external DNS service"


class FloatingIp(NeutronResource):
    """`pool` is the name of the external network. Of `subnetIds`, the first that has an address left gives
    it; afterwards `subnetId` says which one did.
    """

    type_name = "openstack:networking/floatingIp:FloatingIp"
    noun = "floating IP"
    properties = (
        Property("pool", replaces=True),
        Property(
            "address",
            attribute="floating_ip_address",
            replaces=True,
            chosen_by_cloud=True,
            rule=rules.address,
        ),
        Property("subnetId", replaces=True, kept=True, chosen_by_cloud=True, refers="subnet"),
        Property("subnetIds", "strings", replaces=True, kept=True, chosen_by_cloud=True, refers="subnet"),
        Property("portId", chosen_by_cloud=True, refers="port"),
        Property("fixedIp", attribute="fixed_ip_address", chosen_by_cloud=True),
        Property("description", default="", rule=rules.description),
        Property("dnsName", replaces=True, chosen_by_cloud=True),
        Property("dnsDomain", replaces=True, chosen_by_cloud=True, rule=address.domain),
        Property("tenantId", replaces=True, chosen_by_cloud=True, refers="project"),
        *TAGS,
        VALUE_SPECS,
        REGION,
    )
    rewritten = frozenset({"address", "fixedIp"})
    echoed: ClassVar[Mapping[str, str]] = {"dnsName": _NO_DNS, "dnsDomain": _NO_DNS}

    def examine(self, inputs: Mapping[str, Any]) -> Iterable[Failure]:
        if not inputs.get("pool"):
            yield "pool", "required, and missing: the name of an external network"
        if inputs.get("subnetId") and inputs.get("subnetIds"):
            yield "subnetIds", "subnetId says the subnet already: leave one of them out"
        if inputs.get("fixedIp") and "portId" not in inputs:
            yield "fixedIp", "the address of a port needs its portId"

    def alike(self, item: Property, present: Any, wanted: Any, state: State) -> bool:
        if item.name == "subnetIds":
            return state.get("subnetId", wanted[0]) in wanted
        if item.name == "subnetId":
            return not present
        return super().alike(item, present, wanted, state)

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
        if not body.get("fixed_ip_address", True):
            del body["fixed_ip_address"]
        return body

    def state(self, cloud: Cloud, thing: Thing) -> State:
        """`portId` is there even when it leads nowhere, so that a port that was taken away is seen."""
        network = networks(cloud).look(thing["floating_network_id"]) or {}
        shown = {"portId": "", **super().state(cloud, thing)}
        return {**shown, "pool": network.get("name", thing["floating_network_id"])}

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        identity, state = super().create(context, inputs)
        if inputs.get("subnetIds"):
            state["subnetId"] = self._subnet(context.cloud, state, inputs["subnetIds"])
        return identity, state

    def _make(self, context: Context, inputs: State) -> tuple[Thing, bool]:
        chosen = inputs.get("subnetIds") or []
        for subnet in chosen[:-1]:
            try:
                return super()._make(context, {**inputs, "subnetId": subnet})
            except Conflict:
                continue
        last = {**inputs, "subnetId": chosen[-1]} if chosen else inputs
        return when_reachable(
            context,
            _ROUTER_SECONDS if inputs.get("portId") else 0.0,
            f"a router between {inputs['pool']} and port {inputs.get('portId')}",
            _UNREACHABLE,
            lambda: super(FloatingIp, self)._make(context, last),
        )

    def _companions(self, inputs: State, changed: set[str]) -> State:
        """An address inside a port means nothing without the port."""
        return {"portId": inputs["portId"]} if "fixedIp" in changed and "portId" in inputs else {}

    def _subnet(self, cloud: Cloud, state: State, among: list[str]) -> str:
        for identity in among:
            subnet = subnets(cloud).find(identity)
            if subnet and ipaddress.ip_address(state["address"]) in ipaddress.ip_network(subnet["cidr"]):
                return identity
        return among[0]


class FloatingIpAssociate(Resource):
    """Its id is the floating IP's. Created twice it changes nothing."""

    type_name = "openstack:networking/floatingIpAssociate:FloatingIpAssociate"
    seconds = 120.0
    properties = (
        Property("floatingIp", required=True, replaces=True, rule=rules.address),
        Property("portId", required=True, refers="port"),
        Property("fixedIp", chosen_by_cloud=True, rule=rules.address),
        REGION,
    )

    def alike(self, item: Property, present: Any, wanted: Any, state: State) -> bool:
        return item.name != "portId" and bool(canonical(present) == canonical(wanted))

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        wanted = canonical(inputs["floatingIp"])
        found = next(iter(floating_ips(context.cloud).list(floating_ip_address=wanted)), None)
        if found is None:
            raise NotFound(f"there is no floating IP {wanted}")
        return str(found["id"]), _state(self._lead(context, str(found["id"]), inputs))

    def read(self, context: Context, identity: str, state: State) -> State | None:
        thing = floating_ips(context.cloud).look(identity)
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
        return when_reachable(
            context,
            _ROUTER_SECONDS,
            f"a router between floating IP {inputs['floatingIp']} and port {inputs['portId']}",
            _UNREACHABLE,
            lambda: floating_ips(context.cloud).change(identity, {"port_id": inputs["portId"], **fixed}),
        )


def _state(thing: Thing) -> State:
    return {
        "floatingIp": thing["floating_ip_address"],
        "portId": thing["port_id"],
        "fixedIp": thing.get("fixed_ip_address") or "",
    }

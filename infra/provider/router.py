"""`Router`: a Neutron router, with a gateway to an external network where it names one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from infra.cloud import holder
from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import Conflict
from infra.cloud.router import routers
from infra.provider import rules
from infra.provider.neutron import TAGS, VALUE_SPECS, NeutronResource
from infra.provider.property import Difference, Failure, Property
from infra.provider.resource import REGION, Context, State

T = TypeVar("T")
_GATEWAY = frozenset({"externalNetworkId", "enableSnat", "externalFixedIps", "externalQosPolicyId"})
_WITH_NETWORK = ("enableSnat", "externalFixedIps", "externalQosPolicyId", "externalSubnetIds")


class Router(NeutronResource):
    """Of `externalSubnetIds`, the first that has an address left gives the gateway its address; any of them
    is as good as another afterwards. `vendorOptions` say how the router is made, and mean nothing later.
    """

    type_name = "openstack:networking/router:Router"
    noun = "router"
    properties = (
        Property("name", required=True),
        Property("description", default="", rule=rules.description),
        Property("adminStateUp", "boolean", chosen_by_cloud=True),
        Property("distributed", "boolean", replaces=True, chosen_by_cloud=True),
        Property("externalNetworkId", refers="network"),
        Property("externalQosPolicyId", chosen_by_cloud=True, refers="qos_policy"),
        Property("enableSnat", "boolean", chosen_by_cloud=True),
        Property(
            "externalFixedIps", "objects", chosen_by_cloud=True, unordered=True,
            fields=(
                Property("subnetId", chosen_by_cloud=True, refers="subnet"),
                Property("ipAddress", chosen_by_cloud=True, rule=rules.address),
            ),
        ),
        Property("externalSubnetIds", "strings", kept=True, refers="subnet"),
        Property("tenantId", replaces=True, chosen_by_cloud=True, refers="project"),
        Property("availabilityZoneHints", "strings", replaces=True, chosen_by_cloud=True, unordered=True),
        Property(
            "vendorOptions", "object", kept=True,
            fields=(Property("setRouterGatewayAfterCreate", "boolean", default=False),),
        ),
        *TAGS,
        VALUE_SPECS,
        REGION,
    )  # fmt: skip
    rewritten = frozenset({"externalFixedIps"})

    def examine(self, inputs: Mapping[str, Any]) -> Iterable[Failure]:
        for name in _WITH_NETWORK:
            if name in inputs and not inputs.get("externalNetworkId"):
                yield name, "a router without externalNetworkId has no gateway to set this on"
        if inputs.get("externalFixedIps") and inputs.get("externalSubnetIds"):
            yield "externalSubnetIds", "externalFixedIps say the subnet already: leave one of them out"

    def differences(self, state: State, inputs: Mapping[str, Any]) -> list[Difference]:
        """The subnets to choose from are compared with where the gateway is, not with what was said
        before."""
        told = {name: value for name, value in state.items() if name != "externalSubnetIds"}
        return super().differences(told, inputs)

    def alike(self, item: Property, present: Any, wanted: Any, state: State) -> bool:
        if item.name == "externalSubnetIds":
            return any(row.get("subnetId") in wanted for row in state.get("externalFixedIps") or [])
        return item.name == "vendorOptions" or super().alike(item, present, wanted, state)

    def collection(self, cloud: Cloud) -> Collection:
        return routers(cloud)

    def holders(self, cloud: Cloud, identity: str) -> list[str]:
        return holder.of_router(cloud, identity)

    def body(self, cloud: Cloud, inputs: Mapping[str, Any]) -> dict[str, Any]:
        body = super().body(cloud, {name: value for name, value in inputs.items() if name not in _GATEWAY})
        if not inputs.keys() & _GATEWAY:
            return body
        return {**body, "external_gateway_info": _gateway(inputs)}

    def state(self, cloud: Cloud, thing: Thing) -> State:
        gateway = thing.get("external_gateway_info") or {}
        shown = super().state(cloud, thing)
        shown["externalNetworkId"] = gateway.get("network_id", "")
        if gateway:
            shown["enableSnat"] = gateway.get("enable_snat", True)
            shown["externalQosPolicyId"] = gateway.get("qos_policy_id") or ""
            shown["externalFixedIps"] = [
                {"subnetId": row["subnet_id"], "ipAddress": row["ip_address"]}
                for row in gateway.get("external_fixed_ips", [])
            ]
        return shown

    def refine(self, context: Context, thing: Thing, inputs: State) -> Thing:
        thing = super().refine(context, thing, inputs)
        if not _gateway_later(inputs) or thing.get("external_gateway_info"):
            return thing
        identity = str(thing["id"])
        return _first_with_room(inputs, lambda chosen: self.collection(context.cloud).change(
            identity, {"external_gateway_info": _gateway(chosen)}
        ))  # fmt: skip

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        if "externalSubnetIds" not in changed or not inputs.get("externalSubnetIds"):
            return super().update(context, identity, state, inputs, changed)
        also = changed | {"externalFixedIps"}
        return _first_with_room(
            inputs, lambda chosen: super(Router, self).update(context, identity, state, chosen, also)
        )

    def _make(self, context: Context, inputs: State) -> tuple[Thing, bool]:
        if _gateway_later(inputs):
            without = {name: value for name, value in inputs.items() if name not in _GATEWAY}
            return super()._make(context, without)
        return _first_with_room(inputs, lambda chosen: super(Router, self)._make(context, chosen))

    def _companions(self, inputs: State, changed: set[str]) -> State:
        """Neutron takes the gateway as a whole."""
        if not changed & _GATEWAY:
            return {}
        return {name: inputs[name] for name in _GATEWAY if name in inputs}


def _gateway_later(inputs: State) -> bool:
    options = inputs.get("vendorOptions") or {}
    return bool(options.get("setRouterGatewayAfterCreate") and inputs.get("externalNetworkId"))


def _first_with_room(inputs: State, make: Callable[[State], T]) -> T:
    """What `make` makes of the inputs with the first external subnet that has an address left."""
    subnets = inputs.get("externalSubnetIds") or []
    for subnet in subnets[:-1]:
        try:
            return make({**inputs, "externalFixedIps": [{"subnetId": subnet}]})
        except Conflict:
            continue
    return make({**inputs, "externalFixedIps": [{"subnetId": subnets[-1]}]} if subnets else inputs)


def _gateway(inputs: Mapping[str, Any]) -> dict[str, Any]:
    if not inputs.get("externalNetworkId"):
        return {}
    gateway: dict[str, Any] = {"network_id": inputs["externalNetworkId"]}
    if "enableSnat" in inputs:
        gateway["enable_snat"] = inputs["enableSnat"]
    if "externalQosPolicyId" in inputs:
        gateway["qos_policy_id"] = inputs["externalQosPolicyId"] or None
    if inputs.get("externalFixedIps"):
        gateway["external_fixed_ips"] = [_fixed_ip(row) for row in inputs["externalFixedIps"]]
    return gateway


def _fixed_ip(row: Mapping[str, Any]) -> dict[str, Any]:
    names = {"subnetId": "subnet_id", "ipAddress": "ip_address"}
    return {names[name]: value for name, value in row.items() if name in names}

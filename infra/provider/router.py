"""`Router`: a Neutron router, with a gateway to an external network where it names one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.router import routers
from infra.provider import rules
from infra.provider.collection import CollectionResource
from infra.provider.property import Failure, Property
from infra.provider.resource import REGION, State

_GATEWAY = frozenset({"externalNetworkId", "enableSnat", "externalFixedIps"})


class Router(CollectionResource):
    type_name = "openstack:networking/router:Router"
    noun = "router"
    marked_in = "description"
    properties = (
        Property("name", required=True),
        Property("description", default="", rule=rules.description),
        Property("adminStateUp", "boolean", chosen_by_cloud=True),
        Property("distributed", "boolean", replaces=True, chosen_by_cloud=True),
        Property("externalNetworkId"),
        Property("enableSnat", "boolean", chosen_by_cloud=True),
        Property(
            "externalFixedIps", "objects", chosen_by_cloud=True, unordered=True,
            fields=(Property("subnetId", chosen_by_cloud=True), Property("ipAddress", chosen_by_cloud=True)),
        ),
        Property("tenantId", replaces=True, chosen_by_cloud=True),
        Property("availabilityZoneHints", "strings", replaces=True, chosen_by_cloud=True, unordered=True),
        Property("tags", "strings", unordered=True),
        Property("allTags", "strings", output=True),
        REGION,
    )  # fmt: skip
    unsupported = ("externalQosPolicyId", "externalSubnetIds", "vendorOptions", "valueSpecs")

    def examine(self, inputs: Mapping[str, Any]) -> Iterable[Failure]:
        for name in ("enableSnat", "externalFixedIps"):
            if name in inputs and not inputs.get("externalNetworkId"):
                yield name, "a router without externalNetworkId has no gateway to set this on"

    def collection(self, cloud: Cloud) -> Collection:
        return routers(cloud)

    def body(self, cloud: Cloud, inputs: Mapping[str, Any]) -> dict[str, Any]:
        body = super().body(cloud, {name: value for name, value in inputs.items() if name not in _GATEWAY})
        if not inputs.keys() & _GATEWAY:
            return body
        gateway: dict[str, Any] = {}
        if inputs.get("externalNetworkId"):
            gateway["network_id"] = inputs["externalNetworkId"]
            if "enableSnat" in inputs:
                gateway["enable_snat"] = inputs["enableSnat"]
            if inputs.get("externalFixedIps"):
                gateway["external_fixed_ips"] = [_fixed_ip(row) for row in inputs["externalFixedIps"]]
        return {**body, "external_gateway_info": gateway}

    def state(self, cloud: Cloud, thing: Thing) -> State:
        gateway = thing.get("external_gateway_info") or {}
        shown = super().state(cloud, thing)
        shown["externalNetworkId"] = gateway.get("network_id", "")
        if gateway:
            shown["enableSnat"] = gateway.get("enable_snat", True)
            shown["externalFixedIps"] = [
                {"subnetId": row["subnet_id"], "ipAddress": row["ip_address"]}
                for row in gateway.get("external_fixed_ips", [])
            ]
        return shown

    def _companions(self, inputs: State, changed: set[str]) -> State:
        """Neutron takes the gateway as a whole."""
        if not changed & _GATEWAY:
            return {}
        return {name: inputs[name] for name in _GATEWAY if name in inputs}


def _fixed_ip(row: Mapping[str, Any]) -> dict[str, Any]:
    names = {"subnetId": "subnet_id", "ipAddress": "ip_address"}
    return {names[name]: value for name, value in row.items() if name in names}

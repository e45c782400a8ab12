"""`Subnet`: a Neutron subnet."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.subnet import subnets
from infra.provider import rules
from infra.provider.collection import CollectionResource
from infra.provider.property import Failure, Property
from infra.provider.resource import REGION, State
from infra.provider.values import holds_unknown


class Subnet(CollectionResource):
    type_name = "openstack:networking/subnet:Subnet"
    noun = "subnet"
    marked_in = "description"
    properties = (
        Property("networkId", required=True, replaces=True),
        Property("cidr", required=True, replaces=True, rule=rules.cidr),
        Property("ipVersion", "integer", default=4, replaces=True, rule=rules.one_of(4, 6)),
        Property("name", required=True),
        Property("description", default="", rule=rules.description),
        Property("gatewayIp", chosen_by_cloud=True, rule=rules.address),
        Property("noGateway", "boolean", default=False),
        Property("enableDhcp", "boolean", default=True),
        Property("dnsNameservers", "strings", rule=rules.addresses),
        Property(
            "allocationPools", "objects", chosen_by_cloud=True, unordered=True,
            fields=(
                Property("start", required=True, rule=rules.address),
                Property("end", required=True, rule=rules.address),
            ),
        ),
        Property("ipv6AddressMode", attribute="ipv6_address_mode", replaces=True, chosen_by_cloud=True),
        Property("ipv6RaMode", attribute="ipv6_ra_mode", replaces=True, chosen_by_cloud=True),
        Property("tenantId", replaces=True, chosen_by_cloud=True),
        Property("tags", "strings", unordered=True),
        Property("allTags", "strings", output=True),
        REGION,
    )  # fmt: skip
    unsupported = (
        "subnetpoolId", "prefixLength", "segmentId", "serviceTypes", "dnsPublishFixedIp", "valueSpecs",
    )  # fmt: skip

    def examine(self, inputs: Mapping[str, Any]) -> Iterable[Failure]:
        if inputs.get("noGateway") is True and "gatewayIp" in inputs:
            yield "gatewayIp", "a subnet with noGateway has no gateway: leave one of them out"
        if holds_unknown(inputs.get("cidr")):
            return
        network = ipaddress.ip_network(inputs["cidr"])
        if network.version != inputs["ipVersion"]:
            yield "ipVersion", f"{inputs['cidr']} is an IPv{network.version} network"
        for path, value in _addresses_inside(inputs):
            if not holds_unknown(value) and ipaddress.ip_address(value) not in network:
                yield path, f"{value} is not in {network}"

    def collection(self, cloud: Cloud) -> Collection:
        return subnets(cloud)

    def body(self, cloud: Cloud, inputs: Mapping[str, Any]) -> dict[str, Any]:
        body = super().body(cloud, inputs)
        if body.pop("no_gateway", False):
            body["gateway_ip"] = None
        return body

    def state(self, cloud: Cloud, thing: Thing) -> State:
        return {**super().state(cloud, thing), "noGateway": thing.get("gateway_ip") is None}


def _addresses_inside(inputs: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    if "gatewayIp" in inputs:
        yield "gatewayIp", inputs["gatewayIp"]
    for index, pool in enumerate(inputs.get("allocationPools", [])):
        if isinstance(pool, dict):
            yield f"allocationPools[{index}].start", pool["start"]
            yield f"allocationPools[{index}].end", pool["end"]

"""`Subnet`: a Neutron subnet, of its own CIDR or cut from a subnet pool."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from infra.cloud import holder
from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.subnet import subnets
from infra.provider import address, rules
from infra.provider.neutron import TAGS, VALUE_SPECS, NeutronResource
from infra.provider.property import Failure, Property
from infra.provider.resource import REGION, Context, State
from infra.provider.values import holds_unknown

_MODE = rules.one_of("slaac", "dhcpv6-stateful", "dhcpv6-stateless")


class Subnet(NeutronResource):
    """`prefixLength` is what a pool is asked for; afterwards it is that of the CIDR. The official provider
    replaces a subnet whose state has one that the program has not, so it is no output of ours either.
    """

    type_name = "openstack:networking/subnet:Subnet"
    noun = "subnet"
    properties = (
        Property("networkId", required=True, replaces=True, refers="network"),
        Property("cidr", replaces=True, chosen_by_cloud=True, rule=address.network),
        Property("prefixLength", "integer", replaces=True, kept=True, chosen_by_cloud=True,
                 rule=rules.between(0, 128)),
        Property("subnetpoolId", replaces=True, chosen_by_cloud=True, refers="subnet_pool"),
        Property("ipVersion", "integer", default=4, replaces=True, rule=rules.one_of(4, 6)),
        Property("name", required=True),
        Property("description", default="", rule=rules.description),
        Property("gatewayIp", chosen_by_cloud=True, rule=rules.address),
        Property("noGateway", "boolean", default=False),
        Property("enableDhcp", "boolean", default=True),
        Property("dnsNameservers", "strings", rule=rules.addresses),
        Property("dnsPublishFixedIp", "boolean", default=False),
        Property("serviceTypes", "strings", unordered=True),
        Property("segmentId", replaces=True, chosen_by_cloud=True),
        Property(
            "allocationPools", "objects", chosen_by_cloud=True, unordered=True,
            fields=(
                Property("start", required=True, rule=rules.address),
                Property("end", required=True, rule=rules.address),
            ),
        ),
        Property("ipv6AddressMode", attribute="ipv6_address_mode", replaces=True, chosen_by_cloud=True,
                 rule=_MODE),
        Property("ipv6RaMode", attribute="ipv6_ra_mode", replaces=True, chosen_by_cloud=True, rule=_MODE),
        Property("tenantId", replaces=True, chosen_by_cloud=True, refers="project"),
        *TAGS,
        VALUE_SPECS,
        REGION,
    )  # fmt: skip
    rewritten = frozenset({"cidr", "gatewayIp", "dnsNameservers", "allocationPools"})
    echoed: ClassVar[Mapping[str, str]] = {
        "dnsPublishFixedIp": "its extension driver subnet_dns_publish_fixed_ip is off"
    }

    def examine(self, inputs: Mapping[str, Any]) -> Iterable[Failure]:
        if inputs.get("noGateway") is True and inputs.get("gatewayIp"):
            yield "gatewayIp", "a subnet with noGateway has no gateway: leave one of them out"
        if "prefixLength" in inputs and "cidr" in inputs:
            yield "prefixLength", "a subnet with a cidr has its length from it: leave one of them out"
        if not inputs.get("cidr") and not inputs.get("subnetpoolId") and not inputs.get("valueSpecs"):
            yield "cidr", "give the subnet a cidr, or a subnetpoolId to cut it from"
        if inputs.get("cidr") and not holds_unknown(inputs["cidr"]):
            yield from _outside(inputs)

    def collection(self, cloud: Cloud) -> Collection:
        return subnets(cloud)

    def holders(self, cloud: Cloud, identity: str) -> list[str]:
        return holder.of_subnet(cloud, identity)

    def body(self, cloud: Cloud, inputs: Mapping[str, Any]) -> dict[str, Any]:
        body = super().body(cloud, inputs)
        if "prefixLength" in inputs:
            body["prefixlen"] = inputs["prefixLength"]
        if body.get("dns_publish_fixed_ip") is False and "network_id" in body:
            del body["dns_publish_fixed_ip"]  # the default, which a Neutron without DNS integration refuses
        if body.pop("no_gateway", False):
            body["gateway_ip"] = None
        elif body.get("gateway_ip") == "":
            del body["gateway_ip"]
        return body

    def state(self, cloud: Cloud, thing: Thing) -> State:
        return {**super().state(cloud, thing), "noGateway": thing.get("gateway_ip") is None}

    def alike(self, item: Property, present: Any, wanted: Any, state: State) -> bool:
        if item.name == "prefixLength" and state.get("cidr"):
            return bool(ipaddress.ip_network(state["cidr"], strict=False).prefixlen == wanted)
        return super().alike(item, present, wanted, state)

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        if "noGateway" in changed and not inputs.get("noGateway"):
            gateway = inputs.get("gatewayIp") or _first_address(state["cidr"])
            inputs, changed = {**inputs, "gatewayIp": gateway}, changed | {"gatewayIp"}
            if "allocationPools" not in inputs:
                inputs["allocationPools"] = _pools_without(gateway, state.get("allocationPools", []))
        return super().update(context, identity, state, inputs, changed)

    def _companions(self, inputs: State, changed: set[str]) -> State:
        """A gateway must lie outside of the pools, so both are changed at once."""
        if not changed & {"gatewayIp", "allocationPools"}:
            return {}
        return {name: inputs[name] for name in ("gatewayIp", "allocationPools") if inputs.get(name)}


def _first_address(cidr: str) -> str:
    return str(ipaddress.ip_network(cidr, strict=False).network_address + 1)


def _pools_without(gateway: str, pools: list[dict[str, str]]) -> list[dict[str, str]]:
    """The pools with the gateway cut out of them, for they may not hold it."""
    address = ipaddress.ip_address(gateway)
    cut: list[dict[str, str]] = []
    for pool in pools:
        start, end = ipaddress.ip_address(pool["start"]), ipaddress.ip_address(pool["end"])
        if not int(start) <= int(address) <= int(end):
            cut.append(pool)
            continue
        if start < address:  # type: ignore[operator]  # of one version, as the subnet's cidr
            cut.append({"start": str(start), "end": str(address - 1)})
        if address < end:  # type: ignore[operator]
            cut.append({"start": str(address + 1), "end": str(end)})
    return cut


def _outside(inputs: Mapping[str, Any]) -> Iterable[Failure]:
    """The addresses that are not in the subnet, and a version that is not its own."""
    network = ipaddress.ip_network(inputs["cidr"], strict=False)
    if network.version != inputs["ipVersion"]:
        yield "ipVersion", f"{inputs['cidr']} is an IPv{network.version} network"
    for path, value in _addresses_inside(inputs):
        if value and not holds_unknown(value) and ipaddress.ip_address(value) not in network:
            yield path, f"{value} is not in {network}"


def _addresses_inside(inputs: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    if "gatewayIp" in inputs and ":" not in str(inputs["gatewayIp"]):  # IPv6 gateways may be link-local
        yield "gatewayIp", inputs["gatewayIp"]
    for index, pool in enumerate(inputs.get("allocationPools", [])):
        if isinstance(pool, dict):
            yield f"allocationPools[{index}].start", pool["start"]
            yield f"allocationPools[{index}].end", pool["end"]

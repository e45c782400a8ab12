"""`Port`: a Neutron port."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.port import ports
from infra.provider import rules
from infra.provider.collection import CollectionResource
from infra.provider.property import Failure, Property
from infra.provider.resource import REGION, State


class Port(CollectionResource):
    """`fixedIps` and `securityGroupIds` hold what the program asked for; `allFixedIps` and
    `allSecurityGroupIds` what the port has.
    """

    type_name = "openstack:networking/port:Port"
    noun = "port"
    marked_in = "description"
    properties = (
        Property("networkId", required=True, replaces=True),
        Property("name", required=True),
        Property("description", default="", rule=rules.description),
        Property("adminStateUp", "boolean", chosen_by_cloud=True),
        Property("macAddress", replaces=True, chosen_by_cloud=True),
        Property("tenantId", replaces=True, chosen_by_cloud=True),
        Property("deviceId", chosen_by_cloud=True),
        Property("deviceOwner", chosen_by_cloud=True),
        Property(
            "securityGroupIds", "strings", "security_groups", chosen_by_cloud=True, unordered=True
        ),
        Property("noSecurityGroups", "boolean", default=False, kept=True),
        Property(
            "fixedIps", "objects", chosen_by_cloud=True, unordered=True,
            fields=(
                Property("subnetId", chosen_by_cloud=True),
                Property("ipAddress", chosen_by_cloud=True, rule=rules.address),
            ),
        ),
        Property("noFixedIp", "boolean", default=False, kept=True),
        Property("portSecurityEnabled", "boolean", chosen_by_cloud=True),
        Property(
            "allowedAddressPairs", "objects", unordered=True,
            fields=(Property("ipAddress", required=True), Property("macAddress", chosen_by_cloud=True)),
        ),
        Property("tags", "strings", unordered=True),
        Property("allTags", "strings", output=True),
        Property("allFixedIps", "strings", output=True),
        Property("allSecurityGroupIds", "strings", output=True),
        REGION,
    )  # fmt: skip
    unsupported = ("binding", "dnsName", "extraDhcpOptions", "qosPolicyId", "valueSpecs")

    def examine(self, inputs: Mapping[str, Any]) -> Iterable[Failure]:
        for switch, name in (("noSecurityGroups", "securityGroupIds"), ("noFixedIp", "fixedIps")):
            if inputs.get(switch) is True and inputs.get(name):
                yield name, f"a port with {switch} has none: leave one of them out"

    def collection(self, cloud: Cloud) -> Collection:
        return ports(cloud)

    def body(self, cloud: Cloud, inputs: Mapping[str, Any]) -> dict[str, Any]:
        body = super().body(cloud, inputs)
        if inputs.get("noSecurityGroups"):
            body["security_groups"] = []
        if inputs.get("noFixedIp"):
            body["fixed_ips"] = []
        for key in ("fixed_ips", "allowed_address_pairs"):
            if key in body:
                body[key] = [_row(row) for row in body[key] or []]
        return body

    def state(self, cloud: Cloud, thing: Thing) -> State:
        shown = super().state(cloud, thing)
        for name in ("fixedIps", "allowedAddressPairs"):
            shown[name] = [_named(row) for row in shown.get(name, [])]
        return {
            **shown,
            "allFixedIps": [row["ip_address"] for row in thing.get("fixed_ips", [])],
            "allSecurityGroupIds": sorted(thing.get("security_groups", [])),
        }


_ROW = {"subnetId": "subnet_id", "ipAddress": "ip_address", "macAddress": "mac_address"}


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {_ROW[name]: value for name, value in row.items() if name in _ROW}


def _named(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[key] for name, key in _ROW.items() if row.get(key) is not None}

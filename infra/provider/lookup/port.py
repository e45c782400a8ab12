"""The functions `getPort` and `getPortIds`."""

from __future__ import annotations

import ipaddress
import json

from infra.cloud.connection import Cloud
from infra.cloud.port import ports
from infra.provider.lookup.function import (
    ID,
    REGION,
    Answer,
    Function,
    Given,
    NothingMatches,
    Thing,
    texts,
)
from infra.provider.lookup.networking import TAGS, tagged
from infra.provider.lookup.search import SORTING, candidates, ids_of, in_order, one
from infra.provider.property import Property


def _address(value: str) -> str | None:
    try:
        ipaddress.ip_address(value)
    except ValueError as wrong:
        return f"is no address: {wrong}"
    return None


_FILTERS = (
    Property("name"), Property("description"), Property("networkId"), Property("tenantId"),
    Property("projectId"), Property("adminStateUp", "boolean"), Property("status"), Property("macAddress"),
    Property("deviceId"), Property("deviceOwner"), Property("dnsName"),
    Property("fixedIp", kept=True, rule=_address), Property("securityGroupIds", "strings", kept=True),
)  # fmt: skip


def _filtered(cloud: Cloud, things: list[Thing], given: Given) -> list[Thing]:
    """Those with the address, with one of the security groups, and with every tag."""
    address, groups = given.get("fixedIp"), set(given.get("securityGroupIds", ()))
    return [
        thing
        for thing in tagged(cloud, things, given)
        if (address is None or address in _addresses(thing))
        and (not groups or groups & set(thing.get("security_groups") or ()))
    ]


def _addresses(port: Thing) -> list[str]:
    return [str(row["ip_address"]) for row in port.get("fixed_ips") or []]


def _details(cloud: Cloud, port: Thing) -> Answer:
    profile = port.get("binding:profile")
    return {
        "allFixedIps": _addresses(port),
        "allowedAddressPairs": [
            # Neutron repeats the port's own MAC address where none was given.
            {
                "ipAddress": row["ip_address"],
                "macAddress": "" if row.get("mac_address") == port["mac_address"] else row["mac_address"],
            }
            for row in port.get("allowed_address_pairs") or []
        ],
        "extraDhcpOptions": [
            {"name": row["opt_name"], "value": row["opt_value"], "ipVersion": row.get("ip_version", 4)}
            for row in port.get("extra_dhcp_opts") or []
        ],
        "bindings": [
            {
                "hostId": port.get("binding:host_id") or "",
                "profile": json.dumps(profile, sort_keys=True, separators=(",", ":")) if profile else "{}",
                "vifDetails": texts(port.get("binding:vif_details") or {}),
                "vifType": port.get("binding:vif_type") or "",
                "vnicType": port.get("binding:vnic_type") or "",
            }
        ],
    }


PORT = one(
    "openstack:networking/getPort:getPort", "port", ports,
    (
        ID, REGION, *TAGS, *_FILTERS,
        Property("portId", attribute="id"),
        Property("allFixedIps", "strings", output=True),
        Property("allSecurityGroupIds", "strings", attribute="security_groups", output=True),
        Property("allowedAddressPairs", "objects", output=True, fields=(
            Property("ipAddress", output=True), Property("macAddress", output=True),
        )),
        Property("bindings", "objects", output=True, fields=(
            Property("hostId", output=True), Property("profile", output=True),
            Property("vifDetails", "map", output=True), Property("vifType", output=True),
            Property("vnicType", output=True),
        )),
        Property("dnsAssignments", "maps", attribute="dns_assignment", output=True),
        Property("extraDhcpOptions", "objects", output=True, fields=(
            Property("ipVersion", "integer", output=True), Property("name", output=True),
            Property("value", output=True),
        )),
    ),
    refine=_filtered, beside=_details,
)  # fmt: skip

_PORT_IDS = (ID, REGION, TAGS[0], *_FILTERS, *SORTING, Property("ids", "strings", output=True))


def _port_ids(cloud: Cloud, given: Given) -> Answer:
    found = _filtered(cloud, candidates(ports(cloud), _PORT_IDS, given), given)
    if not found:
        raise NothingMatches(f"no port matches ({', '.join(given)}): change the arguments")
    return ids_of(in_order(found, given), between="")


PORT_IDS = Function("openstack:networking/getPortIds:getPortIds", _PORT_IDS, _port_ids, echoes=True)

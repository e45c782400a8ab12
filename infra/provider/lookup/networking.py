"""Functions of the module `networking`: networks, subnets, routers and what belongs to them."""

from __future__ import annotations

import ipaddress

from infra.cloud.address_scope import address_scopes
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound
from infra.cloud.floating_ip import floating_ips
from infra.cloud.network import networks
from infra.cloud.quota import NETWORK as NETWORK_QUOTA
from infra.cloud.quota import read_quota
from infra.cloud.router import routers
from infra.cloud.security_group import security_groups
from infra.cloud.segment import segments
from infra.cloud.subnet import subnets
from infra.cloud.subnet_pool import subnet_pools
from infra.cloud.trunk import trunks
from infra.provider.lookup.function import (
    ID,
    REGION,
    Answer,
    Function,
    Given,
    NothingMatches,
    Thing,
    only,
    shown,
)
from infra.provider.lookup.search import (
    SORTING,
    candidates,
    ids_of,
    in_order,
    ip_version,
    named_like,
    one,
    one_of,
    pattern,
    rfc3339,
    with_zone,
)
from infra.provider.property import Property

TAGS = (Property("tags", "strings", kept=True), Property("allTags", "strings", attribute="tags", output=True))
"""`tags` are those that what is found has at least; `allTags` are all that it has."""
_IPV6 = one_of("slaac", "dhcpv6-stateful", "dhcpv6-stateless")


def tagged(cloud: Cloud, things: list[Thing], given: Given) -> list[Thing]:
    """Those that have every tag of the argument `tags`."""
    return [thing for thing in things if set(given.get("tags", ())) <= set(thing.get("tags") or ())]


def cidr(value: str) -> str | None:
    """The rule for a range of addresses."""
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError as wrong:
        return f"is no range of addresses: {wrong}"
    return None


def _with_subnet(cloud: Cloud, things: list[Thing], given: Given) -> list[Thing]:
    if "matchingSubnetCidr" in given:
        wanted = str(ipaddress.ip_network(given["matchingSubnetCidr"], strict=False))
        alike = [subnet for subnet in subnets(cloud).look_where(cidr=wanted) if subnet["cidr"] == wanted]
        holding = {subnet["network_id"] for subnet in alike}
        things = [thing for thing in things if thing["id"] in holding]
    return tagged(cloud, things, given)


_SEGMENT_FIELDS = (
    Property("networkType", attribute="provider:network_type", output=True),
    Property("physicalNetwork", attribute="provider:physical_network", output=True),
    Property("segmentationId", "integer", attribute="provider:segmentation_id", output=True),
)


def _provider_segments(cloud: Cloud, network: Thing) -> Answer:
    """The segments of a network; Neutron tells a single one as attributes of the network itself."""
    if network.get("segments"):
        return {}
    single = shown(_SEGMENT_FIELDS, network)
    return {"segments": [single] if single else []}


NETWORK = one(
    "openstack:networking/getNetwork:getNetwork", "network", networks,
    (
        ID, REGION, *TAGS,
        Property("networkId", attribute="id"), Property("name"), Property("description"), Property("status"),
        Property("external", "boolean", attribute="router:external"), Property("mtu", "integer"),
        Property("tenantId"), Property("transparentVlan", "boolean", attribute="vlan_transparent"),
        Property("matchingSubnetCidr", kept=True, rule=cidr),
        Property("adminStateUp", output=True), Property("shared", output=True),
        Property("availabilityZoneHints", "strings", output=True), Property("dnsDomain", output=True),
        Property("subnets", "strings", output=True),
        Property("segments", "objects", output=True, fields=_SEGMENT_FIELDS),
    ),
    refine=_with_subnet, beside=_provider_segments,
)  # fmt: skip

_SUBNET_FILTERS = (
    Property("name"), Property("description"), Property("networkId"), Property("tenantId"),
    Property("ipVersion", "integer", rule=ip_version), Property("gatewayIp"),
    Property("cidr", rule=cidr), Property("dhcpEnabled", "boolean", attribute="enable_dhcp"),
    Property("ipv6AddressMode", rule=_IPV6), Property("ipv6RaMode", rule=_IPV6, chosen_by_cloud=True),
    Property("subnetpoolId"), Property("segmentId"), Property("dnsPublishFixedIp", "boolean"),
)  # fmt: skip


_ROUTE = (
    Property("destinationCidr", attribute="destination", output=True),
    Property("nextHop", attribute="nexthop", output=True),
)
SUBNET = one(
    "openstack:networking/getSubnet:getSubnet", "subnet", subnets,
    (
        ID, REGION, *TAGS, *_SUBNET_FILTERS,
        Property("subnetId", attribute="id"),
        Property("enableDhcp", "boolean", output=True),
        Property("allocationPools", "objects", output=True, fields=(
            Property("start", output=True), Property("end", output=True),
        )),
        Property("dnsNameservers", "strings", output=True), Property("serviceTypes", "strings", output=True),
        Property("hostRoutes", "objects", output=True, fields=_ROUTE),
    ),
    refine=tagged,
)  # fmt: skip

_SUBNET_IDS = (
    ID, REGION, *_SUBNET_FILTERS, TAGS[0], *SORTING,
    Property("nameRegex", kept=True, rule=pattern), Property("ids", "strings", output=True),
)  # fmt: skip


def _subnet_ids(cloud: Cloud, given: Given) -> Answer:
    found = tagged(cloud, candidates(subnets(cloud), _SUBNET_IDS, given), given)
    return ids_of(in_order(named_like(found, given), given))


SUBNET_IDS = Function(
    "openstack:networking/getSubnetIdsV2:getSubnetIdsV2", _SUBNET_IDS, _subnet_ids,
    apart=(("name", "nameRegex"),), echoes=True,
)  # fmt: skip


def _dated(cloud: Cloud, thing: Thing) -> Answer:
    return {"createdAt": rfc3339(thing.get("created_at")), "updatedAt": rfc3339(thing.get("updated_at"))}


DATES = (Property("createdAt", output=True), Property("updatedAt", output=True))
SUBNET_POOL = one(
    "openstack:networking/getSubnetPool:getSubnetPool", "subnet pool", subnet_pools,
    (
        ID, REGION, *TAGS, *DATES,
        Property("name"), Property("description"), Property("projectId"), Property("addressScopeId"),
        Property("ipVersion", "integer", rule=ip_version), Property("defaultQuota", "integer"),
        Property("defaultPrefixlen", "integer"), Property("minPrefixlen", "integer"),
        Property("maxPrefixlen", "integer"), Property("shared", "boolean"), Property("isDefault", "boolean"),
        Property("prefixes", "strings", output=True), Property("revisionNumber", "integer", output=True),
    ),
    refine=tagged, beside=_dated,
)  # fmt: skip

ADDRESS_SCOPE = one(
    "openstack:networking/getAddressScope:getAddressScope", "address scope", address_scopes,
    (
        ID, REGION, Property("name"), Property("projectId"),
        Property("ipVersion", "integer", rule=ip_version), Property("shared", "boolean"),
    ),
)  # fmt: skip

_SEGMENT = (
    ID, REGION,
    Property("segmentId", attribute="id"), Property("name"), Property("description"), Property("networkId"),
    Property("networkType", rule=one_of("vlan", "vxlan", "flat", "gre", "geneve", "local")),
    Property("physicalNetwork"), Property("segmentationId", "integer"),
    Property("revisionNumber", "integer"), *DATES,
)  # fmt: skip


def _segment(cloud: Cloud, given: Given) -> Answer:
    try:
        things = candidates(segments(cloud), _SEGMENT, given)
    except NotFound:
        raise NothingMatches(
            "this cloud's network service does not serve segments: its plugin `segments` is not switched on"
        ) from None
    found = only("segment", things, given)
    dates = {"createdAt": with_zone(found.get("created_at")), "updatedAt": with_zone(found.get("updated_at"))}
    return {**shown(_SEGMENT, found), **dates}


SEGMENT = Function("openstack:networking/getSegmentV2:getSegmentV2", _SEGMENT, _segment)


def _gateway(cloud: Cloud, router: Thing) -> Answer:
    gateway = router.get("external_gateway_info") or {}
    return {
        "externalNetworkId": gateway.get("network_id"),
        "externalQosPolicyId": gateway.get("qos_policy_id"),
        "enableSnat": gateway.get("enable_snat"),
        "externalFixedIps": [
            {"subnetId": row.get("subnet_id", ""), "ipAddress": row.get("ip_address", "")}
            for row in gateway.get("external_fixed_ips") or []
        ],
    }


def _with_snat(cloud: Cloud, things: list[Thing], given: Given) -> list[Thing]:
    wanted = given.get("enableSnat")
    return [
        thing
        for thing in tagged(cloud, things, given)
        if wanted is None or bool((thing.get("external_gateway_info") or {}).get("enable_snat")) == wanted
    ]


ROUTER = one(
    "openstack:networking/getRouter:getRouter", "router", routers,
    (
        ID, REGION, *TAGS,
        Property("routerId", attribute="id"), Property("name"), Property("description"), Property("status"),
        Property("adminStateUp", "boolean"), Property("distributed", "boolean"), Property("tenantId"),
        Property("enableSnat", "boolean", kept=True),
        Property("availabilityZoneHints", "strings", output=True),
        Property("externalNetworkId", output=True), Property("externalQosPolicyId", output=True),
        Property("externalFixedIps", "objects", output=True, fields=(
            Property("subnetId", output=True), Property("ipAddress", output=True),
        )),
        Property("routes", "objects", output=True, fields=_ROUTE),
    ),
    refine=_with_snat, beside=_gateway,
)  # fmt: skip


def _in_pool(cloud: Cloud, things: list[Thing], given: Given) -> list[Thing]:
    """Those of the pool, which is the external network by id or name."""
    things = tagged(cloud, things, given)
    if "pool" not in given:
        return things
    named = {network["id"] for network in networks(cloud).look_where(name=given["pool"])}
    return [thing for thing in things if thing["floating_network_id"] in {given["pool"], *named}]


FLOATING_IP = one(
    "openstack:networking/getFloatingIp:getFloatingIp", "floating IP", floating_ips,
    (
        ID, REGION, *TAGS,
        Property("address", attribute="floating_ip_address"), Property("description"), Property("portId"),
        Property("fixedIp", attribute="fixed_ip_address"), Property("status"), Property("tenantId"),
        Property("pool", kept=True),
        Property("dnsDomain", output=True), Property("dnsName", output=True),
    ),
    refine=_in_pool, beside=lambda cloud, thing: {"pool": thing["floating_network_id"]},
)  # fmt: skip

SECURITY_GROUP = one(
    "openstack:networking/getSecGroup:getSecGroup", "security group", security_groups,
    (
        ID, REGION, *TAGS,
        Property("secgroupId", attribute="id"), Property("name"), Property("description"),
        Property("tenantId"), Property("stateful", "boolean"),
    ),
    refine=tagged,
)  # fmt: skip

TRUNK = one(
    "openstack:networking/getTrunk:getTrunk", "trunk", trunks,
    (
        ID, REGION, *TAGS,
        Property("trunkId", attribute="id"), Property("name"), Property("description"), Property("portId"),
        Property("adminStateUp", "boolean"), Property("status"), Property("projectId"),
        Property("subPorts", "objects", output=True, fields=(
            Property("portId", output=True), Property("segmentationType", output=True),
            Property("segmentationId", "integer", output=True),
        )),
    ),
    refine=tagged,
)  # fmt: skip

_QUOTA = (
    ID, REGION, Property("projectId", required=True, kept=True),
    *(Property(name, "integer", output=True) for name in (
        "floatingip", "network", "port", "rbacPolicy", "router", "securityGroup", "securityGroupRule",
        "subnet", "subnetpool",
    )),
)  # fmt: skip


def _quota(cloud: Cloud, given: Given) -> Answer:
    limits = read_quota(cloud, NETWORK_QUOTA, given["projectId"])
    return {**shown(_QUOTA, limits), "id": f"{given['projectId']}/{cloud.region_name}"}


QUOTA = Function("openstack:networking/getQuotaV2:getQuotaV2", _QUOTA, _quota)

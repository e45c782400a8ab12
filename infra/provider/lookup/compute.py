"""Functions of the module `compute`: what Nova knows."""

from __future__ import annotations

from typing import Any

from infra.cloud.aggregate import aggregates
from infra.cloud.availability_zone import availability_zones
from infra.cloud.connection import Cloud
from infra.cloud.flavor import flavors
from infra.cloud.keypair import find_keypair
from infra.cloud.server_group import server_groups
from infra.provider.lookup.function import (
    ID,
    REGION,
    Answer,
    Function,
    Given,
    NothingMatches,
    Thing,
    fitting,
    only,
    shown,
    texts,
)
from infra.provider.lookup.search import checksum, one, one_of
from infra.provider.property import Property, snake_case

_FIRST_VERSION = {"OpenStack-API-Version": "compute 2.1", "X-OpenStack-Nova-API-Version": "2.1"}
"""For what later microversions of Nova leave out: limits of services that it no longer speaks for."""
_WITH_INVENTORY = {"OpenStack-API-Version": "compute 2.87", "X-OpenStack-Nova-API-Version": "2.87"}
"""The last microversion in which Nova tells a hypervisor's inventory itself."""

AGGREGATE = one(
    "openstack:compute/getAggregateV2:getAggregateV2", "aggregate", aggregates,
    (
        ID, REGION,
        Property("name", required=True), Property("hosts", "strings"), Property("metadata", "map"),
        Property("zone", attribute="availability_zone", output=True),
    ),
    # Nova repeats the zone in the metadata.
    beside=lambda cloud, thing: {
        "metadata": texts({
            key: value for key, value in thing["metadata"].items() if key != "availability_zone"
        })
    },
)  # fmt: skip

_ZONES = (
    ID, REGION,
    Property("state", default="available", kept=True, rule=one_of("available", "unavailable")),
    Property("names", "strings", output=True),
)  # fmt: skip


def _zones(cloud: Cloud, given: Given) -> Answer:
    wanted = given["state"] == "available"
    names = sorted(
        name for name, available in availability_zones(cloud, "compute").items() if available == wanted
    )
    return {"names": names, "id": checksum("".join(f"{name}-" for name in names))}


AVAILABILITY_ZONES = Function("openstack:compute/getAvailabilityZones:getAvailabilityZones", _ZONES, _zones)

_FLAVOR = (
    ID, REGION,
    Property("flavorId", attribute="id"), Property("name"), Property("description"),
    Property("ram", "integer"), Property("vcpus", "integer"), Property("disk", "integer"),
    Property("swap", "integer"), Property("rxTxFactor", "number", attribute="rxtx_factor"),
    Property("isPublic", "boolean", attribute="os-flavor-access:is_public"),
    Property("minRam", "integer", kept=True), Property("minDisk", "integer", kept=True),
    Property("extraSpecs", "map", output=True),
)  # fmt: skip


def _flavor(cloud: Cloud, given: Given) -> Answer:
    every = [
        flavor
        for flavor in flavors(cloud).list(is_public="None")
        if flavor["ram"] >= given.get("minRam", 0) and flavor["disk"] >= given.get("minDisk", 0)
    ]
    return shown(_FLAVOR, only("flavor", fitting(_FLAVOR, every, given), given))


FLAVOR = Function(
    "openstack:compute/getFlavor:getFlavor", _FLAVOR, _flavor,
    apart=(("flavorId", "name", "minRam", "minDisk"),),
)  # fmt: skip

_HYPERVISOR = (
    ID, REGION,
    Property("hostname", attribute="hypervisor_hostname"),
    Property("hostIp", output=True), Property("state", output=True), Property("status", output=True),
    Property("type", attribute="hypervisor_type", output=True),
    Property("vcpus", "integer", output=True),
    Property("memory", "integer", attribute="memory_mb", output=True),
    Property("disk", "integer", attribute="local_gb", output=True),
)  # fmt: skip


def _hypervisor(cloud: Cloud, given: Given) -> Answer:
    """Memory in MiB, disk in GiB."""
    body = cloud.service("compute").request("GET", "/os-hypervisors/detail", headers=_WITH_INVENTORY)
    return shown(_HYPERVISOR, only("hypervisor", fitting(_HYPERVISOR, body["hypervisors"], given), given))


HYPERVISOR = Function("openstack:compute/getHypervisorV2:getHypervisorV2", _HYPERVISOR, _hypervisor)

_KEYPAIR = (
    ID, REGION,
    Property("name", required=True), Property("userId"),
    Property("fingerprint", output=True), Property("publicKey", output=True),
)  # fmt: skip


def _keypair(cloud: Cloud, given: Given) -> Answer:
    keypair = find_keypair(cloud, given["name"], given.get("userId", ""))
    if keypair is None:
        whose = f"user {given['userId']} has" if given.get("userId") else "our user has"
        raise NothingMatches(f"{whose} no keypair named {given['name']}: change name or userId")
    return {**shown(_KEYPAIR, keypair), "id": given["name"]}


KEYPAIR = Function("openstack:compute/getKeypair:getKeypair", _KEYPAIR, _keypair)


def _numbers(*names: str) -> tuple[Property, ...]:
    return tuple(Property(name, "integer", output=True) for name in names)


_LIMITS = (
    ID, REGION, Property("projectId", required=True, kept=True),
    *_numbers(
        "maxImageMeta", "maxPersonality", "maxPersonalitySize", "maxSecurityGroupRules", "maxSecurityGroups",
        "maxServerGroupMembers", "maxServerGroups", "maxServerMeta", "maxTotalCores", "maxTotalFloatingIps",
        "maxTotalInstances", "maxTotalKeypairs", "totalCoresUsed", "totalFloatingIpsUsed",
        "totalInstancesUsed", "totalSecurityGroupsUsed", "totalServerGroupsUsed",
    ),
    Property("maxTotalRamSize", "integer", output=True), Property("totalRamUsed", "integer", output=True),
)  # fmt: skip
_RAM = {"maxTotalRamSize": "maxTotalRAMSize", "totalRamUsed": "totalRAMUsed"}


def _limits(cloud: Cloud, given: Given) -> Answer:
    project = given["projectId"]
    body = cloud.service("compute").request(
        "GET", "/limits", params={"tenant_id": project}, headers=_FIRST_VERSION
    )
    held: dict[str, Any] = body["limits"]["absolute"]
    numbers = [item.name for item in _LIMITS if item.kind == "integer"]
    told = {name: held.get(_RAM.get(name, name)) for name in numbers}
    return {**told, "id": f"{project}/{cloud.region_name}"}


LIMITS = Function("openstack:compute/getLimitsV2:getLimitsV2", _LIMITS, _limits)

_QUOTA = (
    ID, REGION, Property("projectId", required=True, kept=True),
    *_numbers(
        "cores", "fixedIps", "floatingIps", "injectedFileContentBytes", "injectedFilePathBytes",
        "injectedFiles", "instances", "keyPairs", "metadataItems", "ram", "securityGroupRules",
        "securityGroups", "serverGroupMembers", "serverGroups",
    ),
)  # fmt: skip


def _quota(cloud: Cloud, given: Given) -> Answer:
    project = given["projectId"]
    body = cloud.service("compute").request("GET", f"/os-quota-sets/{project}", headers=_FIRST_VERSION)
    held: dict[str, Any] = body["quota_set"]
    numbers = [item.name for item in _QUOTA if item.kind == "integer"]
    return {
        **{name: held.get(snake_case(name)) for name in numbers},
        "id": f"{project}/{cloud.region_name}",
    }


QUOTA = Function("openstack:compute/getQuotaSetV2:getQuotaSetV2", _QUOTA, _quota)

_GROUP = (
    ID, REGION,
    Property("name", required=True),
    Property("members", "strings", output=True), Property("metadata", "map", output=True),
    Property("policies", "strings", output=True),
    Property("projectId", output=True), Property("userId", output=True),
    Property("rules", "objects", output=True, fields=(
        Property("maxServerPerHost", "integer", output=True),
    )),
)  # fmt: skip


def _group(cloud: Cloud, given: Given) -> Answer:
    every: list[Thing] = [
        # Since 2.64 Nova tells one policy and its rules, where it told a list before.
        {
            **group,
            "policies": [group["policy"]] if group.get("policy") else group.get("policies", []),
            "rules": [group["rules"]] if group.get("rules") else [],
        }
        for group in server_groups(cloud).list()
    ]
    return shown(_GROUP, only("server group", fitting(_GROUP, every, given), given))


SERVER_GROUP = Function("openstack:compute/getServergroupV2:getServergroupV2", _GROUP, _group)

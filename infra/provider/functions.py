"""Which module answers which function of the package (`getRole`, ...). It is imported when first called."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from infra.cloud.connection import Cloud
from infra.errors import InfraError
from infra.provider.lookup.function import Function

_SERVED = {
    "openstack:blockstorage/getAvailabilityZonesV3:getAvailabilityZonesV3": "blockstorage:AVAILABILITY_ZONES",
    "openstack:blockstorage/getQuotasetV3:getQuotasetV3": "blockstorage:QUOTA",
    "openstack:blockstorage/getSnapshotV3:getSnapshotV3": "blockstorage:SNAPSHOT",
    "openstack:blockstorage/getVolumeV3:getVolumeV3": "blockstorage:VOLUME",
    "openstack:compute/getAggregateV2:getAggregateV2": "compute:AGGREGATE",
    "openstack:compute/getAvailabilityZones:getAvailabilityZones": "compute:AVAILABILITY_ZONES",
    "openstack:compute/getFlavor:getFlavor": "compute:FLAVOR",
    "openstack:compute/getHypervisorV2:getHypervisorV2": "compute:HYPERVISOR",
    "openstack:compute/getInstanceV2:getInstanceV2": "instance:INSTANCE",
    "openstack:compute/getKeypair:getKeypair": "compute:KEYPAIR",
    "openstack:compute/getLimitsV2:getLimitsV2": "compute:LIMITS",
    "openstack:compute/getQuotaSetV2:getQuotaSetV2": "compute:QUOTA",
    "openstack:compute/getServergroupV2:getServergroupV2": "compute:SERVER_GROUP",
    "openstack:identity/getAuthScope:getAuthScope": "identity:AUTH_SCOPE",
    "openstack:identity/getEndpoint:getEndpoint": "identity:ENDPOINT",
    "openstack:identity/getGroup:getGroup": "identity:GROUP",
    "openstack:identity/getProject:getProject": "identity:PROJECT",
    "openstack:identity/getProjectIdsV3:getProjectIdsV3": "identity:PROJECT_IDS",
    "openstack:identity/getRole:getRole": "identity:ROLE",
    "openstack:identity/getService:getService": "identity:SERVICE",
    "openstack:identity/getUser:getUser": "identity:USER",
    "openstack:images/getImage:getImage": "images:IMAGE",
    "openstack:images/getImageIds:getImageIds": "images:IMAGE_IDS",
    "openstack:networking/getAddressScope:getAddressScope": "networking:ADDRESS_SCOPE",
    "openstack:networking/getFloatingIp:getFloatingIp": "networking:FLOATING_IP",
    "openstack:networking/getNetwork:getNetwork": "networking:NETWORK",
    "openstack:networking/getPort:getPort": "port:PORT",
    "openstack:networking/getPortIds:getPortIds": "port:PORT_IDS",
    "openstack:networking/getQosBandwidthLimitRule:getQosBandwidthLimitRule": "qos:BANDWIDTH_LIMIT",
    "openstack:networking/getQosDscpMarkingRule:getQosDscpMarkingRule": "qos:DSCP_MARKING",
    "openstack:networking/getQosMinimumBandwidthRule:getQosMinimumBandwidthRule": "qos:MINIMUM_BANDWIDTH",
    "openstack:networking/getQosPolicy:getQosPolicy": "qos:POLICY",
    "openstack:networking/getQuotaV2:getQuotaV2": "networking:QUOTA",
    "openstack:networking/getRouter:getRouter": "networking:ROUTER",
    "openstack:networking/getSecGroup:getSecGroup": "networking:SECURITY_GROUP",
    "openstack:networking/getSegmentV2:getSegmentV2": "networking:SEGMENT",
    "openstack:networking/getSubnet:getSubnet": "networking:SUBNET",
    "openstack:networking/getSubnetIdsV2:getSubnetIdsV2": "networking:SUBNET_IDS",
    "openstack:networking/getSubnetPool:getSubnetPool": "networking:SUBNET_POOL",
    "openstack:networking/getTrunk:getTrunk": "networking:TRUNK",
}


class FunctionNotServed(InfraError):
    """This provider does not serve that function; the official one does."""

    code = "function_not_served"


def served() -> tuple[str, ...]:
    """Every function token that this provider serves."""
    return tuple(_SERVED)


@cache
def function(token: str) -> Function:
    """The function behind a token; raises FunctionNotServed."""
    try:
        module, _, name = _SERVED[token].partition(":")
    except KeyError:
        raise FunctionNotServed(f"function {token} is not served by this provider") from None
    found = getattr(importlib.import_module(f"infra.provider.lookup.{module}"), name)
    assert isinstance(found, Function)
    assert found.token == token  # or the table above is wrong
    return found


def call(cloud: Cloud, token: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The function's answer; raises FunctionNotServed, ArgumentsRefused, NothingMatches or SeveralMatch."""
    return function(token).call(cloud, given)


def secrets(token: str) -> frozenset[str]:
    """The properties of the function's answer that are always secret."""
    return function(token).secrets

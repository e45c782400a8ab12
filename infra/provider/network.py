"""`Network`: a Neutron network, an agency's own or (with segments and `external`) a provider's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from infra.cloud import holder
from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.network import networks
from infra.provider import address, rules
from infra.provider.neutron import TAGS, VALUE_SPECS, NeutronResource
from infra.provider.property import Failure, Property
from infra.provider.resource import REGION, State

_SEGMENT = {
    "networkType": "provider:network_type",
    "physicalNetwork": "provider:physical_network",
    "segmentationId": "provider:segmentation_id",
}


class Network(NeutronResource):
    """A segment that the program leaves out is chosen by the cloud, which is no difference."""

    type_name = "openstack:networking/network:Network"
    noun = "network"
    properties = (
        Property("name", required=True),
        Property("description", default="", rule=rules.description),
        Property("adminStateUp", "boolean", chosen_by_cloud=True),
        Property("shared", "boolean", chosen_by_cloud=True),
        Property("external", "boolean", "router:external", chosen_by_cloud=True),
        Property("mtu", "integer", chosen_by_cloud=True, rule=rules.between(68, 65535)),
        Property("portSecurityEnabled", "boolean", chosen_by_cloud=True),
        Property("dnsDomain", chosen_by_cloud=True, rule=address.domain),
        Property("qosPolicyId", chosen_by_cloud=True, refers="qos_policy"),
        Property("transparentVlan", "boolean", "vlan_transparent", replaces=True, chosen_by_cloud=True),
        Property("tenantId", replaces=True, chosen_by_cloud=True, refers="project"),
        Property("availabilityZoneHints", "strings", replaces=True, chosen_by_cloud=True, unordered=True),
        Property(
            "segments", "objects", replaces=True, chosen_by_cloud=True, unordered=True,
            fields=(
                Property("networkType", chosen_by_cloud=True),
                Property("physicalNetwork", chosen_by_cloud=True),
                Property("segmentationId", "integer", chosen_by_cloud=True),
            ),
        ),
        *TAGS,
        VALUE_SPECS,
        REGION,
    )  # fmt: skip
    echoed: ClassVar[Mapping[str, str]] = {"dnsDomain": "its DNS integration is off"}

    def examine(self, inputs: Mapping[str, Any]) -> Iterable[Failure]:
        segments = inputs.get("segments", [])
        for index, segment in enumerate(segments if isinstance(segments, list) else []):
            if len(segments) > 1 and isinstance(segment, dict) and "networkType" not in segment:
                yield f"segments[{index}].networkType", "each of several segments needs its type"

    def collection(self, cloud: Cloud) -> Collection:
        return networks(cloud)

    def holders(self, cloud: Cloud, identity: str) -> list[str]:
        return holder.of_network(cloud, identity)

    def body(self, cloud: Cloud, inputs: Mapping[str, Any]) -> dict[str, Any]:
        body = super().body(cloud, inputs)
        segments = [_sent(segment) for segment in body.pop("segments", None) or []]
        if len(segments) == 1:
            return {**body, **segments[0]}
        return {**body, **({"segments": segments} if segments else {})}

    def state(self, cloud: Cloud, thing: Thing) -> State:
        shown = super().state(cloud, thing)
        segments = [found for row in thing.get("segments", [thing]) if (found := _shown(row))]
        return {**shown, **({"segments": segments} if segments else {})}


def _sent(segment: Mapping[str, Any]) -> dict[str, Any]:
    return {_SEGMENT[name]: value for name, value in segment.items() if name in _SEGMENT}


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[key] for name, key in _SEGMENT.items() if row.get(key) is not None}

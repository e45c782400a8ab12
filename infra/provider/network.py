"""`Network`: a Neutron network, an agency's own or (with segments and `external`) a provider's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.network import networks
from infra.provider import rules
from infra.provider.collection import CollectionResource
from infra.provider.property import Failure, Property
from infra.provider.resource import REGION, State

_SEGMENT = {
    "networkType": "provider:network_type",
    "physicalNetwork": "provider:physical_network",
    "segmentationId": "provider:segmentation_id",
}


class Network(CollectionResource):
    type_name = "openstack:networking/network:Network"
    noun = "network"
    marked_in = "description"
    properties = (
        Property("name", required=True),
        Property("description", default="", rule=rules.description),
        Property("adminStateUp", "boolean", chosen_by_cloud=True),
        Property("shared", "boolean", chosen_by_cloud=True),
        Property("external", "boolean", "router:external", chosen_by_cloud=True),
        Property("mtu", "integer", chosen_by_cloud=True, rule=rules.between(68, 65535)),
        Property("portSecurityEnabled", "boolean", chosen_by_cloud=True),
        Property("dnsDomain", chosen_by_cloud=True),
        Property("tenantId", replaces=True, chosen_by_cloud=True),
        Property("availabilityZoneHints", "strings", replaces=True, chosen_by_cloud=True, unordered=True),
        Property(
            "segments", "objects", replaces=True, chosen_by_cloud=True,
            fields=(
                Property("networkType", chosen_by_cloud=True),
                Property("physicalNetwork", chosen_by_cloud=True),
                Property("segmentationId", "integer", chosen_by_cloud=True),
            ),
        ),
        Property("tags", "strings", unordered=True),
        Property("allTags", "strings", output=True),
        REGION,
    )  # fmt: skip
    unsupported = ("qosPolicyId", "transparentVlan", "valueSpecs")

    def examine(self, inputs: Mapping[str, Any]) -> Iterable[Failure]:
        segments = inputs.get("segments")
        if isinstance(segments, list) and len(segments) > 1:
            yield "segments[1]", "more than one segment is not supported by this provider yet"

    def collection(self, cloud: Cloud) -> Collection:
        return networks(cloud)

    def body(self, cloud: Cloud, inputs: Mapping[str, Any]) -> dict[str, Any]:
        body = super().body(cloud, inputs)
        for segment in body.pop("segments", []) or []:
            body.update({_SEGMENT[name]: value for name, value in segment.items() if name in _SEGMENT})
        return body

    def state(self, cloud: Cloud, thing: Thing) -> State:
        segment = {name: thing[key] for name, key in _SEGMENT.items() if thing.get(key) is not None}
        return {**super().state(cloud, thing), **({"segments": [segment]} if segment else {})}

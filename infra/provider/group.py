"""`GroupV3`: a Keystone group."""

from __future__ import annotations

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.group import group_named, groups
from infra.provider import rules
from infra.provider.collection import CollectionResource
from infra.provider.property import Property
from infra.provider.resource import REGION, State


class GroupV3(CollectionResource):
    type_name = "openstack:identity/groupV3:GroupV3"
    noun = "group"
    marked_in = "attribute"
    properties = (
        Property("name", required=True, rule=rules.name),
        Property("description", default=""),
        Property("domainId", replaces=True, chosen_by_cloud=True, refers="domain"),
        REGION,
    )

    def collection(self, cloud: Cloud) -> Collection:
        return groups(cloud)

    def alike_named(self, cloud: Cloud, inputs: State) -> Thing | None:
        return group_named(cloud, inputs["name"], inputs.get("domainId"))

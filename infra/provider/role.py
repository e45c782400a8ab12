"""`Role`: a Keystone role."""

from __future__ import annotations

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.role import role_named, roles
from infra.provider import rules
from infra.provider.collection import CollectionResource
from infra.provider.property import Property
from infra.provider.resource import REGION, State


class Role(CollectionResource):
    type_name = "openstack:identity/role:Role"
    noun = "role"
    marked_in = "attribute"
    properties = (
        Property("name", required=True, rule=rules.name),
        Property("domainId", replaces=True, chosen_by_cloud=True, refers="domain"),
        REGION,
    )

    def collection(self, cloud: Cloud) -> Collection:
        return roles(cloud)

    def alike_named(self, cloud: Cloud, inputs: State) -> Thing | None:
        return role_named(cloud, inputs["name"], inputs.get("domainId", ""))

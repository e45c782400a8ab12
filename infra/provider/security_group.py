"""`SecGroup`: a Neutron security group, without its rules: each rule is a `SecGroupRule`."""

from __future__ import annotations

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.security_group import security_group_rules, security_groups
from infra.provider import rules
from infra.provider.collection import CollectionResource
from infra.provider.property import Property
from infra.provider.resource import REGION, Context, State


class SecGroup(CollectionResource):
    """Neutron puts two egress rules into every new group. They are no part of this resource, hence no drift;
    `deleteDefaultRules` removes them right after the creation."""

    type_name = "openstack:networking/secGroup:SecGroup"
    noun = "security group"
    marked_in = "description"
    properties = (
        Property("name", required=True, rule=rules.name),
        Property("description", default="", rule=rules.description),
        Property("deleteDefaultRules", "boolean", default=False, replaces=True, kept=True),
        Property("stateful", "boolean", chosen_by_cloud=True),
        Property("tenantId", replaces=True, chosen_by_cloud=True),
        Property("tags", "strings", unordered=True),
        Property("allTags", "strings", output=True),
        REGION,
    )

    def collection(self, cloud: Cloud) -> Collection:
        return security_groups(cloud)

    def refine(self, context: Context, thing: Thing, inputs: State) -> Thing:
        if inputs.get("deleteDefaultRules"):
            for rule in thing.get("security_group_rules", []):
                security_group_rules(context.cloud).remove(rule["id"])
        return thing

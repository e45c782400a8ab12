"""`SecGroup`: a Neutron security group, without its rules: each rule is a `SecGroupRule`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from infra.cloud import holder
from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.security_group import security_group_rules, security_groups
from infra.provider import rules
from infra.provider.neutron import TAGS, NeutronResource
from infra.provider.property import Property
from infra.provider.resource import REGION, Context, State

_AT_ONCE = timedelta(seconds=2)


class SecGroup(NeutronResource):
    """Neutron puts default rules into every new group. They are no part of this resource, hence no drift;
    `deleteDefaultRules` removes them before the creation is done, so that nobody's rule meets them.

    A replacement is made beside the old group, whose ports move to it before the old one goes.
    """

    type_name = "openstack:networking/secGroup:SecGroup"
    noun = "security group"
    deletes_first = False
    properties = (
        Property("name", required=True, rule=rules.name),
        Property("description", default="", rule=rules.description),
        Property("deleteDefaultRules", "boolean", default=False, replaces=True, kept=True),
        Property("stateful", "boolean", chosen_by_cloud=True),
        Property("tenantId", replaces=True, chosen_by_cloud=True, refers="project"),
        *TAGS,
        REGION,
    )

    def alike(self, item: Property, present: Any, wanted: Any, state: State) -> bool:
        """Whether default rules were deleted is not told by the cloud, and no reason to replace an imported
        group."""
        return item.name == "deleteDefaultRules" and present is None

    def collection(self, cloud: Cloud) -> Collection:
        return security_groups(cloud)

    def holders(self, cloud: Cloud, identity: str) -> list[str]:
        return holder.of_security_group(cloud, identity)

    def refine(self, context: Context, thing: Thing, inputs: State) -> Thing:
        if inputs.get("deleteDefaultRules"):
            for rule in thing.get("security_group_rules", []):
                if _as_old(rule, thing):
                    security_group_rules(context.cloud).remove(rule["id"])
        return thing


def _as_old(rule: Thing, group: Thing) -> bool:
    """Whether the rule came with the group: a group that is taken over may hold others by now."""
    made, group_made = rule.get("created_at"), group.get("created_at")
    if not made or not group_made:
        return True
    return abs(datetime.fromisoformat(made) - datetime.fromisoformat(group_made)) <= _AT_ONCE

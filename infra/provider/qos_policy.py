"""`QosPolicy`: rules on traffic, to be put on networks, ports, floating IPs and gateways."""

from __future__ import annotations

from infra.cloud import holder
from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.qos_policy import qos_policies
from infra.provider import rules
from infra.provider.neutron import TAGS, VALUE_SPECS, NeutronResource
from infra.provider.property import Property
from infra.provider.resource import REGION, Context, State


class QosPolicy(NeutronResource):
    type_name = "openstack:networking/qosPolicy:QosPolicy"
    noun = "QoS policy"
    properties = (
        Property("name", required=True, rule=rules.name),
        Property("description", default="", rule=rules.description),
        Property("shared", "boolean", chosen_by_cloud=True),
        Property("isDefault", "boolean", default=False),
        Property("projectId", replaces=True, chosen_by_cloud=True, refers="project"),
        *TAGS,
        Property("createdAt", output=True),
        Property("updatedAt", output=True),
        Property("revisionNumber", "integer", output=True),
        VALUE_SPECS,
        REGION,
    )

    def collection(self, cloud: Cloud) -> Collection:
        return qos_policies(cloud)

    def holders(self, cloud: Cloud, identity: str) -> list[str]:
        return holder.of_qos_policy(cloud, identity)

    def refine(self, context: Context, thing: Thing, inputs: State) -> Thing:
        """Tags change its revision after it was made."""
        return self.collection(context.cloud).get(str(thing["id"])) if inputs.get("tags") else thing

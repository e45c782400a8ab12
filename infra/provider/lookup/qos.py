"""Functions of the module `networking` for QoS policies and the three kinds of their rules."""

from __future__ import annotations

from infra.cloud.connection import Cloud
from infra.cloud.qos_policy import qos_policies
from infra.provider.lookup.function import (
    ID,
    REGION,
    Answer,
    Function,
    Given,
    NothingMatches,
    fitting,
    only,
    shown,
)
from infra.provider.lookup.networking import DATES, TAGS, tagged
from infra.provider.lookup.search import one, one_of, rfc3339
from infra.provider.property import Property

POLICY = one(
    "openstack:networking/getQosPolicy:getQosPolicy", "QoS policy", qos_policies,
    (
        ID, REGION, *TAGS, *DATES,
        Property("name"), Property("description"), Property("projectId"),
        Property("shared", "boolean"), Property("isDefault", "boolean"),
        Property("revisionNumber", "integer", output=True),
    ),
    refine=tagged,
    beside=lambda cloud, thing: {
        "createdAt": rfc3339(thing.get("created_at")), "updatedAt": rfc3339(thing.get("updated_at")),
    },
)  # fmt: skip


def _rule(name: str, kind: str, *own: Property) -> Function:
    """The function for one kind of rule. Neutron shows a policy with all of its rules."""
    properties = (ID, REGION, Property("qosPolicyId", required=True, kept=True), *own)

    def find(cloud: Cloud, given: Given) -> Answer:
        policy = qos_policies(cloud).find(given["qosPolicyId"])
        if policy is None:
            raise NothingMatches(f"there is no QoS policy {given['qosPolicyId']}: change qosPolicyId")
        rules = [rule for rule in policy["rules"] if rule["type"] == kind]
        found = only(f"{kind} rule", fitting(properties, rules, given), given)
        return {**shown(properties, found), "id": f"{given['qosPolicyId']}/{found['id']}"}

    return Function(f"openstack:networking/{name}:{name}", properties, find)


BANDWIDTH_LIMIT = _rule(
    "getQosBandwidthLimitRule", "bandwidth_limit",
    Property("maxKbps", "integer"), Property("maxBurstKbps", "integer"), Property("direction", output=True),
)  # fmt: skip
DSCP_MARKING = _rule("getQosDscpMarkingRule", "dscp_marking", Property("dscpMark", "integer"))
MINIMUM_BANDWIDTH = _rule(
    "getQosMinimumBandwidthRule", "minimum_bandwidth",
    Property("minKbps", "integer"), Property("direction", rule=one_of("egress", "ingress")),
)  # fmt: skip

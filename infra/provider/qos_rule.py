"""The rules of a QoS policy: `QosBandwidthLimitRule`, `QosDscpMarkingRule`, `QosMinimumBandwidthRule`."""

from __future__ import annotations

from typing import Any, ClassVar

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.qos_policy import qos_policies, qos_rules
from infra.provider import rules
from infra.provider.claim import made_or_found, release
from infra.provider.property import Property
from infra.provider.resource import REGION, Context, ImportRefused, NotOurs, Resource, State

_POLICY = Property("qosPolicyId", required=True, replaces=True, refers="qos_policy")
_DIRECTION = Property("direction", default="egress", rule=rules.one_of("egress", "ingress"))
_MARKS = (0, *range(8, 42, 2), 44, 46, 48, 56)
"""The DSCP marks that Neutron knows: the classes of RFC 2474, 2597, 3246 and 5865."""


class QosRule(Resource):
    """A policy has one rule of a kind in each direction: an interrupted create is found again by that. Its
    id is `<policy>/<rule>`; a listing of policies holds their rules.
    """

    kind: ClassVar[str]

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        policy_id = inputs["qosPolicyId"]
        collection = self._rules(context.cloud, policy_id)
        what = f"a {self.kind.replace('_', ' ')} rule of QoS policy {policy_id}"

        def find() -> Thing | None:
            return self._alike(context.cloud, policy_id, inputs, what)

        thing = made_or_found(context, what, lambda: collection.create(self._body(inputs, set(inputs))), find)
        return f"{policy_id}/{thing['id']}", self._state(policy_id, thing)

    def read(self, context: Context, identity: str, state: State) -> State | None:
        policy_id, rule_id = _parts(identity)
        policy = qos_policies(context.cloud).look(policy_id)
        found = [row for row in (policy or {}).get("rules", []) if row["id"] == rule_id]
        return self._state(policy_id, found[0]) if found else None

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        policy_id, rule_id = _parts(identity)
        after = self._rules(context.cloud, policy_id).change(rule_id, self._body(inputs, changed))
        return self._state(policy_id, after)

    def delete(self, context: Context, identity: str, state: State) -> None:
        policy_id, rule_id = _parts(identity)
        self._rules(context.cloud, policy_id).remove(rule_id)
        release(rule_id)

    def _rules(self, cloud: Cloud, policy_id: str) -> Collection:
        return qos_rules(cloud, policy_id, self.kind)

    def _alike(self, cloud: Cloud, policy_id: str, inputs: State, what: str) -> Thing | None:
        """The rule that stands in our rule's place; raises NotOurs if it says something else."""
        policy = qos_policies(cloud).find(policy_id) or {}
        for row in policy.get("rules", []):
            if row["type"] != self.kind or row.get("direction") != inputs.get("direction"):
                continue
            if self.differences(self._state(policy_id, row), inputs):
                raise NotOurs(
                    f"{what} is there already (id {policy_id}/{row['id']}) with other values: import it, or "
                    "remove it"
                )
            return dict(row)
        return None

    def _body(self, inputs: State, names: set[str]) -> dict[str, Any]:
        return {
            item.key: inputs.get(item.name, item.default)
            for item in self.properties
            if item.name in names - {"qosPolicyId", "region"}
        }

    def _state(self, policy_id: str, row: Thing) -> State:
        told = {item.name: row[item.key] for item in self.properties if row.get(item.key) is not None}
        return {**told, "qosPolicyId": policy_id}


class QosBandwidthLimitRule(QosRule):
    type_name = "openstack:networking/qosBandwidthLimitRule:QosBandwidthLimitRule"
    kind = "bandwidth_limit"
    properties = (
        _POLICY,
        Property("maxKbps", "integer", required=True, rule=rules.at_least_zero),
        Property("maxBurstKbps", "integer", default=0, rule=rules.at_least_zero),
        _DIRECTION,
        REGION,
    )


class QosDscpMarkingRule(QosRule):
    type_name = "openstack:networking/qosDscpMarkingRule:QosDscpMarkingRule"
    kind = "dscp_marking"
    properties = (
        _POLICY,
        Property("dscpMark", "integer", required=True, rule=rules.one_of(*_MARKS)),
        REGION,
    )


class QosMinimumBandwidthRule(QosRule):
    type_name = "openstack:networking/qosMinimumBandwidthRule:QosMinimumBandwidthRule"
    kind = "minimum_bandwidth"
    properties = (
        _POLICY,
        Property("minKbps", "integer", required=True, rule=rules.at_least_zero),
        _DIRECTION,
        REGION,
    )


def _parts(identity: str) -> tuple[str, str]:
    policy_id, slash, rule_id = identity.partition("/")
    if not slash or not policy_id or not rule_id:
        raise ImportRefused(f"{identity} is not <QoS policy>/<rule>")
    return policy_id, rule_id

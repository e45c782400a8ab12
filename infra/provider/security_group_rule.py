"""`SecGroupRule`: one rule of a security group. Neutron changes nothing in a rule, so every change replaces
it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from infra.cloud.collection import Thing
from infra.cloud.errors import Conflict, Unavailable
from infra.cloud.security_group import security_group_rules
from infra.provider import rules
from infra.provider.property import Failure, Property, same
from infra.provider.resource import REGION, Context, Resource, State
from infra.provider.values import UNKNOWN


class SecGroupRule(Resource):
    """Two equal rules cannot be in one group: Neutron answers 409, and the one that is there (a default
    egress rule, or our own from an interrupted run) is taken over.
    """

    type_name = "openstack:networking/secGroupRule:SecGroupRule"
    properties = (
        Property("securityGroupId", required=True, replaces=True),
        Property("direction", required=True, replaces=True, rule=rules.one_of("ingress", "egress")),
        Property("ethertype", required=True, replaces=True, rule=rules.one_of("IPv4", "IPv6")),
        Property("protocol", replaces=True, default=""),
        Property("portRangeMin", "integer", replaces=True, rule=rules.between(0, 65535)),
        Property("portRangeMax", "integer", replaces=True, rule=rules.between(0, 65535)),
        Property("remoteIpPrefix", replaces=True, chosen_by_cloud=True, rule=rules.cidr),
        Property("remoteGroupId", replaces=True, chosen_by_cloud=True),
        Property("remoteAddressGroupId", replaces=True, chosen_by_cloud=True),
        Property("description", replaces=True, default=""),
        Property("tenantId", replaces=True, chosen_by_cloud=True),
        REGION,
    )

    def examine(self, inputs: Mapping[str, Any]) -> Iterable[Failure]:
        low, high = inputs.get("portRangeMin"), inputs.get("portRangeMax")
        if (low is None) != (high is None) and inputs.get("protocol") != "icmp":
            yield (
                "portRangeMin" if low is None else "portRangeMax",
                "give both ends of the port range, or none",
            )
        elif (
            isinstance(low, int) and isinstance(high, int) and low > high and inputs.get("protocol") != "icmp"
        ):
            yield "portRangeMax", f"{high} is below portRangeMin, {low}"
        if low is not None and inputs.get("protocol", "") == "":
            yield "protocol", "a port range needs a protocol"
        prefix = inputs.get("remoteIpPrefix")
        if prefix and prefix is not UNKNOWN and (":" in prefix) != (inputs["ethertype"] == "IPv6"):
            yield "remoteIpPrefix", f"{prefix} is not an {inputs['ethertype']} network"

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        body = {
            item.key: inputs[item.name]
            for item in self.properties
            if inputs.get(item.name) not in (None, "") and item.name != "region"
        }
        try:
            thing = security_group_rules(context.cloud).create(body)
        except (Conflict, Unavailable):
            found = self._equal(context, inputs)
            if found is None:
                raise
            thing = found
        return str(thing["id"]), {**self._state(thing), "description": inputs.get("description", "")}

    def read(self, context: Context, identity: str, state: State) -> State | None:
        thing = security_group_rules(context.cloud).find(identity)
        if thing is None:
            return None
        told = self._state(thing)
        return {**told, "description": state.get("description", told.get("description", ""))}

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        return {**state, **inputs}

    def delete(self, context: Context, identity: str, state: State) -> None:
        security_group_rules(context.cloud).remove(identity)

    def _equal(self, context: Context, inputs: State) -> Thing | None:
        """The group's rule for the same traffic; Neutron writes "any" as nothing or 0.0.0.0/0."""
        matter = [item for item in self.properties if item.name not in {"region", "tenantId", "description"}]
        every = security_group_rules(context.cloud).list(security_group_id=inputs["securityGroupId"])
        for thing in every:
            state = self._state(thing)
            if all(same(item, _any(state.get(item.name)), _any(inputs.get(item.name))) for item in matter):
                return thing
        return None

    def _state(self, thing: Thing) -> State:
        return {item.name: thing[item.key] for item in self.properties if thing.get(item.key) is not None}


def _any(value: Any) -> Any:
    return "" if value in ("0.0.0.0/0", "::/0", None) else value

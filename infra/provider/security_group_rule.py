"""`SecGroupRule`: one rule of a security group. Neutron changes nothing in a rule, so every change replaces
it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from infra.cloud.collection import Thing
from infra.cloud.errors import Conflict
from infra.cloud.security_group import security_group_rules
from infra.provider import address, rules
from infra.provider.claim import made_or_found, release
from infra.provider.property import Failure, Property
from infra.provider.resource import REGION, Context, Resource, State
from infra.provider.values import UNKNOWN

_NUMBERS = {
    "icmp": 1, "igmp": 2, "ipip": 4, "tcp": 6, "egp": 8, "udp": 17, "dccp": 33, "ipv6-encap": 41,
    "ipv6-route": 43, "ipv6-frag": 44, "rsvp": 46, "gre": 47, "esp": 50, "ah": 51, "icmpv6": 58,
    "ipv6-icmp": 58, "ipv6-nonxt": 59, "ipv6-opts": 60, "ospf": 89, "pgm": 113, "vrrp": 112, "sctp": 132,
    "udplite": 136,
}  # fmt: skip
_ANY = ("", "any", "0")
_REMOTES = ("remoteIpPrefix", "remoteGroupId", "remoteAddressGroupId")
_EVERYWHERE = ("0.0.0.0/0", "::/0")


def _protocol(value: Any) -> str | None:
    name = str(value).lower()
    if name in _NUMBERS or name in _ANY or (name.isdigit() and int(name) <= 255):
        return None
    return f"must be a protocol such as tcp, or its number from 0 to 255, not {value!r}"


class SecGroupRule(Resource):
    """Two equal rules cannot be in one group: Neutron answers 409, and the one that is there (a default
    egress rule, or our own from an interrupted run) is taken over. A rule keeps no mark: in its description
    it would be a difference for the official provider, which replaces for that.
    """

    type_name = "openstack:networking/secGroupRule:SecGroupRule"
    properties = (
        Property("securityGroupId", required=True, replaces=True, refers="security_group"),
        Property("direction", required=True, replaces=True, rule=rules.one_of("ingress", "egress")),
        Property("ethertype", required=True, replaces=True, rule=rules.one_of("IPv4", "IPv6")),
        Property("protocol", replaces=True, default="", rule=_protocol),
        Property("portRangeMin", "integer", replaces=True, rule=rules.between(0, 65535)),
        Property("portRangeMax", "integer", replaces=True, rule=rules.between(0, 65535)),
        Property("remoteIpPrefix", replaces=True, chosen_by_cloud=True, rule=address.network_or_address),
        Property("remoteGroupId", replaces=True, chosen_by_cloud=True, refers="security_group"),
        Property("remoteAddressGroupId", replaces=True, chosen_by_cloud=True, refers="address_group"),
        Property("description", replaces=True, default=""),
        Property("tenantId", replaces=True, chosen_by_cloud=True, refers="project"),
        REGION,
    )

    def examine(self, inputs: Mapping[str, Any]) -> Iterable[Failure]:
        low, high = inputs.get("portRangeMin"), inputs.get("portRangeMax")
        icmp = _number(inputs.get("protocol"), inputs.get("ethertype")) in ("1", "58")
        if (low is None) != (high is None) and not icmp:
            missing = "portRangeMin" if low is None else "portRangeMax"
            yield missing, "give both ends of the port range, or none"
        elif isinstance(low, int) and isinstance(high, int) and low > high and not icmp:
            yield "portRangeMax", f"{high} is below portRangeMin, {low}"
        if low is not None and inputs.get("protocol", "") in _ANY:
            yield "protocol", "a port range needs a protocol"
        prefix = inputs.get("remoteIpPrefix")
        if prefix and prefix is not UNKNOWN and (":" in prefix) != (inputs["ethertype"] == "IPv6"):
            yield "remoteIpPrefix", f"{prefix} is not an {inputs['ethertype']} network"
        given = [name for name in _REMOTES if inputs.get(name)]
        for name in given[1:]:
            yield name, f"{given[0]} says already where the traffic is from: leave one of them out"

    def alike(self, item: Property, present: Any, wanted: Any, state: State) -> bool:
        if item.name == "protocol":
            ethertype = state.get("ethertype")
            return _number(present, ethertype) == _number(wanted, ethertype)
        if item.name == "remoteIpPrefix":
            return _place(present) == _place(wanted)
        return False

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        collection = security_group_rules(context.cloud)
        body = {
            item.key: inputs[item.name]
            for item in self.properties
            if inputs.get(item.name) not in (None, "") and item.name != "region"
        }
        what = f"an equal rule of security group {inputs['securityGroupId']}"

        def make() -> Thing:
            """Once more if the equal rule was gone before we saw it."""
            try:
                return collection.create(body)
            except Conflict:
                if self._equal(context, inputs):
                    raise
                return collection.create(body)

        thing = made_or_found(context, what, make, lambda: self._equal(context, inputs))
        if (thing.get("description") or "") != inputs.get("description", ""):
            thing = self._said_otherwise(context, thing, body, what)
        return str(thing["id"]), self._state(thing)

    def read(self, context: Context, identity: str, state: State) -> State | None:
        thing = security_group_rules(context.cloud).look(identity)
        return None if thing is None else self._state(thing)

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        return {**state, **inputs}

    def delete(self, context: Context, identity: str, state: State) -> None:
        security_group_rules(context.cloud).remove(identity)
        release(identity)

    def _said_otherwise(self, context: Context, found: Thing, body: dict[str, Any], what: str) -> Thing:
        """Our rule instead of an equal one with another description, which Neutron does not change."""
        collection = security_group_rules(context.cloud)
        collection.remove(str(found["id"]))
        release(str(found["id"]))
        return made_or_found(context, what, lambda: collection.create(body), lambda: None)

    def _equal(self, context: Context, inputs: State) -> Thing | None:
        """The group's rule for the same traffic."""
        wanted = _traffic(inputs)
        every = security_group_rules(context.cloud).list(security_group_id=inputs["securityGroupId"])
        return next((thing for thing in every if _traffic(self._state(thing)) == wanted), None)

    def _state(self, thing: Thing) -> State:
        told = {item.name: thing[item.key] for item in self.properties if thing.get(item.key) is not None}
        return {"protocol": "", "description": "", **told}


def _traffic(rule: State) -> tuple[Any, ...]:
    return (
        rule["direction"],
        rule["ethertype"],
        _number(rule.get("protocol"), rule["ethertype"]),
        rule.get("portRangeMin"),
        rule.get("portRangeMax"),
        _place(rule.get("remoteIpPrefix")),
        rule.get("remoteGroupId") or "",
        rule.get("remoteAddressGroupId") or "",
    )


def _number(protocol: Any, ethertype: Any) -> str:
    """A protocol by its number, "" for any; ICMP under IPv6 is ICMPv6."""
    name = str(protocol or "").lower()
    if name in _ANY:
        return ""
    number = str(_NUMBERS.get(name, name))
    return "58" if number == "1" and ethertype == "IPv6" else number


def _place(prefix: Any) -> str:
    """A network without host bits, "" for everywhere."""
    network = address.as_network(str(prefix or ""))
    return "" if network in _EVERYWHERE else network

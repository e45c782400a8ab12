"""`PortForwardingV2`: one port of a floating IP that leads to one port of a server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound
from infra.cloud.floating_ip import floating_ips, port_forwardings
from infra.provider import rules
from infra.provider.claim import made_or_found, release
from infra.provider.neutron import when_reachable
from infra.provider.property import Property
from infra.provider.resource import REGION, Context, Resource, State

_PORT = rules.between(1, 65535)
_PROTOCOLS = rules.one_of("tcp", "udp", "icmp", "icmp6", "sctp", "dccp")
_ROUTER_SECONDS = 60.0


class PortForwardingV2(Resource):
    """An external port and protocol of a floating IP lead to one place only: an interrupted create is found
    again by them. Its id says nothing of the floating IP, whose listing holds it.
    """

    type_name = "openstack:networking/portForwardingV2:PortForwardingV2"
    seconds = 120.0
    properties = (
        Property("floatingipId", required=True, replaces=True, refers="floating_ip"),
        Property("externalPort", "integer", required=True, rule=_PORT),
        Property("internalPort", "integer", required=True, rule=_PORT),
        Property("internalPortId", required=True, refers="port"),
        Property("internalIpAddress", required=True, rule=rules.address),
        Property("protocol", required=True, rule=_PROTOCOLS),
        Property("description", default=""),
        REGION,
    )

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        owner = inputs["floatingipId"]
        collection = port_forwardings(context.cloud, owner)
        body = _body(inputs, set(inputs))
        what = f"port forwarding {inputs['protocol']} {inputs['externalPort']} of floating IP {owner}"

        def find() -> Thing | None:
            return next((row for row in collection.list() if _same_place(row, inputs)), None)

        thing = when_reachable(
            context,
            _ROUTER_SECONDS,
            f"a router between floating IP {owner} and port {inputs['internalPortId']}",
            "is not reachable from subnet",
            lambda: made_or_found(context, what, lambda: collection.create(body), find),
        )
        return str(thing["id"]), _state(owner, thing)

    def read(self, context: Context, identity: str, state: State) -> State | None:
        owner = state.get("floatingipId") or _owner(context.cloud, identity)
        holder = floating_ips(context.cloud).look(owner) if owner else None
        if holder is None:
            return None
        rows = holder.get("port_forwardings") or []
        thing = next((row for row in rows if row.get("id") == identity), None)
        if thing is None or "description" not in thing:
            thing = port_forwardings(context.cloud, owner).find(identity)
        return None if thing is None else _state(owner, thing)

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        owner = inputs["floatingipId"]
        if changed & {"internalPort", "internalPortId", "internalIpAddress"}:
            changed = changed | {"internalPort", "internalPortId", "internalIpAddress"}
        return _state(owner, port_forwardings(context.cloud, owner).change(identity, _body(inputs, changed)))

    def delete(self, context: Context, identity: str, state: State) -> None:
        owner = state.get("floatingipId") or _owner(context.cloud, identity)
        if owner:
            port_forwardings(context.cloud, owner).remove(identity)
        release(identity)


def _body(inputs: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    return {
        item.key: inputs.get(item.name, item.default)
        for item in PortForwardingV2.properties
        if item.name in names - {"floatingipId", "region"}
    }


def _owner(cloud: Cloud, identity: str) -> str:
    """The floating IP of the port forwarding with this id, "" when there is none."""
    for one in floating_ips(cloud).look_where():
        rows = one.get("port_forwardings") or []
        if any(row.get("id") == identity for row in rows):
            return str(one["id"])
        if rows and "id" not in rows[0]:
            try:
                if port_forwardings(cloud, one["id"]).find(identity):
                    return str(one["id"])
            except NotFound:
                continue
    return ""


def _same_place(row: Thing, inputs: State) -> bool:
    names = ("externalPort", "protocol", "internalPort", "internalPortId", "internalIpAddress")
    keys = {item.name: item.key for item in PortForwardingV2.properties}
    return all(row.get(keys[name]) == inputs[name] for name in names)


def _state(owner: str, thing: Thing) -> State:
    told = {
        item.name: thing[item.key] for item in PortForwardingV2.properties if thing.get(item.key) is not None
    }
    return {**told, "floatingipId": owner, "description": thing.get("description") or ""}

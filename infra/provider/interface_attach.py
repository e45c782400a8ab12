"""`InterfaceAttach`: a further port of a server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from infra.cloud.collection import Thing
from infra.cloud.errors import Conflict, Refused, Unavailable
from infra.cloud.port import ports
from infra.cloud.server import interfaces, servers
from infra.provider import rules
from infra.provider.detaching import Detaching
from infra.provider.property import Failure, Property
from infra.provider.resource import REGION, Context, ImportRefused, Resource, State


class InterfaceAttach(Resource):
    """Its id is `serverID/portID`. A port that the program names is on the server or not, and is taken over
    where it is. A port that Nova makes in a network bears the mark as its device tag.
    """

    type_name = "openstack:compute/interfaceAttach:InterfaceAttach"
    alternatives = (("portId", "networkId"),)
    properties = (
        Property("instanceId", required=True, replaces=True, refers="server"),
        Property("portId", replaces=True, chosen_by_cloud=True, refers="port"),
        Property("networkId", replaces=True, chosen_by_cloud=True, refers="network"),
        Property("fixedIp", replaces=True, chosen_by_cloud=True, rule=rules.address),
        REGION,
    )

    def examine(self, inputs: Mapping[str, Any]) -> Iterable[Failure]:
        if ("portId" in inputs) == ("networkId" in inputs):
            yield "portId", "give exactly one of portId and networkId"
        if "portId" in inputs and "fixedIp" in inputs:
            yield "fixedIp", "the port has its addresses already: give fixedIp with networkId only"

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        server_id = inputs["instanceId"]
        found = self._present(context, inputs)
        if found is None:
            found = self._attach(context, inputs)
        port_id = str(found["port_id"])
        self._wait_until_on(context, server_id, port_id)
        return f"{server_id}/{port_id}", _state(ports(context.cloud).get(port_id), inputs)

    def read(self, context: Context, identity: str, state: State) -> State | None:
        server_id, port_id = _parts(identity)
        port = ports(context.cloud).look(port_id)
        return None if port is None or port.get("device_id") != server_id else _state(port, state)

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        return _state(ports(context.cloud).get(_parts(identity)[1]), inputs)

    def delete(self, context: Context, identity: str, state: State) -> None:
        server_id, port_id = _parts(identity)
        attached, detaching = interfaces(context.cloud, server_id), Detaching(context, server_id)

        def off() -> bool | None:
            if servers(context.cloud).find(server_id) is None or attached.find(port_id) is None:
                return True
            detaching.ask(lambda: attached.remove(port_id))
            return True if attached.find(port_id) is None else None

        context.deadline.wait(f"port {port_id} to be detached from server {server_id}", off)

    def importable_inputs(self, state: State) -> State:
        inputs = super().importable_inputs(state)
        inputs.pop("fixedIp", None)  # the port's own business
        return inputs

    def _attach(self, context: Context, inputs: State) -> Thing:
        attached = interfaces(context.cloud, inputs["instanceId"])
        body: dict[str, Any] = {"port_id": inputs["portId"]} if inputs.get("portId") else {}
        if not body:
            body = {"net_id": inputs["networkId"], "tag": context.mark}
        if inputs.get("fixedIp"):
            body["fixed_ips"] = [{"ip_address": inputs["fixedIp"]}]
        try:
            return attached.create(body)
        except (Conflict, Refused, Unavailable) as stopped:
            found = self._present(context, inputs)
            if found is not None:
                return found
            if "tag" in body and "tag" in str(stopped):  # a hypervisor that keeps no device tags
                return attached.create({key: value for key, value in body.items() if key != "tag"})
            raise

    def _present(self, context: Context, inputs: State) -> Thing | None:
        """What is on the server already and is this: the port, or the one with our mark."""
        for one in interfaces(context.cloud, inputs["instanceId"]).list():
            if one["port_id"] == inputs.get("portId") or one.get("tag") == context.mark:
                return one
        return None

    def _wait_until_on(self, context: Context, server_id: str, port_id: str) -> None:
        def on() -> bool | None:
            port = ports(context.cloud).find(port_id)
            return True if port is not None and port.get("device_id") == server_id else None

        context.deadline.wait(f"port {port_id} to be attached to server {server_id}", on)


def _state(port: Thing, known: State) -> State:
    addresses = [str(row["ip_address"]) for row in port.get("fixed_ips", [])]
    asked = known.get("fixedIp")
    return {
        "instanceId": port["device_id"],
        "portId": port["id"],
        "networkId": port["network_id"],
        "fixedIp": asked if asked in addresses else next(iter(addresses), ""),
    }


def _parts(identity: str) -> tuple[str, str]:
    server_id, slash, port_id = identity.partition("/")
    if not slash or not server_id or not port_id:
        raise ImportRefused(f"{identity} is not of the form instanceID/portID")
    return server_id, port_id

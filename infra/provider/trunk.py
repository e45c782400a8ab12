"""`Trunk`: a port that carries the traffic of others, each in a VLAN of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from infra.cloud import holder
from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound
from infra.cloud.trunk import change_sub_ports, trunks
from infra.provider import rules
from infra.provider.neutron import TAGS, NeutronResource
from infra.provider.property import Property
from infra.provider.resource import REGION, Context, State

_ROW = {"portId": "port_id", "segmentationType": "segmentation_type", "segmentationId": "segmentation_id"}


class Trunk(NeutronResource):
    type_name = "openstack:networking/trunk:Trunk"
    noun = "trunk"
    properties = (
        Property("name", required=True),
        Property("description", default="", rule=rules.description),
        Property("portId", required=True, replaces=True, refers="port"),
        Property("adminStateUp", "boolean", chosen_by_cloud=True),
        Property(
            "subPorts", "objects", unordered=True,
            fields=(
                Property("portId", required=True, refers="port"),
                Property("segmentationType", required=True, rule=rules.one_of("vlan", "inherit")),
                Property("segmentationId", "integer", required=True, rule=rules.between(0, 4094)),
            ),
        ),
        Property("tenantId", replaces=True, chosen_by_cloud=True, refers="project"),
        *TAGS,
        REGION,
    )  # fmt: skip

    def collection(self, cloud: Cloud) -> Collection:
        return trunks(cloud)

    def holders(self, cloud: Cloud, identity: str) -> list[str]:
        return holder.of_trunk(cloud, identity)

    def alike(self, item: Property, present: Any, wanted: Any, state: State) -> bool:
        """A sub-port that inherits its segmentation has it from its network, which Neutron then shows."""
        if item.name != "subPorts" or not isinstance(wanted, list):
            return False
        inherits = {row["portId"] for row in wanted if row["segmentationType"] == "inherit"}
        return _rows(present or [], inherits) == _rows(wanted, inherits)

    def body(self, cloud: Cloud, inputs: Mapping[str, Any]) -> dict[str, Any]:
        body = super().body(cloud, inputs)
        if "sub_ports" in body:
            body["sub_ports"] = [_sent(row) for row in body["sub_ports"]]
        return body

    def state(self, cloud: Cloud, thing: Thing) -> State:
        rows = [{name: row[key] for name, key in _ROW.items()} for row in thing.get("sub_ports", [])]
        return {**super().state(cloud, thing), "subPorts": rows}

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        """Sub-ports that stay as they are are not touched: their servers keep their network. Neutron changes
        none of a trunk that is down, so it is down last and up first."""
        if "subPorts" in changed:
            if state.get("adminStateUp") is False:
                self.collection(context.cloud).change(identity, {"admin_state_up": True})
                changed = changed | {"adminStateUp"}
                inputs = {"adminStateUp": False, **inputs}
            thing = self.collection(context.cloud).get(identity)
            present = {row["port_id"]: row for row in thing.get("sub_ports", [])}
            wanted = {row["portId"]: _sent(row) for row in inputs.get("subPorts", [])}
            gone = [port for port, row in present.items() if wanted.get(port) != row]
            new = [row for port, row in wanted.items() if present.get(port) != row]
            if gone:
                change_sub_ports(context.cloud, identity, "remove", [{"port_id": port} for port in gone])
            if new:
                change_sub_ports(context.cloud, identity, "add", new)
        return super().update(context, identity, state, inputs, changed - {"subPorts"})

    def delete(self, context: Context, identity: str, state: State) -> None:
        """Neutron refuses to delete a trunk that is down."""
        collection = self.collection(context.cloud)
        thing = collection.find(identity)
        if thing is not None and not thing.get("admin_state_up", True):
            with contextlib.suppress(NotFound):
                collection.change(identity, {"admin_state_up": True})
        super().delete(context, identity, state)


def _sent(row: Mapping[str, Any]) -> dict[str, Any]:
    sent = {key: row[name] for name, key in _ROW.items()}
    return {key: sent[key] for key in ("port_id", "segmentation_type")} if _inherits(row) else sent


def _inherits(row: Mapping[str, Any]) -> bool:
    return bool(row["segmentationType"] == "inherit")


def _rows(rows: list[Mapping[str, Any]], inherits: set[str]) -> set[tuple[Any, ...]]:
    return {
        (row["portId"],) if row["portId"] in inherits else tuple(row.get(name) for name in _ROW)
        for row in rows
    }

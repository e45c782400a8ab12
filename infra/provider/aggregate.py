"""`AggregateV2`: a group of hypervisors, and an availability zone where it names one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.cloud.aggregate import aggregates, set_hosts, set_metadata
from infra.cloud.collection import Thing
from infra.cloud.errors import Conflict, Unavailable
from infra.provider import rules
from infra.provider.mark import ATTRIBUTE
from infra.provider.property import Difference, Property
from infra.provider.resource import REGION, Context, NotOurs, Resource, State

_OURS = frozenset({ATTRIBUTE, "availability_zone"})


class AggregateV2(Resource):
    """Nova takes no metadata in the request that creates an aggregate, so an aggregate of our name without
    hosts and metadata counts as our own unfinished work.
    """

    type_name = "openstack:compute/aggregateV2:AggregateV2"
    properties = (
        Property("name", required=True, rule=rules.name),
        Property("zone", attribute="availability_zone", default=""),
        Property("metadata", "map"),
        Property("hosts", "strings", unordered=True),
        REGION,
    )

    def differences(self, state: State, inputs: Mapping[str, Any]) -> list[Difference]:
        """Nova lets a zone change but not go: without one the aggregate has to be made anew."""
        return [
            Difference(item.name, item.kind, True) if item.name == "zone" and item.kind == "delete" else item
            for item in super().differences(state, inputs)
        ]

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        thing = self._made(context, inputs)
        identity = str(thing["id"])
        self._fill(context, thing, inputs, context.mark)
        return identity, _state(aggregates(context.cloud).get(identity))

    def read(self, context: Context, identity: str, state: State) -> State | None:
        thing = aggregates(context.cloud).look(identity)
        return None if thing is None else _state(thing)

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        thing = aggregates(context.cloud).get(identity)
        if changed & {"name", "zone"}:
            values = {
                "name": inputs["name"],
                **({"availability_zone": inputs["zone"]} if inputs.get("zone") else {}),
            }
            thing = aggregates(context.cloud).change(identity, values)
        self._fill(context, thing, inputs, thing.get("metadata", {}).get(ATTRIBUTE, ""))
        return _state(aggregates(context.cloud).get(identity))

    def delete(self, context: Context, identity: str, state: State) -> None:
        thing = aggregates(context.cloud).find(identity)
        if thing is None:
            return
        set_hosts(context.cloud, identity, [], thing.get("hosts", []))
        aggregates(context.cloud).remove(identity)

    def _made(self, context: Context, inputs: State) -> Thing:
        zone = {"availability_zone": inputs["zone"]} if inputs.get("zone") else {}
        try:
            return aggregates(context.cloud).create({"name": inputs["name"], **zone})
        except (Conflict, Unavailable):
            found = next(
                (one for one in aggregates(context.cloud).list() if one["name"] == inputs["name"]), None
            )
            if found is None:
                raise
            metadata = found.get("metadata", {})
            unfinished = not found.get("hosts") and not metadata.keys() - {"availability_zone"}
            if metadata.get(ATTRIBUTE) != context.mark and not unfinished:
                raise NotOurs(
                    f"an aggregate named {inputs['name']} exists already (id {found['id']}): import it"
                ) from None
            return found

    def _fill(self, context: Context, thing: Thing, inputs: State, mark: str) -> None:
        identity = str(thing["id"])
        wanted = {**inputs.get("metadata", {}), **({ATTRIBUTE: mark} if mark else {})}
        set_metadata(context.cloud, identity, wanted, thing.get("metadata", {}))
        set_hosts(context.cloud, identity, inputs.get("hosts", []), thing.get("hosts", []))


def _state(thing: Thing) -> State:
    metadata = {key: value for key, value in thing.get("metadata", {}).items() if key not in _OURS}
    return {
        "name": thing["name"],
        "zone": thing.get("availability_zone") or "",
        "metadata": metadata,
        "hosts": sorted(thing.get("hosts", [])),
    }

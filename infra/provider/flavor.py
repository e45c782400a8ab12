"""`Flavor`: a Nova flavor. Nova lets only description and extra specs change in place."""

from __future__ import annotations

from infra.cloud.collection import Thing
from infra.cloud.errors import Conflict, Unavailable
from infra.cloud.flavor import flavors, set_extra_specs
from infra.provider import rules
from infra.provider.mark import mark_in, uuid_of, with_mark, without_mark
from infra.provider.property import Property
from infra.provider.resource import REGION, Context, NotOurs, Resource, State


class Flavor(Resource):
    """Without a `flavorId` its id is derived from its mark, so a repeated create meets its own work. With one
    the mark is at the end of its description.
    """

    type_name = "openstack:compute/flavor:Flavor"
    properties = (
        Property("name", required=True, replaces=True, rule=rules.name),
        Property("ram", "integer", required=True, replaces=True, rule=rules.at_least_one),
        Property("vcpus", "integer", required=True, replaces=True, rule=rules.at_least_one),
        Property("disk", "integer", required=True, replaces=True, rule=rules.at_least_zero),
        Property(
            "ephemeral", "integer", "OS-FLV-EXT-DATA:ephemeral", default=0, replaces=True,
            rule=rules.at_least_zero,
        ),
        Property("swap", "integer", default=0, replaces=True, rule=rules.at_least_zero),
        Property("rxTxFactor", "number", "rxtx_factor", replaces=True, chosen_by_cloud=True),
        Property("isPublic", "boolean", "os-flavor-access:is_public", default=False, replaces=True),
        Property("flavorId", attribute="id", replaces=True, chosen_by_cloud=True),
        Property("description", default=""),
        Property("extraSpecs", "map"),
        REGION,
    )  # fmt: skip

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        identity = inputs.get("flavorId") or uuid_of(context.mark)
        skip = {"extraSpecs", "region", "flavorId", "description"}
        body = {item.key: inputs[item.name] for item in self.properties if item.name in inputs.keys() - skip}
        mark = context.mark if inputs.get("flavorId") else ""
        body["description"] = with_mark(inputs.get("description", ""), mark) or None
        try:
            flavors(context.cloud).create({**body, "id": identity})
        except (Conflict, Unavailable) as stopped:
            found = flavors(context.cloud).find(identity)
            if found is None and isinstance(stopped, Unavailable):
                raise
            if found is None or mark_in(found.get("description") or "") != mark:
                raise NotOurs(
                    f"a flavor named {inputs['name']} or with the id {identity} exists already: import it, "
                    "or choose another name and id"
                ) from None
        thing = flavors(context.cloud).get(identity)
        changed = {item.name for item in self.differences(self._state(thing), inputs)}
        return identity, self.update(context, identity, {}, inputs, changed)

    def read(self, context: Context, identity: str, state: State) -> State | None:
        thing = flavors(context.cloud).look(identity)
        return None if thing is None else self._state(thing)

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        thing = flavors(context.cloud).get(identity)
        if "description" in changed:
            mark = mark_in(thing.get("description") or "")
            text = with_mark(inputs.get("description", ""), mark)
            thing = flavors(context.cloud).change(identity, {"description": text or None})
        wanted = inputs.get("extraSpecs", {})
        set_extra_specs(context.cloud, identity, wanted, thing.get("extra_specs", {}))
        return {**self._state(thing), "extraSpecs": wanted}

    def delete(self, context: Context, identity: str, state: State) -> None:
        flavors(context.cloud).remove(identity)

    def _state(self, thing: Thing) -> State:
        shown = {item.name: thing[item.key] for item in self.properties if thing.get(item.key) is not None}
        return {
            **shown,
            "swap": int(thing.get("swap") or 0),
            "description": without_mark(thing.get("description") or ""),
            "extraSpecs": thing.get("extra_specs", {}),
        }

"""`Flavor`: a Nova flavor. Nova lets only description and extra specs change in place."""

from __future__ import annotations

from infra.cloud.collection import Thing
from infra.cloud.errors import Conflict, Unavailable
from infra.cloud.flavor import flavors, set_extra_specs
from infra.provider import rules
from infra.provider.mark import uuid_of
from infra.provider.property import Property
from infra.provider.resource import REGION, Context, NotOurs, Resource, State


class Flavor(Resource):
    """Without a `flavorId` its id is derived from its mark, so a repeated create meets its own work."""

    type_name = "openstack:compute/flavor:Flavor"
    properties = (
        Property("name", required=True, replaces=True, rule=rules.name),
        Property("ram", "integer", required=True, replaces=True, rule=rules.at_least_one),
        Property("vcpus", "integer", required=True, replaces=True, rule=rules.at_least_one),
        Property("disk", "integer", required=True, replaces=True, rule=rules.at_least_zero),
        Property("ephemeral", "integer", "OS-FLV-EXT-DATA:ephemeral", default=0, replaces=True),
        Property("swap", "integer", default=0, replaces=True, rule=rules.at_least_zero),
        Property("rxTxFactor", "number", "rxtx_factor", replaces=True, chosen_by_cloud=True),
        Property("isPublic", "boolean", "os-flavor-access:is_public", default=False, replaces=True),
        Property("flavorId", attribute="id", replaces=True, chosen_by_cloud=True),
        Property("description", default=""),
        Property("extraSpecs", "map"),
        REGION,
    )

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        identity = inputs.get("flavorId") or uuid_of(context.mark)
        skip = {"extraSpecs", "region", "flavorId"}
        body = {item.key: inputs[item.name] for item in self.properties if item.name in inputs.keys() - skip}
        if not body.get("description"):
            body.pop("description", None)
        try:
            flavors(context.cloud).create({**body, "id": identity})
        except (Conflict, Unavailable) as stopped:
            if flavors(context.cloud).find(identity) is None:
                if isinstance(stopped, Unavailable):
                    raise
                raise NotOurs(
                    f"a flavor named {inputs['name']} exists already: import it, or choose another name"
                ) from None
        thing = flavors(context.cloud).get(identity)
        set_extra_specs(context.cloud, identity, inputs.get("extraSpecs", {}), thing.get("extra_specs", {}))
        return identity, {**self._state(thing), "extraSpecs": inputs.get("extraSpecs", {})}

    def read(self, context: Context, identity: str, state: State) -> State | None:
        thing = flavors(context.cloud).find(identity)
        return None if thing is None else self._state(thing)

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        if "description" in changed:
            flavors(context.cloud).change(identity, {"description": inputs.get("description") or None})
        thing = flavors(context.cloud).get(identity)
        set_extra_specs(context.cloud, identity, inputs.get("extraSpecs", {}), thing.get("extra_specs", {}))
        return {**self._state(thing), "extraSpecs": inputs.get("extraSpecs", {})}

    def delete(self, context: Context, identity: str, state: State) -> None:
        flavors(context.cloud).remove(identity)

    def _state(self, thing: Thing) -> State:
        shown = {item.name: thing[item.key] for item in self.properties if thing.get(item.key) is not None}
        return {**shown, "swap": int(thing.get("swap") or 0), "extraSpecs": thing.get("extra_specs", {})}

"""`QosV3`: a set of Cinder QoS specs."""

from __future__ import annotations

from infra.cloud.collection import Thing
from infra.cloud.errors import Conflict, Unavailable
from infra.cloud.volume_qos import dissociate_all, set_specs, volume_qos
from infra.provider import rules
from infra.provider.property import Property
from infra.provider.resource import REGION, Context, NotOurs, Resource, State


class QosV3(Resource):
    """QoS specs hold no mark: storage drivers read each of their keys. Names are unique; what has our name,
    exactly our specs and no volume type yet counts as our own unfinished work.
    """

    type_name = "openstack:blockstorage/qosV3:QosV3"
    properties = (
        Property("name", required=True, replaces=True, rule=rules.name),
        Property("consumer", chosen_by_cloud=True, rule=rules.one_of("front-end", "back-end", "both")),
        Property("specs", "map"),
        REGION,
    )

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        body = {**inputs.get("specs", {}), "name": inputs["name"]}
        if inputs.get("consumer"):
            body["consumer"] = inputs["consumer"]
        try:
            thing = volume_qos(context.cloud).create(body)
        except (Conflict, Unavailable):
            found = self._unfinished(context, inputs)
            if found is None:
                raise
            thing = found
        return str(thing["id"]), _state(thing)

    def read(self, context: Context, identity: str, state: State) -> State | None:
        thing = volume_qos(context.cloud).look(identity)
        return None if thing is None else _state(thing)

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        present = volume_qos(context.cloud).get(identity)
        specs = present.get("specs") or {}
        wanted = inputs.get("specs", {}) if "specs" in changed else specs
        consumer = inputs.get("consumer", "") if "consumer" in changed else ""
        set_specs(context.cloud, identity, consumer, wanted, specs)
        return _state(volume_qos(context.cloud).get(identity))

    def delete(self, context: Context, identity: str, state: State) -> None:
        if volume_qos(context.cloud).find(identity) is None:
            return
        dissociate_all(context.cloud, identity)
        volume_qos(context.cloud).remove(identity)

        def gone() -> bool | None:
            return True if volume_qos(context.cloud).find(identity) is None else None

        context.deadline.wait(f"QoS specs {state.get('name', '')} ({identity}) to be gone", gone)

    def _unfinished(self, context: Context, inputs: State) -> Thing | None:
        """The specs of our name, None when there are none; raises NotOurs when they are another's."""
        every = volume_qos(context.cloud).list()
        found = next((one for one in every if one["name"] == inputs["name"]), None)
        if found is None:
            return None
        path = f"/qos-specs/{found['id']}/associations"
        used = context.cloud.service("volume").request("GET", path)["qos_associations"]
        if used or self.differences(_state(found), inputs):
            raise NotOurs(
                f"QoS specs named {inputs['name']} exist already (id {found['id']}) and were not made by "
                "this resource: import them, or choose another name"
            )
        return found


def _state(thing: Thing) -> State:
    return {
        "name": thing["name"],
        "consumer": thing.get("consumer") or "",
        "specs": thing.get("specs") or {},
    }

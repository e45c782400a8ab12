"""`QosAssociationV3`: QoS specs are on a volume type."""

from __future__ import annotations

from infra.cloud.connection import Cloud
from infra.cloud.errors import CloudError, Conflict
from infra.cloud.volume_qos import associate, dissociate
from infra.cloud.volume_type import volume_types
from infra.provider.property import Property
from infra.provider.resource import REGION, Context, ImportRefused, Resource, State


class QosAssociationV3(Resource):
    """Its id is `qosID/volumeTypeID`. A type has one set of specs at most: ours that is on it already is
    taken over; another set is not pushed off."""

    type_name = "openstack:blockstorage/qosAssociationV3:QosAssociationV3"
    properties = (
        Property("qosId", required=True, replaces=True, refers="qos"),
        Property("volumeTypeId", required=True, replaces=True, refers="volume_type"),
        REGION,
    )

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        qos_id, type_id = inputs["qosId"], inputs["volumeTypeId"]
        held = _held(context.cloud, type_id)
        if held and held != qos_id:
            raise Conflict(f"volume type {type_id} has QoS specs already ({held}): take those off it first")
        if not held:
            try:
                associate(context.cloud, qos_id, type_id)
            except CloudError:
                if _held(context.cloud, type_id) != qos_id:
                    raise
        return f"{qos_id}/{type_id}", _state(qos_id, type_id)

    def read(self, context: Context, identity: str, state: State) -> State | None:
        qos_id, type_id = _parts(identity)
        found = volume_types(context.cloud).look(type_id) or {}
        return _state(qos_id, type_id) if found.get("qos_specs_id") == qos_id else None

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        return _state(*_parts(identity))

    def delete(self, context: Context, identity: str, state: State) -> None:
        qos_id, type_id = _parts(identity)
        if (volume_types(context.cloud).find(type_id) or {}).get("qos_specs_id") == qos_id:
            dissociate(context.cloud, qos_id, type_id)


def _held(cloud: Cloud, type_id: str) -> str:
    """The QoS specs on a volume type, "" when there are none."""
    return str(volume_types(cloud).get(type_id).get("qos_specs_id") or "")


def _parts(identity: str) -> tuple[str, str]:
    qos_id, slash, type_id = identity.partition("/")
    if not slash or not qos_id or not type_id:
        raise ImportRefused(f"{identity} is not of the form qosID/volumeTypeID")
    return qos_id, type_id


def _state(qos_id: str, type_id: str) -> State:
    return {"qosId": qos_id, "volumeTypeId": type_id}

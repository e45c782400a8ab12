"""`VolumeTypeAccessV3`: a project may use a private volume type."""

from __future__ import annotations

from infra.cloud.connection import Cloud
from infra.cloud.errors import Conflict, NotFound, Unavailable
from infra.cloud.volume_type import access, give_access, take_access
from infra.provider.property import Property
from infra.provider.resource import REGION, Context, ImportRefused, Resource, State


class VolumeTypeAccessV3(Resource):
    """Its id is `volumeTypeID/projectID`. The pair is all there is to it: one that is there is taken over."""

    type_name = "openstack:blockstorage/volumeTypeAccessV3:VolumeTypeAccessV3"
    properties = (
        Property("volumeTypeId", required=True, replaces=True, refers="volume_type"),
        Property("projectId", required=True, replaces=True, refers="project"),
        REGION,
    )

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        type_id, project_id = inputs["volumeTypeId"], inputs["projectId"]
        try:
            give_access(context.cloud, type_id, project_id)
        except (Conflict, Unavailable):
            if project_id not in _projects(context.cloud, type_id):
                raise
        return f"{type_id}/{project_id}", _state(type_id, project_id)

    def read(self, context: Context, identity: str, state: State) -> State | None:
        type_id, project_id = _parts(identity)
        try:
            rows = access(context.cloud, type_id).look_where()
        except NotFound:
            return None
        return _state(type_id, project_id) if project_id in {row["project_id"] for row in rows} else None

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        return _state(*_parts(identity))

    def delete(self, context: Context, identity: str, state: State) -> None:
        take_access(context.cloud, *_parts(identity))


def _projects(cloud: Cloud, type_id: str) -> set[str]:
    """Those that have access; none where the type is gone, or public."""
    try:
        return {str(row["project_id"]) for row in access(cloud, type_id).list()}
    except NotFound:
        return set()


def _parts(identity: str) -> tuple[str, str]:
    type_id, slash, project_id = identity.partition("/")
    if not slash or not type_id or not project_id:
        raise ImportRefused(f"{identity} is not of the form volumeTypeID/projectID")
    return type_id, project_id


def _state(type_id: str, project_id: str) -> State:
    return {"volumeTypeId": type_id, "projectId": project_id}

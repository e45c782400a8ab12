"""`FlavorAccess`: a project that may use a flavor that is not public. Its id is `flavor/project`."""

from __future__ import annotations

from infra.cloud.errors import Conflict
from infra.cloud.flavor_access import allow, disallow, is_allowed, looks_allowed
from infra.provider.property import Property
from infra.provider.resource import REGION, Context, ImportRefused, Resource, State


class FlavorAccess(Resource):
    type_name = "openstack:compute/flavorAccess:FlavorAccess"
    properties = (
        Property("flavorId", replaces=True, required=True, refers="flavor"),
        Property("tenantId", replaces=True, required=True, refers="project"),
        REGION,
    )

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        flavor_id, project_id = inputs["flavorId"], inputs["tenantId"]
        try:
            allow(context.cloud, flavor_id, project_id)
        except Conflict:
            # Nova says the same of a public flavor, which everyone may use and which keeps no list.
            if not is_allowed(context.cloud, flavor_id, project_id):
                raise
        return f"{flavor_id}/{project_id}", _state(flavor_id, project_id)

    def read(self, context: Context, identity: str, state: State) -> State | None:
        flavor_id, project_id = _parsed(identity)
        allowed = looks_allowed(context.cloud, flavor_id, project_id)
        return _state(flavor_id, project_id) if allowed else None

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        return _state(*_parsed(identity))

    def delete(self, context: Context, identity: str, state: State) -> None:
        flavor_id, project_id = _parsed(identity)
        disallow(context.cloud, flavor_id, project_id)


def _parsed(identity: str) -> tuple[str, str]:
    flavor_id, slash, project_id = identity.rpartition("/")
    if not (flavor_id and slash and project_id):
        raise ImportRefused(f"the id of a flavor's access is flavor/project, not {identity!r}")
    return flavor_id, project_id


def _state(flavor_id: str, project_id: str) -> State:
    return {"flavorId": flavor_id, "tenantId": project_id}

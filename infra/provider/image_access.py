"""`ImageAccess`: a project that shares an image. Its id is `image/project`."""

from __future__ import annotations

from infra.cloud.collection import Thing
from infra.cloud.errors import Conflict, Unavailable
from infra.cloud.image_access import answer, find_share, look_share, share, unshare
from infra.provider import rules
from infra.provider.property import Property
from infra.provider.resource import REGION, Context, ImportRefused, Resource, State


class ImageAccess(Resource):
    """The image's owner offers it; `status` is the other project's answer, which that project or an
    administrator may give.
    """

    type_name = "openstack:images/imageAccess:ImageAccess"
    properties = (
        Property("imageId", required=True, replaces=True, refers="image"),
        Property("memberId", required=True, replaces=True),
        Property("status", chosen_by_cloud=True, rule=rules.one_of("accepted", "rejected", "pending")),
        Property("createdAt", output=True),
        Property("updatedAt", output=True),
        Property("schema", output=True),
        REGION,
    )

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        image_id, project_id = inputs["imageId"], inputs["memberId"]
        try:
            made = share(context.cloud, image_id, project_id)
        except (Conflict, Unavailable):
            found = find_share(context.cloud, image_id, project_id)
            if found is None:
                raise
            made = found
        if inputs.get("status") and made["status"] != inputs["status"]:
            made = answer(context.cloud, image_id, project_id, inputs["status"])
        return f"{image_id}/{project_id}", _state(made)

    def read(self, context: Context, identity: str, state: State) -> State | None:
        found = look_share(context.cloud, *_parsed(identity))
        return None if found is None else _state(found)

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        if "status" not in changed:
            return state
        return _state(answer(context.cloud, *_parsed(identity), inputs["status"]))

    def delete(self, context: Context, identity: str, state: State) -> None:
        unshare(context.cloud, *_parsed(identity))


def _parsed(identity: str) -> tuple[str, str]:
    image_id, slash, project_id = identity.partition("/")
    if not (image_id and slash and project_id):
        raise ImportRefused(f"the id of an image's access is image/project, not {identity!r}")
    return image_id, project_id


def _state(found: Thing) -> State:
    return {
        "imageId": found["image_id"],
        "memberId": found["member_id"],
        "status": found["status"],
        "createdAt": found.get("created_at"),
        "updatedAt": found.get("updated_at"),
        "schema": found.get("schema"),
    }

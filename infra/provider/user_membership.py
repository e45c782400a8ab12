"""`UserMembershipV3`: a Keystone user in a group. Its id is `user/group`."""

from __future__ import annotations

from infra.cloud.membership import add_member, is_member, remove_member
from infra.provider.property import Property
from infra.provider.resource import REGION, Context, ImportRefused, Resource, State


class UserMembershipV3(Resource):
    type_name = "openstack:identity/userMembershipV3:UserMembershipV3"
    properties = (
        Property("userId", replaces=True, required=True, refers="user"),
        Property("groupId", replaces=True, required=True, refers="group"),
        REGION,
    )

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        user_id, group_id = inputs["userId"], inputs["groupId"]
        add_member(context.cloud, group_id, user_id)
        return f"{user_id}/{group_id}", _state(user_id, group_id)

    def read(self, context: Context, identity: str, state: State) -> State | None:
        user_id, group_id = _parsed(identity)
        return _state(user_id, group_id) if is_member(context.cloud, group_id, user_id) else None

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        return _state(*_parsed(identity))

    def delete(self, context: Context, identity: str, state: State) -> None:
        user_id, group_id = _parsed(identity)
        remove_member(context.cloud, group_id, user_id)


def _parsed(identity: str) -> tuple[str, str]:
    user_id, slash, group_id = identity.partition("/")
    if not (user_id and slash and group_id):
        raise ImportRefused(f"the id of a membership is user/group, not {identity!r}")
    return user_id, group_id


def _state(user_id: str, group_id: str) -> State:
    return {"userId": user_id, "groupId": group_id}

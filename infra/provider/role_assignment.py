"""`RoleAssignment`: a role of a user or group on a project or domain. Its id has the official provider's
form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from infra.cloud.role import Assignment, assign, is_assigned, unassign
from infra.provider.property import Failure, Property
from infra.provider.resource import REGION, Context, ImportRefused, Resource, State


class RoleAssignment(Resource):
    """The id is `domain/project/group/user/role`, with the parts that are not used left empty."""

    type_name = "openstack:identity/roleAssignment:RoleAssignment"
    properties = (
        Property("domainId", replaces=True, refers="domain"),
        Property("projectId", replaces=True, refers="project"),
        Property("groupId", replaces=True, refers="group"),
        Property("userId", replaces=True, refers="user"),
        Property("roleId", replaces=True, required=True, refers="role"),
        REGION,
    )
    inherited: ClassVar[bool] = False

    def examine(self, inputs: Mapping[str, Any]) -> Iterable[Failure]:
        for one, other in (("projectId", "domainId"), ("groupId", "userId")):
            if (one in inputs) == (other in inputs):
                yield one, f"give exactly one of {one} and {other}"

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        assign(context.cloud, self._assignment(inputs))
        return _identity(inputs), _state(inputs)

    def read(self, context: Context, identity: str, state: State) -> State | None:
        told = _parsed(identity)
        return told if is_assigned(context.cloud, self._assignment(told)) else None

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        return _state(inputs)

    def delete(self, context: Context, identity: str, state: State) -> None:
        unassign(context.cloud, self._assignment(_parsed(identity)))

    def _assignment(self, values: State) -> Assignment:
        return Assignment(
            role_id=values["roleId"], user_id=values.get("userId", ""), group_id=values.get("groupId", ""),
            project_id=values.get("projectId", ""), domain_id=values.get("domainId", ""),
            inherited=self.inherited,
        )  # fmt: skip


_PARTS = ("domainId", "projectId", "groupId", "userId", "roleId")


def _identity(inputs: State) -> str:
    return "/".join(inputs.get(part, "") for part in _PARTS)


def _parsed(identity: str) -> State:
    values = dict(zip(_PARTS, identity.split("/"), strict=False))
    whole = identity.count("/") == len(_PARTS) - 1 and values["roleId"]
    holders = [values.get("userId"), values.get("groupId")], [values.get("projectId"), values.get("domainId")]
    if not whole or any(bool(one) == bool(other) for one, other in holders):
        raise ImportRefused(
            "the id of a role assignment is domain/project/group/user/role with either domain or project and "
            f"either group or user left empty, not {identity!r}"
        )
    return {part: value for part, value in values.items() if value}


def _state(inputs: State) -> State:
    return {part: inputs[part] for part in _PARTS if part in inputs}

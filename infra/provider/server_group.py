"""`ServerGroup`: servers that shall, or shall not, share a hypervisor; nothing of it changes in place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from infra.cloud.collection import Thing
from infra.cloud.errors import Unavailable
from infra.cloud.server_group import server_groups
from infra.provider import rules
from infra.provider.property import Failure, Property
from infra.provider.resource import REGION, Context, Resource, State, kept


class ServerGroup(Resource):
    """Nova keeps no mark on one, and takes a name twice. So one of our own user's in our project, of the same
    name and policy and without servers, counts as unfinished work: the official documentation asks for names
    that are unique.
    """

    type_name = "openstack:compute/serverGroup:ServerGroup"
    deletes_first = False
    properties = (
        Property("name", required=True, replaces=True, rule=rules.name),
        Property(
            "policies", attribute="policy", replaces=True,
            rule=rules.one_of("affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"),
        ),
        Property(
            "rules", "object", replaces=True, chosen_by_cloud=True,
            fields=(
                Property("maxServerPerHost", "integer", chosen_by_cloud=True, rule=rules.at_least_one),
            ),
        ),
        Property("valueSpecs", "map", replaces=True, kept=True),
        Property("members", "strings", output=True),
        REGION,
    )  # fmt: skip

    def examine(self, inputs: Mapping[str, Any]) -> Iterable[Failure]:
        more, limits = inputs.get("valueSpecs"), inputs.get("rules")
        policy = inputs.get("policies") or (more.get("policy") if isinstance(more, Mapping) else more)
        limited = isinstance(limits, Mapping) and "maxServerPerHost" in limits
        if not policy:
            yield "policies", "required: Nova takes no server group without a policy"
        elif limited and isinstance(policy, str) and policy != "anti-affinity":
            yield "rules.maxServerPerHost", f"goes with the policy anti-affinity only, not with {policy}"

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        body = _body(inputs)
        found = _unfinished(context, body)
        if found is None:
            try:
                found = server_groups(context.cloud).create(body)
            except Unavailable:
                found = _unfinished(context, body)
                if found is None:
                    raise
        return str(found["id"]), {**_state(found), **kept(self.properties, inputs)}

    def read(self, context: Context, identity: str, state: State) -> State | None:
        found = server_groups(context.cloud).look(identity)
        return None if found is None else {**_state(found), **kept(self.properties, state)}

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        return {**state, **kept(self.properties, inputs)}

    def delete(self, context: Context, identity: str, state: State) -> None:
        server_groups(context.cloud).remove(identity)


def _body(inputs: State) -> dict[str, Any]:
    body: dict[str, Any] = {"name": inputs["name"]}
    if inputs.get("policies"):
        body["policy"] = inputs["policies"]
    most = inputs.get("rules", {}).get("maxServerPerHost")
    if most:
        body["rules"] = {"max_server_per_host": most}
    return {**body, **inputs.get("valueSpecs", {})}


def _unfinished(context: Context, body: Mapping[str, Any]) -> Thing | None:
    ours = context.cloud.project_id, context.cloud.user_id
    for group in server_groups(context.cloud).list():
        same = all(group.get(name) == body.get(name) for name in ("name", "policy"))
        alike = (group.get("rules") or {}) == (body.get("rules") or {})
        if same and alike and not group["members"] and (group["project_id"], group["user_id"]) == ours:
            return group
    return None


def _state(group: Thing) -> State:
    most = (group.get("rules") or {}).get("max_server_per_host")
    return {
        "name": group["name"],
        "policies": group.get("policy"),
        **({"rules": {"maxServerPerHost": int(most)}} if most else {}),
        "members": group.get("members", []),
    }

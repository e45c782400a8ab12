"""`RbacPolicyV2`: another project that may use a network, a security group, a pool ... of ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from infra.cloud.collection import Thing
from infra.cloud.rbac_policy import rbac_policies
from infra.provider import rules
from infra.provider.claim import made_or_found, release
from infra.provider.neutron import IN_USE_SECONDS, remove_when_free
from infra.provider.property import Failure, Property
from infra.provider.resource import REGION, Context, Resource, State

_TYPES = ("address_scope", "address_group", "network", "qos_policy", "security_group", "subnetpool", "bgpvpn")
_IDENTITY = ("objectType", "objectId", "action", "targetTenant")


class RbacPolicyV2(Resource):
    """There is one for each thing, action and project: an interrupted create is found again by them."""

    type_name = "openstack:networking/rbacPolicyV2:RbacPolicyV2"
    seconds = IN_USE_SECONDS
    properties = (
        Property("action", required=True, replaces=True,
                 rule=rules.one_of("access_as_shared", "access_as_external")),
        Property("objectId", required=True, replaces=True),
        Property("objectType", required=True, replaces=True, rule=rules.one_of(*_TYPES)),
        Property("targetTenant", required=True),
        Property("projectId", output=True),
        REGION,
    )  # fmt: skip

    def examine(self, inputs: Mapping[str, Any]) -> Iterable[Failure]:
        if inputs["action"] == "access_as_external" and inputs["objectType"] != "network":
            yield "action", "only networks are shared as external ones"

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        collection = rbac_policies(context.cloud)
        keys = {item.name: item.key for item in self.properties}
        body = {keys[name]: inputs[name] for name in _IDENTITY}

        def find() -> Thing | None:
            of_object = collection.list(object_id=inputs["objectId"])
            return next((one for one in of_object if all(one[key] == body[key] for key in body)), None)

        what = f"the RBAC policy {inputs['action']} of {inputs['objectType']} {inputs['objectId']}"
        thing = made_or_found(context, what, lambda: collection.create(body), find)
        return str(thing["id"]), self._state(thing)

    def read(self, context: Context, identity: str, state: State) -> State | None:
        thing = rbac_policies(context.cloud).look(identity)
        return None if thing is None else self._state(thing)

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        body = {"target_tenant": inputs["targetTenant"]}
        return self._state(rbac_policies(context.cloud).change(identity, body))

    def delete(self, context: Context, identity: str, state: State) -> None:
        remove_when_free(
            context,
            f"the RBAC policy {identity}",
            lambda: rbac_policies(context.cloud).remove(identity),
            list,
        )
        release(identity)

    def _state(self, thing: Thing) -> State:
        return {item.name: thing[item.key] for item in self.properties if thing.get(item.key) is not None}

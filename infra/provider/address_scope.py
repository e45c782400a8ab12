"""`AddressScope`: subnet pools whose addresses do not overlap, so that routers may connect them without
NAT."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from infra.cloud import holder
from infra.cloud.address_scope import address_scopes
from infra.cloud.collection import Thing
from infra.provider import rules
from infra.provider.claim import made_or_found, release
from infra.provider.neutron import IN_USE_SECONDS, remove_when_free
from infra.provider.property import Difference, Property
from infra.provider.resource import REGION, Context, Resource, State


class AddressScope(Resource):
    """Neutron keeps no mark in it, no tag and no description: an interrupted create is found again by name,
    project and IP version. Once shared it cannot be unshared, only replaced.
    """

    type_name = "openstack:networking/addressScope:AddressScope"
    seconds = IN_USE_SECONDS
    properties = (
        Property("name", required=True, rule=rules.name),
        Property("ipVersion", "integer", default=4, replaces=True, rule=rules.one_of(4, 6)),
        Property("shared", "boolean", chosen_by_cloud=True),
        Property("projectId", replaces=True, chosen_by_cloud=True, refers="project"),
        REGION,
    )

    def differences(self, state: State, inputs: Mapping[str, Any]) -> list[Difference]:
        return [
            replace(item, replaces=True) if item.name == "shared" and state.get("shared") else item
            for item in super().differences(state, inputs)
        ]

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        collection = address_scopes(context.cloud)
        body = {item.key: inputs[item.name] for item in self.properties if item.name in inputs}
        body.pop("region", None)

        def find() -> Thing | None:
            names = {"name": "name", "ipVersion": "ip_version"}
            filters = {names[name]: inputs[name] for name in names}
            project = inputs.get("projectId") or context.cloud.project_id
            return next(iter(collection.list(**filters, project_id=project)), None)

        def make() -> Thing:
            return find() or collection.create(body)

        thing = made_or_found(context, f"address scope {inputs['name']}", make, find)
        identity, state = str(thing["id"]), self._state(thing)
        changed = {item.name for item in self.differences(state, inputs) if not item.replaces}
        return identity, self.update(context, identity, state, inputs, changed) if changed else state

    def read(self, context: Context, identity: str, state: State) -> State | None:
        thing = address_scopes(context.cloud).look(identity)
        return None if thing is None else self._state(thing)

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        body: dict[str, Any] = {
            name: inputs[name] for name in ("name", "shared") if name in changed and name in inputs
        }
        return self._state(address_scopes(context.cloud).change(identity, body)) if body else state

    def delete(self, context: Context, identity: str, state: State) -> None:
        remove_when_free(
            context,
            f"address scope {state.get('name') or identity}",
            lambda: address_scopes(context.cloud).remove(identity),
            lambda: holder.of_address_scope(context.cloud, identity),
        )
        release(identity)

    def _state(self, thing: Thing) -> State:
        return {item.name: thing[item.key] for item in self.properties if thing.get(item.key) is not None}

"""`PortSecGroupAssociate`: security groups for a port that is made elsewhere, by a server for instance."""

from __future__ import annotations

from typing import Any

from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound
from infra.cloud.port import ports
from infra.cloud.revision import amend
from infra.provider.property import Property
from infra.provider.resource import REGION, Context, Resource, State


class PortSecGroupAssociate(Resource):
    """Its id is the port's. It adds its groups to those of the port, or (`enforce`) lets the port have no
    others."""

    type_name = "openstack:networking/portSecGroupAssociate:PortSecGroupAssociate"
    properties = (
        Property("portId", required=True, replaces=True, refers="port"),
        Property("securityGroupIds", "strings", required=True, unordered=True, refers="security_group"),
        Property("enforce", "boolean", default=False, kept=True),
        Property("allSecurityGroupIds", "strings", output=True),
        REGION,
    )

    def alike(self, item: Property, present: Any, wanted: Any, state: State) -> bool:
        """After an import, which cannot know who added what, more groups than ours are no difference."""
        imported = "enforce" not in state
        if item.name == "enforce":
            return imported
        return item.name == "securityGroupIds" and imported and set(wanted) <= set(present or [])

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        port = _write(context.cloud, inputs["portId"], inputs, ours=set())
        return str(port["id"]), _state(port, inputs)

    def read(self, context: Context, identity: str, state: State) -> State | None:
        port = ports(context.cloud).look(identity)
        return None if port is None else _state(port, state)

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        ours = set(state.get("securityGroupIds", []))
        return _state(_write(context.cloud, identity, inputs, ours), inputs)

    def delete(self, context: Context, identity: str, state: State) -> None:
        ours = set(state.get("securityGroupIds", []))
        try:
            if state.get("enforce"):
                amend(ports(context.cloud), identity, "security_groups", lambda groups: [])
            else:
                amend(
                    ports(context.cloud), identity, "security_groups",
                    lambda groups: [one for one in groups if one not in ours],
                )  # fmt: skip
        except NotFound:
            return


def _write(cloud: Cloud, port_id: str, inputs: State, ours: set[str]) -> Thing:
    """The port with the groups that are wanted, and without those of `ours` that are no longer."""
    wanted = list(inputs["securityGroupIds"])

    def change(groups: list[str]) -> list[str]:
        if inputs.get("enforce"):
            return groups if set(groups) == set(wanted) else wanted
        stay = [one for one in groups if one not in ours or one in wanted]
        return stay + [one for one in wanted if one not in stay]

    return amend(ports(cloud), port_id, "security_groups", change)


def _state(port: Thing, known: State) -> State:
    """`known` says which of the port's groups are ours: none known, as in an import, means all of them."""
    groups = sorted(port.get("security_groups", []))
    ours = known.get("securityGroupIds")
    mine = groups if known.get("enforce") or ours is None else [one for one in groups if one in ours]
    return {
        "portId": str(port["id"]),
        "securityGroupIds": mine,
        "allSecurityGroupIds": groups,
        **({"enforce": known["enforce"]} if "enforce" in known else {}),
    }

"""`Keypair`: a public key in Nova, for one user. Its id is its name, or `name/user` for another user's."""

from __future__ import annotations

from typing import Any

from infra.cloud.collection import Thing
from infra.cloud.errors import Conflict, Unavailable
from infra.cloud.keypair import create_keypair, find_keypair, remove_keypair
from infra.provider import rules
from infra.provider.property import Property
from infra.provider.resource import REGION, Context, NotOurs, Resource, State


class Keypair(Resource):
    """Nova makes no private keys any more (microversion 2.92), so `publicKey` is required here."""

    type_name = "openstack:compute/keypair:Keypair"
    properties = (
        Property("name", required=True, replaces=True, rule=rules.name),
        Property("publicKey", required=True, replaces=True),
        Property("userId", replaces=True, chosen_by_cloud=True),
        Property("fingerprint", output=True),
        REGION,
    )
    unsupported = ("valueSpecs",)

    def alike(self, item: Property, present: Any, wanted: Any, state: State) -> bool:
        return item.name == "publicKey" and _same_key(str(present), str(wanted))

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        name, user_id = inputs["name"], inputs.get("userId", "")
        try:
            create_keypair(context.cloud, name, inputs["publicKey"].strip(), user_id)
        except (Conflict, Unavailable) as stopped:
            found = find_keypair(context.cloud, name, user_id)
            if found is None:
                raise
            if not _same_key(found["public_key"], inputs["publicKey"]):
                raise NotOurs(
                    f"a keypair named {name} exists with another key: choose another name"
                ) from stopped
        made = find_keypair(context.cloud, name, user_id) or {}
        return (f"{name}/{user_id}" if user_id else name), _state(made, inputs)

    def read(self, context: Context, identity: str, state: State) -> State | None:
        name, _, user_id = identity.partition("/")
        found = find_keypair(context.cloud, name, user_id)
        return None if found is None else _state(found, state)

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        return {**state, **inputs}

    def delete(self, context: Context, identity: str, state: State) -> None:
        name, _, user_id = identity.partition("/")
        remove_keypair(context.cloud, name, user_id)


def _state(found: Thing, known: State) -> State:
    """`publicKey` as it was given where it is the same key: Nova strips white space around it."""
    public_key = str(found.get("public_key", ""))
    given = str(known.get("publicKey", ""))
    return {
        "name": found["name"],
        "publicKey": given if given and _same_key(public_key, given) else public_key,
        "fingerprint": found.get("fingerprint", ""),
        "userId": found.get("user_id", known.get("userId")),
    }


def _same_key(one: str, other: str) -> bool:
    return one.split()[:2] == other.split()[:2]

"""`Keypair`: a public key in Nova, for one user. Its id is its name, as the official provider has it; another
user's is imported by `user:name`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from infra.cloud.collection import Thing
from infra.cloud.errors import Conflict, Unavailable
from infra.cloud.keypair import create_keypair, find_keypair, look_keypair, remove_keypair
from infra.provider import rules
from infra.provider.mark import visible
from infra.provider.property import Failure, Property
from infra.provider.resource import REGION, Context, NotOurs, Resource, State, kept

_BITS = 3072


class Keypair(Resource):
    """Without a `publicKey` a pair is made here, for Nova makes none any more (microversion 2.92), and its
    private half goes into the state as a secret: nobody else has it. The public half then ends with our mark;
    a pair that an earlier create left without recording it is of use to nobody, and made anew.
    """

    type_name = "openstack:compute/keypair:Keypair"
    properties = (
        Property("name", required=True, replaces=True, rule=rules.name),
        Property("publicKey", replaces=True, chosen_by_cloud=True),
        Property("userId", replaces=True, chosen_by_cloud=True, refers="user"),
        Property("valueSpecs", "map", replaces=True, kept=True),
        Property("privateKey", output=True, secret=True, kept=True),
        Property("fingerprint", output=True),
        REGION,
    )

    def examine(self, inputs: Mapping[str, Any]) -> Iterable[Failure]:
        more = inputs.get("valueSpecs")
        if isinstance(more, Mapping) and more.get("type") == "x509" and "publicKey" not in inputs:
            yield "publicKey", "required for a keypair of the type x509: the certificate in PEM"

    def alike(self, item: Property, present: Any, wanted: Any, state: State) -> bool:
        return item.name == "publicKey" and _same_key(str(present), str(wanted))

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        name, user_id = inputs["name"], inputs.get("userId", "")
        public, private = inputs.get("publicKey", "").strip(), ""
        if not public:
            public, private = _generated(context.mark)
            self._forget(context, name, user_id)
        try:
            made = create_keypair(context.cloud, name, public, user_id, inputs.get("valueSpecs"))
        except (Conflict, Unavailable) as stopped:
            found = find_keypair(context.cloud, name, user_id)
            if found is None:
                raise
            if not _same_key(found["public_key"], public):
                raise NotOurs(
                    f"a keypair named {name} exists with another key: import it, or choose another name"
                ) from stopped
            made = found
        state = {**_state(made, inputs, user_id), **kept(self.properties, inputs)}
        return name, {**state, "privateKey": private} if private else state

    def read(self, context: Context, identity: str, state: State) -> State | None:
        user_id, name = _owned(identity, state)
        found = look_keypair(context.cloud, name, user_id)
        return None if found is None else {**_state(found, state, user_id), **kept(self.properties, state)}

    def settled_id(self, identity: str) -> str:
        return identity.rpartition(":")[2]

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        return {**state, **inputs}

    def delete(self, context: Context, identity: str, state: State) -> None:
        user_id, name = _owned(identity, state)
        remove_keypair(context.cloud, name, user_id)

    def _forget(self, context: Context, name: str, user_id: str) -> None:
        """Remove the pair of this name that an interrupted create of ours made."""
        found = find_keypair(context.cloud, name, user_id)
        if found is not None and found["public_key"].split()[2:] == [context.mark]:
            remove_keypair(context.cloud, name, user_id)


def _owned(identity: str, state: State) -> tuple[str, str]:
    """(user or "", name): a name has no colon."""
    user_id, _, name = identity.rpartition(":")
    return str(state.get("userId") or user_id), name


def _state(found: Thing, known: State, user_id: str) -> State:
    """`publicKey` as it was given where it is the same key: Nova strips white space. Our mark is left out."""
    public_key = str(found.get("public_key", ""))
    if public_key.split()[2:] and not visible(public_key.split()[2:]):
        public_key = " ".join(public_key.split()[:2])
    given = str(known.get("publicKey", ""))
    return {
        "name": found["name"],
        "publicKey": given if given and _same_key(public_key, given) else public_key,
        "fingerprint": found.get("fingerprint", ""),
        "userId": user_id,
    }


def _same_key(one: str, other: str) -> bool:
    """Whether two keys are one but for a comment; certificates (PEM) have none."""
    length = None if one.startswith("-----") else 2
    return one.split()[:length] == other.split()[:length]


def _generated(comment: str) -> tuple[str, str]:
    """A new RSA pair, which Windows guests need for their passwords: (OpenSSH line, PEM)."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    pair = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    private = pair.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = pair.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return f"{public.decode()} {comment}", private.decode()

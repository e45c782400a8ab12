"""`operators.yaml`: the people of the city's cloud team; absent where nobody may do what loses data."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator

from infra.domain.operator import Operator
from infra.inventory.schema import Strict
from infra.inventory.value import Label, Text, refuse

MAX_OPERATORS = 200
_KINDS = (
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
)


def _public_key(value: str) -> str:
    words = value.split()
    way_out = "paste the one line of the person's id_ed25519.pub"
    if len(words) < 2 or words[0] not in _KINDS or not value.isprintable():
        raise refuse("is not an OpenSSH public key", way_out)
    try:
        told = base64.b64decode(words[1], validate=True)
    except (binascii.Error, ValueError):
        raise refuse("is not an OpenSSH public key", way_out) from None
    parts = list(_parts(told))
    if len(parts) < 2 or parts[0] != words[0].encode() or b"".join(map(_packed, parts)) != told:
        raise refuse("is cut off or of another kind than it says", way_out)
    if "ed25519" in words[0] and len(parts[1]) != 32:
        raise refuse("is cut off or of another kind than it says", way_out)
    if base64.b64encode(told).decode() != words[1]:
        # The same key in other letters would be a second person.
        raise refuse("is not written as OpenSSH writes it", way_out)
    return value


def _parts(blob: bytes) -> Iterator[bytes]:
    """The parts of a key, each after its length; of one that is cut off what there is."""
    while blob:
        size = int.from_bytes(blob[:4], "big")
        yield blob[4 : 4 + size]
        blob = blob[4 + size :]


def _packed(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


class OperatorModel(Strict):
    name: Label
    full_name: Text
    ssh_public_key: Annotated[str, AfterValidator(_public_key)]

    def to_domain(self) -> Operator:
        return Operator(self.name, self.full_name, self.ssh_public_key)


class OperatorsModel(Strict):
    """The file as a whole; its entries are read one by one, so that one that is wrong hides no other."""

    operators: list[Any]

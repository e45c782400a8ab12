"""`operators.yaml`: the people of the city's cloud team; absent where nobody may do what loses data."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

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
    if told[4 : 4 + len(words[0])] != words[0].encode():
        raise refuse("is cut off or of another kind than it says", way_out)
    return value


class OperatorModel(Strict):
    name: Label
    full_name: Text
    ssh_public_key: Annotated[str, AfterValidator(_public_key)]

    def to_domain(self) -> Operator:
        return Operator(self.name, self.full_name, self.ssh_public_key)

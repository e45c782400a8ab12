"""Adopted: what people made or changed by hand in an agency's zone, and the city then took into its code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

REFERENCE = "id_of"
"""`{id_of: "<type>::<name>"}` among inputs is the id of that resource of the same stack."""


@dataclass(frozen=True)
class AdoptedResource:
    """A thing that the stack declares beside its program. `id` is the cloud's, by which the first up takes it
    over; "" where there is nothing to take over and an up makes it anew. `inputs` by the provider's names.
    `scoped`: with a token of the agency's project, where its type is made in the project of the token.
    """

    type: str
    name: str
    id: str
    inputs: Mapping[str, Any] = field(hash=False)
    scoped: bool = True


@dataclass(frozen=True)
class AdoptedProperties:
    """Values that replace those which the program gives to its resource `name` of `type`; None takes one
    away.
    """

    type: str
    name: str
    values: Mapping[str, Any] = field(hash=False)


@dataclass(frozen=True)
class Adopted:
    """All that one agency's stack adopted, in the order in which it is to be made."""

    resources: tuple[AdoptedResource, ...] = ()
    properties: tuple[AdoptedProperties, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.resources or self.properties)

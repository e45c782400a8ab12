"""`adopted.yaml`: what was made or changed by hand and then taken into the code; absent where nothing was.

`citycloud zone drift --adopt` writes it. A person may edit it like any other file of the inventory.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from infra.domain.adopted import Adopted, AdoptedProperties, AdoptedResource
from infra.inventory.schema import Strict
from infra.inventory.value import Label, Text, refuse

MAX_ADOPTED = 2000
"""Resources of one agency that are read."""


def _token(value: str) -> str:
    package, _, rest = value.partition(":")
    module, _, kind = rest.partition(":")
    if package != "openstack" or "/" not in module or not kind.isidentifier():
        raise refuse("is not a resource type", "write it like openstack:networking/secGroupRule:SecGroupRule")
    return value


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """What Pulumi can take; YAML also knows dates."""
    for name, value in values.items():
        if strange := next(_strange(value), None):
            way_out = (
                "put it in quotes" if isinstance(strange, dt.date) else "write text, a number, true or false"
            )
            raise refuse(f"has {strange} at {name}, which is no plain value", way_out)
    return values


def _strange(value: Any) -> Iterator[Any]:
    if isinstance(value, (dict, list)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _strange(one)
    elif (isinstance(value, float) and not math.isfinite(value)) or (
        value is not None and not isinstance(value, (str, int, float, bool))
    ):
        yield value


Token = Annotated[str, AfterValidator(_token)]
Values = Annotated[dict[str, Any], AfterValidator(_plain)]


class AdoptedResourceModel(Strict):
    type: Token
    name: Text
    id: str = Field(default="", max_length=600)
    inputs: Values


class AdoptedPropertiesModel(Strict):
    type: Token
    name: Text
    values: Values = Field(min_length=1)


class AdoptedAgencyModel(Strict):
    resources: list[AdoptedResourceModel] = Field(default_factory=list, max_length=MAX_ADOPTED)
    properties: list[AdoptedPropertiesModel] = Field(default_factory=list, max_length=MAX_ADOPTED)

    def to_domain(self) -> Adopted:
        return Adopted(
            tuple(AdoptedResource(one.type, one.name, one.id, one.inputs) for one in self.resources),
            tuple(AdoptedProperties(one.type, one.name, one.values) for one in self.properties),
        )


class AdoptedModel(Strict):
    agencies: dict[Label, AdoptedAgencyModel]

    def to_domain(self) -> dict[str, Adopted]:
        return {code: one.to_domain() for code, one in self.agencies.items()}

"""`adopted.yaml`: what was made or changed by hand and then taken into the code; absent where nothing was.

`citycloud zone drift --adopt` writes it. A person may edit it like any other file of the inventory.
"""

from __future__ import annotations

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


Token = Annotated[str, AfterValidator(_token)]


class AdoptedResourceModel(Strict):
    type: Token
    name: Text
    id: str = Field(default="", max_length=600)
    inputs: dict[str, Any]


class AdoptedPropertiesModel(Strict):
    type: Token
    name: Text
    values: dict[str, Any] = Field(min_length=1)


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

"""`platform.yaml`: flavors, images, aggregates and roles."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from infra.domain.flavor import Flavor
from infra.domain.image import Image
from infra.domain.platform import Aggregate
from infra.inventory.schema import Strict
from infra.inventory.value import Label, Name, Positive, Text, refuse

MAX_ENTRIES = 200
"""Flavors, images or aggregates that are read: far more than people can choose among."""

HypervisorType = Literal["qemu", "lxc"] | None


def _file_name(value: str) -> str:
    if not value or "/" in value or value.startswith(".") or not value.isprintable() or len(value) > 200:
        raise refuse(
            "is not a file name", "write the name of a file in the depot's images folder, without slashes"
        )
    return value


class PlatformModel(Strict):
    """The file as a whole; its entries are looked at one by one, so that one bad entry does not hide the
    others.
    """

    flavors: list[Any] = Field(min_length=1)
    images: list[Any] = Field(min_length=1)
    aggregates: list[Any]
    roles: list[Label] = Field(max_length=MAX_ENTRIES)


class FlavorModel(Strict):
    name: Name
    vcpus: int = Field(ge=1, le=1024)
    memory_mib: Positive
    disk_gib: Positive
    hypervisor_type: HypervisorType

    def to_domain(self) -> Flavor:
        return Flavor(self.name, self.vcpus, self.memory_mib, self.disk_gib, self.hypervisor_type)


class ImageModel(Strict):
    name: Name
    file: Annotated[str, AfterValidator(_file_name)]
    disk_format: Literal["qcow2", "raw"]
    hypervisor_type: HypervisorType
    min_disk_gib: Positive
    user: Name = "debian"
    properties: dict[Name, Text] = Field(default_factory=dict, max_length=64)

    def to_domain(self) -> Image:
        return Image(
            name=self.name,
            file=self.file,
            disk_format=self.disk_format,
            hypervisor_type=self.hypervisor_type,
            min_disk_gib=self.min_disk_gib,
            user=self.user,
            properties=dict(self.properties),
        )


class AggregateModel(Strict):
    name: Name
    hosts: list[Label] = Field(min_length=1, max_length=1000)

    def to_domain(self) -> Aggregate:
        return Aggregate(self.name, tuple(self.hosts))

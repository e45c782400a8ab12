"""What Placement knows: each hypervisor's inventory, and how much of it is allocated."""

from __future__ import annotations

from dataclasses import dataclass

from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound


@dataclass(frozen=True)
class ResourceClass:
    """One resource class of one provider. `capacity` is (total - reserved) * ratio: what may be allocated."""

    name: str
    total: int
    reserved: int
    ratio: float
    used: int

    @property
    def capacity(self) -> int:
        return int((self.total - self.reserved) * self.ratio)


@dataclass(frozen=True)
class ResourceProvider:
    """A hypervisor as Placement sees it (VCPU, MEMORY_MB, DISK_GB, by name)."""

    id: str
    name: str
    classes: dict[str, ResourceClass]
    traits: frozenset[str]


def resource_providers(cloud: Cloud) -> list[ResourceProvider]:
    """Every root resource provider with inventories, usages and traits; one that goes away meanwhile is left
    out.
    """
    placement = cloud.service("placement")
    found = []
    for provider in placement.request("GET", "/resource_providers")["resource_providers"]:
        path = f"/resource_providers/{provider['uuid']}"
        try:
            inventories = placement.request("GET", f"{path}/inventories")["inventories"]
            usages = placement.request("GET", f"{path}/usages")["usages"]
            traits = placement.request("GET", f"{path}/traits")["traits"]
        except NotFound:
            continue
        classes = {
            name: ResourceClass(
                name, held["total"], held["reserved"], held["allocation_ratio"], usages.get(name, 0)
            )
            for name, held in inventories.items()
        }
        found.append(ResourceProvider(provider["uuid"], provider["name"], classes, frozenset(traits)))
    return found

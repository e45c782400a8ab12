"""Platform: what all agencies share in the cloud, before the first landing zone."""

from __future__ import annotations

from dataclasses import dataclass

from infra.domain.flavor import Flavor
from infra.domain.image import Image


@dataclass(frozen=True)
class Aggregate:
    """A named set of hypervisors, as in Nova; `hosts` are host names of the inventory."""

    name: str
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class Platform:
    """Flavors, images, aggregates, and the Keystone roles that OpenStack does not bring itself."""

    flavors: tuple[Flavor, ...]
    images: tuple[Image, ...]
    aggregates: tuple[Aggregate, ...]
    roles: tuple[str, ...]

    def flavor(self, name: str) -> Flavor:
        """The flavor of that name; KeyError if the inventory has none (it is then not valid)."""
        return {flavor.name: flavor for flavor in self.flavors}[name]

    def image(self, name: str) -> Image:
        """The image of that name; KeyError if the inventory has none (it is then not valid)."""
        return {image.name: image for image in self.images}[name]

    def image_for(self, flavor: str) -> Image:
        """The site's first image for the kind of hypervisor that a flavor needs. Raises LookupError."""
        kind = {one.name: one.hypervisor_type for one in self.flavors}[flavor]
        fitting = [one for one in self.images if one.hypervisor_type == kind]
        if not fitting:
            raise LookupError(
                f"platform.yaml has no image for {kind or 'any'} hypervisors, which flavor {flavor} needs"
            )
        return fitting[0]

"""What every blueprint of an agency stands on."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi import ComponentResource, ResourceOptions
from pulumi_openstack import Provider

from infra.domain.agency import Agency
from infra.inventory import Inventory


@dataclass(frozen=True)
class Ground:
    """Ids of the agency's landing zone; `outside` is the name of the network of floating addresses.
    `provider` works in the agency's project.
    """

    inventory: Inventory
    agency: Agency
    manager_key: str
    provider: Provider
    project_id: str
    network_id: str
    router_id: str
    baseline_group_id: str
    outside: str

    def within(self, component: ComponentResource, **more: object) -> ResourceOptions:
        """Options of a part of a component."""
        return ResourceOptions(parent=component, provider=self.provider, **more)

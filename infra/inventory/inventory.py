"""Inventory: a site, its servers, its platform and its agencies, all valid together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from infra.domain.agency import Agency, City
from infra.domain.catalog import Catalog
from infra.domain.host import Host
from infra.domain.lab import LabSpec
from infra.domain.maintenance import MaintenanceWindow
from infra.domain.operator import Operator
from infra.domain.platform import Platform
from infra.domain.policy import Policies
from infra.domain.quota import Quota
from infra.domain.site import Site
from infra.domain.sla import Contract


@dataclass(frozen=True)
class Inventory:
    """A valid inventory. It exists only if every rule holds; see `infra.inventory.load`."""

    path: Path
    site: Site
    hosts: tuple[Host, ...]
    platform: Platform
    city: City
    agencies: tuple[Agency, ...]
    size_classes: dict[str, Quota] = field(hash=False)
    lab: LabSpec | None
    content_digest: str = field(repr=False)
    operators: tuple[Operator, ...] = ()
    policies: Policies = field(default_factory=Policies)
    catalog: Catalog = field(default_factory=Catalog, hash=False)
    maintenance: tuple[MaintenanceWindow, ...] = ()
    contract: Contract | None = field(default=None, hash=False)

    def digest(self) -> str:
        """SHA-256 (hex) of all files of the inventory as they were read: names and contents."""
        return self.content_digest

    def controllers(self) -> tuple[Host, ...]:
        return tuple(host for host in self.hosts if host.is_controller)

    def gateways(self) -> tuple[Host, ...]:
        return tuple(host for host in self.hosts if host.is_gateway)

    def hypervisors(self) -> tuple[Host, ...]:
        return tuple(host for host in self.hosts if host.is_hypervisor)

    def monitoring(self) -> tuple[Host, ...]:
        return tuple(host for host in self.hosts if host.is_monitoring)

    def portal(self) -> tuple[Host, ...]:
        return tuple(host for host in self.hosts if host.is_portal)

    def host(self, name: str) -> Host:
        """The host of that name; KeyError if there is none."""
        return {host.name: host for host in self.hosts}[name]

    def agency(self, code: str) -> Agency:
        """The agency of that code; KeyError if there is none."""
        return {agency.code: agency for agency in self.agencies}[code]

"""What could be read of an inventory so far: the material of the rules across files.

A part that could not be read is None or not `complete`; rules look at what is there and say nothing that a
missing part could make untrue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.domain.adopted import Adopted
from infra.domain.catalog import CatalogItem
from infra.domain.flavor import Flavor
from infra.domain.host import Host
from infra.domain.image import Image
from infra.domain.lab import LabSpec
from infra.domain.maintenance import MaintenanceWindow
from infra.domain.operator import Operator
from infra.domain.platform import Aggregate
from infra.domain.policy import Policies
from infra.domain.price import NO_PRICES, PriceList
from infra.domain.quota import Quota
from infra.domain.site import Site
from infra.domain.sla import Contract
from infra.inventory.agency import AgencyModel, CityModel
from infra.inventory.schema import Items, Located


@dataclass(frozen=True)
class Draft:
    """Parts of an inventory, each with the place where it stands."""

    hosts: Items[Host]
    flavors: Items[Flavor]
    images: Items[Image]
    aggregates: Items[Aggregate]
    agencies: Items[AgencyModel]
    quotas: Mapping[str, Quota]
    """Size classes that are valid."""
    size_class_names: frozenset[str]
    """Size classes that are there, valid or not."""
    site: Located[Site] | None = None
    lab: Located[LabSpec] | None = None
    city: CityModel | None = None
    roles: tuple[str, ...] = ()
    adopted: Located[Mapping[str, Adopted]] | None = None
    operators: Items[Operator] = field(default_factory=lambda: Items((), frozenset(), True))
    catalog: Items[CatalogItem] | None = None
    """None where there are only plain servers."""
    prices: PriceList = NO_PRICES
    policies: Located[Policies] | None = None
    """None where the defaults hold."""
    maintenance: Items[MaintenanceWindow] = field(default_factory=lambda: Items((), frozenset(), True))
    contract: Located[Contract] | None = None
    """None where nothing is promised by contract."""

    @property
    def hypervisors(self) -> tuple[Host, ...]:
        return tuple(host for host in self.hosts.values if host.is_hypervisor)

"""`agencies.yaml`: the city, size classes and agencies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from infra.domain.adopted import Adopted
from infra.domain.agency import Agency, City
from infra.domain.catalog import DEFAULT_ITEM
from infra.domain.quota import Quota
from infra.domain.server import ServerSpec
from infra.inventory.schema import Strict
from infra.inventory.value import Cidr, Count, Email, Label, Name, Text

MAX_AGENCIES = 500
"""Agencies that are read; a Vietnamese city has tens."""


class QuotaModel(Strict):
    """Every limit is stated: a limit that is not stated is a surprise."""

    instances: Count
    cores: Count
    ram_mib: Count
    volumes: Count
    gigabytes: Count
    floating_ips: Count
    networks: Count
    routers: Count
    security_groups: Count
    ports: Count

    def to_domain(self) -> Quota:
        return Quota(**self.model_dump())


class QuotaChangeModel(Strict):
    """The limits in which one agency differs from its size class."""

    instances: Count | None = None
    cores: Count | None = None
    ram_mib: Count | None = None
    volumes: Count | None = None
    gigabytes: Count | None = None
    floating_ips: Count | None = None
    networks: Count | None = None
    routers: Count | None = None
    security_groups: Count | None = None
    ports: Count | None = None

    def of(self, quota: Quota) -> Quota:
        return replace(quota, **self.model_dump(exclude_none=True))


class CityModel(Strict):
    code: Label
    name_vi: Text
    name_en: Text

    def to_domain(self) -> City:
        return City(self.code, self.name_vi, self.name_en)


class ServerModel(Strict):
    name: Label
    flavor: Name
    image: Name
    floating_ip: bool = False
    item: Label = DEFAULT_ITEM

    def to_domain(self) -> ServerSpec:
        return ServerSpec(self.name, self.flavor, self.image, self.floating_ip, self.item)


class AgencyModel(Strict):
    code: Label
    level: Literal["city", "district"]
    size: Name
    operator: bool = False
    name_vi: Text
    name_en: Text
    network: Cidr
    quota: QuotaChangeModel = Field(default_factory=QuotaChangeModel)
    security_level: int = Field(default=1, ge=1, le=5)
    alert_emails: list[Email] = Field(default_factory=list, max_length=10)
    servers: list[ServerModel] = Field(default_factory=list, max_length=200)

    def quota_in(self, size_classes: Mapping[str, Quota]) -> Quota:
        """What this agency may hold: its size class with its own changes; KeyError without a valid class."""
        return self.quota.of(size_classes[self.size])

    def to_domain(self, quota: Quota, adopted: Adopted | None = None) -> Agency:
        return Agency(
            code=self.code,
            level=self.level,
            size=self.size,
            operator=self.operator,
            name_vi=self.name_vi,
            name_en=self.name_en,
            network=self.network,
            quota=quota,
            servers=tuple(server.to_domain() for server in self.servers),
            adopted=adopted or Adopted(),
            security_level=self.security_level,
            alert_emails=tuple(self.alert_emails),
        )


class AgenciesModel(Strict):
    """The file as a whole; size classes and agencies are looked at one by one."""

    city: CityModel
    size_classes: dict[Name, Any] = Field(min_length=1, max_length=50)
    agencies: list[Any] = Field(min_length=1)

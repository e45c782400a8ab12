"""`agencies.yaml`: the city, size classes and agencies."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from infra.domain.agency import Agency, City
from infra.domain.quota import Quota
from infra.domain.server import ServerSpec
from infra.inventory.schema import Strict
from infra.inventory.value import Cidr, Count, Label, Name, Text

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

    def to_domain(self) -> ServerSpec:
        return ServerSpec(self.name, self.flavor, self.image, self.floating_ip)


class AgencyModel(Strict):
    code: Label
    level: Literal["city", "district"]
    size: Name
    operator: bool = False
    name_vi: Text
    name_en: Text
    network: Cidr
    servers: list[ServerModel] = Field(default_factory=list, max_length=200)

    def to_domain(self, quota: Quota) -> Agency:
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
        )


class AgenciesModel(Strict):
    """The file as a whole; size classes and agencies are looked at one by one."""

    city: CityModel
    size_classes: dict[Name, Any] = Field(min_length=1, max_length=50)
    agencies: list[Any] = Field(min_length=1)

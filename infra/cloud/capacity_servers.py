"""Every server of the cloud with what it takes and where it runs, from one paged list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.cloud.capacity import FlavorDemand, flavor_demand
from infra.cloud.errors import Refused
from infra.cloud.reading import PagedReading


@dataclass(frozen=True, slots=True)
class ServerRecord:
    """A server. `status` is nova's in lower case; `hypervisor` is "" while it has not been placed and after
    it was shelved; cores and memory (MiB) are what nova counts against the quota; `demand` is what Placement
    holds for it."""

    id: str
    name: str
    project_id: str
    user_id: str
    status: str
    hypervisor: str
    zone: str
    cores: int
    ram_mib: int
    demand: FlavorDemand


@dataclass(frozen=True)
class ServerList:
    """`whole` says whether our credential sees the servers of all projects or its own project's only."""

    servers: tuple[ServerRecord, ...]
    whole: bool = True


def read_servers(reading: PagedReading) -> ServerList:
    """Every server: a call for each thousand. A page is dropped when it was read, for it is large."""
    demands: dict[tuple[Any, ...], FlavorDemand] = {}
    try:
        return ServerList(_servers(reading, {"all_tenants": "true"}, demands))
    except Refused:
        return ServerList(_servers(reading, {}, demands), whole=False)


def _servers(
    reading: PagedReading, params: Mapping[str, str], demands: dict[tuple[Any, ...], FlavorDemand]
) -> tuple[ServerRecord, ...]:
    listed = reading.pages("compute", "/servers/detail", "servers", params)
    # Servers that come and go while pages are read may be listed twice.
    return tuple({item["id"]: _server(item, demands) for item in listed}.values())


def _server(item: Mapping[str, Any], demands: dict[tuple[Any, ...], FlavorDemand]) -> ServerRecord:
    flavor = item["flavor"]
    return ServerRecord(
        id=item["id"],
        name=item["name"],
        project_id=item["tenant_id"],
        user_id=item.get("user_id") or "",
        status=item["status"].lower(),
        hypervisor=item.get("OS-EXT-SRV-ATTR:hypervisor_hostname") or "",
        zone=item.get("OS-EXT-AZ:availability_zone") or "",
        cores=int(flavor["vcpus"]),
        ram_mib=int(flavor["ram"]),
        demand=_demand(flavor, not item.get("image"), demands),
    )


def _demand(
    flavor: Mapping[str, Any], from_volume: bool, demands: dict[tuple[Any, ...], FlavorDemand]
) -> FlavorDemand:
    """The flavor's demand: one object for all servers that are alike."""
    specs = flavor.get("extra_specs") or {}
    shape = (flavor[name] for name in ("original_name", "vcpus", "ram", "disk", "ephemeral", "swap"))
    key = (*shape, from_volume, *sorted(specs.items()))
    if key not in demands:
        demands[key] = flavor_demand(flavor, from_volume=from_volume)
    return demands[key]

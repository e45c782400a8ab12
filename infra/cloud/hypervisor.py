"""Nova hypervisors and the nova-compute services that run them."""

from __future__ import annotations

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud


def hypervisors(cloud: Cloud) -> Collection:
    return Collection(
        cloud.service("compute"),
        "/os-hypervisors",
        "hypervisor",
        "hypervisors",
        listing="/os-hypervisors/detail",
    )


def compute_services(cloud: Cloud) -> list[Thing]:
    """Each nova service: binary, host, status (enabled, disabled), state (up, down), updated_at."""
    body = cloud.service("compute").request("GET", "/os-services")
    return [dict(service) for service in body["services"]]

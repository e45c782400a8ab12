"""Availability zones of the services that have them."""

from __future__ import annotations

from typing import Literal

from infra.cloud.connection import Cloud


def availability_zones(cloud: Cloud, service: Literal["compute", "volume"]) -> dict[str, bool]:
    """Each zone of the service by name, and whether it is available."""
    body = cloud.service(service).request("GET", "/os-availability-zone")
    return {
        str(zone["zoneName"]): bool(zone["zoneState"]["available"]) for zone in body["availabilityZoneInfo"]
    }

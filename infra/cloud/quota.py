"""Quotas of a project in nova, neutron and cinder, with what it uses of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound


@dataclass(frozen=True)
class QuotaService:
    """Where one service keeps quotas: the cloud's service, the path of a project, the key of the body."""

    name: str
    path: str
    key: str
    usage: str  # appended to the path for limits together with use
    used: str  # the name of the use in that answer


COMPUTE = QuotaService("compute", "/os-quota-sets/{}", "quota_set", "/detail", "in_use")
NETWORK = QuotaService("network", "/quotas/{}", "quota", "/details.json", "used")
VOLUME = QuotaService("volume", "/os-quota-sets/{}", "quota_set", "?usage=True", "in_use")


@dataclass(frozen=True)
class Use:
    """One quota: its limit (-1 is none) and what is used of it."""

    limit: int
    used: int


def read_quota(cloud: Cloud, service: QuotaService, project_id: str) -> dict[str, Any]:
    """The limits of the project by the service's own names; the service's defaults where none was set."""
    body = cloud.service(service.name).request("GET", service.path.format(project_id))
    return {
        key: value for key, value in body[service.key].items() if key not in {"id", "project_id", "tenant_id"}
    }


def set_quota(cloud: Cloud, service: QuotaService, project_id: str, limits: Mapping[str, int]) -> None:
    """Set these limits, leave the others."""
    cloud.service(service.name).request(
        "PUT", service.path.format(project_id), json={service.key: dict(limits)}
    )


def reset_quota(cloud: Cloud, service: QuotaService, project_id: str) -> None:
    """Back to the service's defaults, leaving no row behind; that there was none is success."""
    try:
        cloud.service(service.name).request("DELETE", service.path.format(project_id))
    except NotFound:
        return


def quota_use(cloud: Cloud, service: QuotaService, project_id: str) -> dict[str, Use]:
    """Limit and use of each quota of the project."""
    body = cloud.service(service.name).request("GET", service.path.format(project_id) + service.usage)
    return {
        name: Use(int(held["limit"]), int(held.get(service.used, 0)))
        for name, held in body[service.key].items()
        if isinstance(held, dict) and "limit" in held
    }

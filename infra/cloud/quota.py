"""Quotas of a project in nova, neutron and cinder, with what it uses of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound, Refused


@dataclass(frozen=True)
class QuotaService:
    """Where one service keeps quotas: the cloud's service, the path of a project, the key of the body."""

    name: str
    path: str
    key: str
    usage: str  # appended to the path for limits together with use
    used: str  # the name of the use in that answer
    headers: Mapping[str, str] = field(default_factory=dict)  # of every call


_BEFORE_2_57 = {"OpenStack-API-Version": "compute 2.56", "X-OpenStack-Nova-API-Version": "2.56"}
COMPUTE = QuotaService("compute", "/os-quota-sets/{}", "quota_set", "/detail", "in_use", _BEFORE_2_57)
"""As of microversion 2.56: the last that has the limits of injected files, which Nova still keeps."""
NETWORK = QuotaService("network", "/quotas/{}", "quota", "/details.json", "used")
VOLUME = QuotaService("volume", "/os-quota-sets/{}", "quota_set", "?usage=True", "in_use")


@dataclass(frozen=True)
class Use:
    """One quota: its limit (-1 is none) and what is used of it."""

    limit: int
    used: int


def read_quota(cloud: Cloud, service: QuotaService, project_id: str) -> dict[str, Any]:
    """The limits of the project by the service's own names; the service's defaults where none was set."""
    return _limits(_request(cloud, service, "GET", service.path.format(project_id))[service.key])


def look_quota(cloud: Cloud, service: QuotaService, project_id: str) -> dict[str, Any]:
    """The same for a read. Neutron lists the projects that have limits of their own, and a listing that is a
    few seconds old will do; Nova and Cinder list none.
    """
    if service.name != "network":
        return read_quota(cloud, service, project_id)

    def every() -> list[dict[str, Any]]:
        try:
            rows = _request(cloud, service, "GET", "/quotas")["quotas"]
        except Refused:
            return []
        return [{**row, "id": row.get("project_id") or row["tenant_id"]} for row in rows]

    found = cloud.service("network").listings.one(
        "/quotas", project_id, lambda: read_quota(cloud, service, project_id), every
    )
    return _limits(found or {})


def set_quota(cloud: Cloud, service: QuotaService, project_id: str, limits: Mapping[str, int]) -> None:
    """Set these limits, leave the others."""
    _request(cloud, service, "PUT", service.path.format(project_id), {service.key: dict(limits)})


def reset_quota(cloud: Cloud, service: QuotaService, project_id: str) -> None:
    """Back to the service's defaults, leaving no row behind; that there was none is success."""
    try:
        _request(cloud, service, "DELETE", service.path.format(project_id))
    except NotFound:
        return


def quota_use(cloud: Cloud, service: QuotaService, project_id: str) -> dict[str, Use]:
    """Limit and use of each quota of the project."""
    body = _request(cloud, service, "GET", service.path.format(project_id) + service.usage)
    return {
        name: Use(int(held["limit"]), int(held.get(service.used, 0)))
        for name, held in body[service.key].items()
        if isinstance(held, dict) and "limit" in held
    }


def _request(cloud: Cloud, service: QuotaService, method: str, path: str, body: Any = None) -> Any:
    return cloud.service(service.name).request(method, path, json=body, headers=service.headers)


def _limits(held: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in held.items() if key not in {"id", "project_id", "tenant_id"}}

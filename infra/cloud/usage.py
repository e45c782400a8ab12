"""Quota and usage of every agency, as nova, cinder and neutron count them.

An agency is a Keystone domain and its code is the domain's name; the domain `default` is the platform's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.cloud import errors
from infra.cloud.reading import Reading

_PLATFORM_DOMAIN = "default"

# The cloud's names -> ours (`infra.domain.quota.RESOURCES`), by the service that counts them.
COMPUTE = {"instances": "instances", "cores": "cores", "ram": "ram_mib"}
VOLUME = {"volumes": "volumes", "gigabytes": "gigabytes"}
NETWORK = {
    "floatingip": "floating_ips",
    "network": "networks",
    "router": "routers",
    "security_group": "security_groups",
    "port": "ports",
}


@dataclass(frozen=True)
class AgencyProject:
    """A project of an agency. `agency` is the agency's code."""

    id: str
    name: str
    agency: str


@dataclass(frozen=True)
class QuotaUsage:
    """What a project may hold of a resource and what it holds, reservations included.

    `resource` and its unit are those of `infra.domain.quota.Quota`; `limit` None means unlimited.
    """

    resource: str
    limit: int | None
    used: int


@dataclass(frozen=True)
class ProjectUsage:
    """Every quota of one project."""

    project: AgencyProject
    quotas: tuple[QuotaUsage, ...]


def read_agency_projects(reading: Reading) -> tuple[AgencyProject, ...]:
    """The projects of every agency. Two calls."""
    domains = reading.items("identity", "/domains", "domains")
    agencies = {domain["id"]: domain["name"] for domain in domains if domain["id"] != _PLATFORM_DOMAIN}
    projects = reading.items("identity", "/projects", "projects")
    return tuple(
        AgencyProject(project["id"], project["name"], agencies[project["domain_id"]])
        for project in projects
        if project["domain_id"] in agencies
    )


def read_usages(reading: Reading) -> tuple[ProjectUsage, ...]:
    """Quotas and usages of every agency's projects. Three calls for each project."""
    found = reading.each(lambda project: _project_usage(reading, project), read_agency_projects(reading))
    return tuple(usage for usage in found if usage is not None)


def _project_usage(reading: Reading, project: AgencyProject) -> ProjectUsage | None:
    """None for a project that was removed since it was listed; the others must not suffer for it."""
    try:
        compute = reading.get("compute", f"/os-quota-sets/{project.id}/detail")["quota_set"]
        volume = reading.get("volume", f"/os-quota-sets/{project.id}", {"usage": "true"})["quota_set"]
        network = reading.get("network", f"/quotas/{project.id}/details")["quota"]
    except (errors.NotFound, errors.Refused):
        if _is_gone(reading, project):
            return None
        raise
    quotas = (
        *_quotas(compute, COMPUTE, "in_use"), *_quotas(volume, VOLUME, "in_use"), *_quotas(network, NETWORK,
        "used")
    )  # fmt: skip
    return ProjectUsage(project, quotas)


def _is_gone(reading: Reading, project: AgencyProject) -> bool:
    try:
        reading.get("identity", f"/projects/{project.id}")
    except errors.NotFound:
        return True
    return False


def _quotas(counted: Mapping[str, Any], names: Mapping[str, str], used: str) -> list[QuotaUsage]:
    return [
        QuotaUsage(
            resource=ours,
            limit=None if counted[theirs]["limit"] < 0 else int(counted[theirs]["limit"]),
            used=int(counted[theirs][used]) + int(counted[theirs]["reserved"]),
        )
        for theirs, ours in names.items()
    ]

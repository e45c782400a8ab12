"""Families of projects: who they are, what they may hold, what they hold, and what that promises in sum."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import Metric

from infra.cloud.capacity_servers import ServerRecord
from infra.cloud.usage import AgencyProject, Limits
from monitoring.exporters.capacity_measure import Measure
from monitoring.exporters.snapshot import gauge

_QUOTA = ("agency", "project", "resource")


def project_families(projects: Iterable[AgencyProject]) -> Iterator[Metric]:
    """Each project with its id."""
    info = gauge(
        "city_project_info",
        "1 for each project (Keystone); `agency` is empty where the project is in the domain `default`.",
        "agency",
        "project",
        "project_id",
        "enabled",
    )
    for project in projects:
        info.add_metric([project.agency, project.name, project.id, str(project.enabled).lower()], 1)
    yield info


def limit_families(limits: Limits) -> Iterator[Metric]:
    """Limits; a resource without limit has a usage and no quota."""
    quota = Measure(
        "city_agency_quota",
        "What the agency's project may hold (nova, cinder, neutron quotas; a slow lap).",
        *_QUOTA,
    )
    for found in limits.projects:
        for resource, limit in found.limits.items():
            if limit is not None:
                quota.add([found.project.agency, found.project.name], resource, limit)
    yield from quota.families()
    yield from _committed(limits)
    unread = gauge(
        "city_quota_unread_projects",
        "Projects whose quotas could not be read in the last lap because they vanished meanwhile.",
    )
    unread.add_metric([], limits.vanished)
    yield unread


def usage_families(
    projects: Iterable[AgencyProject], used: Mapping[str, Mapping[str, int]]
) -> Iterator[Metric]:
    """What projects hold, `used[resource][project id]`; resources whose lists were never read are missing."""
    usage = Measure(
        "city_agency_usage",
        "What the agency's project holds (counted from lists of nova, cinder, neutron).",
        *_QUOTA,
    )
    for project in projects:
        for resource, amounts in used.items():
            usage.add([project.agency, project.name], resource, amounts.get(project.id, 0))
    yield from usage.families()


def status_families(
    projects: Iterable[AgencyProject], servers: Iterable[ServerRecord], *, per_server: bool
) -> Iterator[Metric]:
    """Servers by status; each server by itself only where that was asked for."""
    known = {project.id: project for project in projects}
    counted = gauge(
        "city_agency_servers",
        "Servers of the project by nova's status (nova servers).",
        "agency",
        "project",
        "status",
    )
    counts = Counter((server.project_id, server.status) for server in servers)
    for (project, status), count in sorted(counts.items()):
        if project in known:
            counted.add_metric([known[project].agency, known[project].name, status], count)
    yield counted
    if per_server:
        yield from _server_families(known, servers)


def _server_families(known: Mapping[str, AgencyProject], servers: Iterable[ServerRecord]) -> Iterator[Metric]:
    info = gauge(
        "city_server_info",
        "1 for each server (nova servers); only with --per-server.",
        "agency",
        "project",
        "server",
        "server_id",
        "hypervisor",
        "flavor",
        "status",
    )
    for server in servers:
        owner = known.get(server.project_id)
        labels = [owner.agency if owner else "", owner.name if owner else ""]
        labels += [server.name, server.id, server.hypervisor, server.demand.name, server.status]
        info.add_metric(labels, 1)
    yield info


def _committed(limits: Limits) -> Iterator[Metric]:
    agencies = Measure(
        "city_agency_committed",
        "What quotas of the agency's projects promise; absent while one has no limit.",
        "agency",
        "resource",
    )
    city = Measure(
        "city_quota_committed",
        "What quotas of all projects promise, those without limit left out.",
        "resource",
    )
    unlimited = gauge(
        "city_quota_unlimited_projects", "Projects without a limit of the resource.", "resource"
    )
    by_agency: dict[tuple[str, str], list[int | None]] = defaultdict(list)
    sums: Counter[str] = Counter()
    endless: Counter[str] = Counter()
    for found in limits.projects:
        for resource, limit in found.limits.items():
            sums[resource] += limit or 0
            endless[resource] += limit is None
            if found.project.agency:
                by_agency[found.project.agency, resource].append(limit)
    for (agency, resource), amounts in sorted(by_agency.items()):
        if None not in amounts:
            agencies.add([agency], resource, sum(amount for amount in amounts if amount is not None))
    for resource in sorted(sums):
        city.add([], resource, sums[resource])
        unlimited.add_metric([resource], endless[resource])
    yield from agencies.families()
    yield from city.families()
    yield unlimited

"""Limits and quotas of projects in openstack-exporter's two forms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import Metric

from infra.cloud.usage import ProjectLimits
from monitoring.exporters.snapshot import gauge

_PROJECT = ("tenant", "tenant_id")


def limits_families(  # noqa: PLR0917  (a row of a table)
    prefix: str, projects: Iterable[ProjectLimits], service: str, resource: str, used: Mapping[str, int],
    unit: str = "",
) -> Iterator[Metric]:  # fmt: skip
    """`PREFIX_max` and `PREFIX_used`, in the service's own unit; -1 is no limit."""
    highest = gauge(f"{prefix}_max{unit}", "What the project may hold, -1 without limit (quotas).", *_PROJECT)
    holds = gauge(f"{prefix}_used{unit}", "What the project holds (lists of the service).", *_PROJECT)
    for found in projects:
        limit = getattr(found, service).get(resource)
        if limit is not None:
            labels = [found.project.name, found.project.id]
            highest.add_metric(labels, limit)
            holds.add_metric(labels, used.get(found.project.id, 0))
    yield from (highest, holds)


def quota_families(
    prefix: str, projects: Iterable[ProjectLimits], service: str, held: Mapping[str, Mapping[str, int]],
    used_type: str,
) -> Iterator[Metric]:  # fmt: skip
    """A family for each resource that the service has a quota for. Where what is held is not known, there is
    a limit and no `used_type`. Nothing is ever reserved: services count what there is."""
    found = list(projects)
    resources = sorted({resource for one in found for resource in getattr(one, service)})
    for resource in resources:
        text = "What the project may hold (limit, -1 without) and holds (quotas, lists of the service)."
        family = gauge(f"{prefix}_{resource}", text, "type", *_PROJECT)
        for one in found:
            limit = getattr(one, service).get(resource)
            if limit is None:
                continue
            labels = [one.project.name, one.project.id]
            family.add_metric(["limit", *labels], limit)
            family.add_metric(["reserved", *labels], 0)
            if resource in held:
                family.add_metric([used_type, *labels], held[resource].get(one.project.id, 0))
        yield family

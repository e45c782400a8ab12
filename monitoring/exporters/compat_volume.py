"""Cinder, Glance and Keystone under openstack-exporter's names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import Metric

from infra.cloud.capacity_agents import AgentRecord
from infra.cloud.capacity_images import Images
from infra.cloud.capacity_volumes import Pool, Volumes
from infra.cloud.usage import AgencyProject
from monitoring.exporters.capacity_collectors import Collectors, latest
from monitoring.exporters.compat_quota import limits_families
from monitoring.exporters.snapshot import gauge

STATUSES = (
    "creating", "available", "reserved", "attaching", "detaching", "in-use", "maintenance", "deleting",
    "awaiting-transfer", "error", "error_deleting", "backing-up", "restoring-backup", "error_backing-up",
    "error_restoring", "error_extending", "downloading", "uploading", "retyping", "extending",
)  # fmt: skip
"""Statuses that are shown with 0 too."""
_POOL = ("name", "volume_backend_name", "vendor_name")
_PROJECT = ("id", "name", "domain_id", "parent_id", "enabled", "description", "is_domain", "tags")


def volume_families(collectors: Collectors) -> Iterator[Metric]:
    """What is known of cinder."""
    if (agents := latest(collectors.volume_agents)) is not None:
        yield agent_family(agents)
    volumes = latest(collectors.volumes)
    if volumes is not None:
        yield from count_families(volumes)
    if (pools := latest(collectors.pools)) is not None:
        yield from pool_families(pools)
    if (limits := latest(collectors.quotas)) is not None and volumes is not None:
        prefix, held = "openstack_cinder_limits_volume", volumes.project_gigabytes
        yield from limits_families(prefix, limits.projects, "volume", "gigabytes", held, "_gb")


def agent_family(agents: Iterable[AgentRecord]) -> Metric:
    family = gauge(
        "openstack_cinder_agent_state", "1 for a service that cinder hears (cinder os-services).", "uuid",
        "hostname", "service", "adminState", "zone", "disabledReason",
    )  # fmt: skip
    for agent in agents:
        admin = "enabled" if agent.enabled else "disabled"
        labels = [agent.id, agent.host, agent.agent, admin, agent.zone, agent.disabled_reason]
        family.add_metric(labels, agent.up)
    return family


def count_families(volumes: Volumes) -> Iterator[Metric]:
    every = gauge("openstack_cinder_volumes", "Volumes of all projects (cinder).")
    snapshots = gauge("openstack_cinder_snapshots", "Snapshots of all projects (cinder).")
    states = gauge("openstack_cinder_volume_status_counter", "Volumes by status (cinder).", "status")
    every.add_metric([], sum(volumes.counts.values()))
    snapshots.add_metric([], sum(volumes.snapshot_counts.values()))
    for status in sorted({*STATUSES, *volumes.counts}):
        states.add_metric([status], volumes.counts.get(status, 0))
    yield from (every, snapshots, states)


def pool_families(pools: Iterable[Pool]) -> Iterator[Metric]:
    """Capacities in GiB; a driver that does not know them has no series."""
    source = "in GiB (cinder scheduler-stats)."
    free = gauge("openstack_cinder_pool_capacity_free_gb", f"Free in the pool, {source}", *_POOL)
    total = gauge("openstack_cinder_pool_capacity_total_gb", f"Capacity of the pool, {source}", *_POOL)
    for pool in pools:
        labels = [pool.name, pool.backend, pool.vendor]
        if pool.free is not None:
            free.add_metric(labels, pool.free)
        if pool.total is not None:
            total.add_metric(labels, pool.total)
    yield from (free, total)


def image_families(images: Images) -> Iterator[Metric]:
    family = gauge("openstack_glance_images", "Images (glance).")
    family.add_metric([], sum(images.counts.values()))
    yield family


def project_families(projects: Iterable[AgencyProject]) -> Iterator[Metric]:
    found = list(projects)
    count = gauge("openstack_identity_projects", "Projects (Keystone).")
    info = gauge("openstack_identity_project_info", "1 for each project (Keystone).", *_PROJECT)
    count.add_metric([], len(found))
    for one in found:
        info.add_metric(
            [one.id, one.name, one.domain_id, one.parent_id, str(one.enabled).lower(), one.description,
             "false", ",".join(one.tags)], 1,
        )  # fmt: skip
    yield from (count, info)

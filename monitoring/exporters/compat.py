"""The capacity exporter's snapshot under the names of openstack-exporter, so that dashboards and alerts that
were written for it go on working. No call is made for it: it shows what the snapshot holds.

Where that project's figures are nova's (its hypervisor statistics, which nova dropped with 2.88), they are
made from Placement's as nova made them: used is what servers hold and what the host keeps for itself. Memory
in limits and quotas is MiB, storage is GiB, -1 is no limit; a server's status is their number for it. `_up`
is 1 only when every collector of the service read everything in its last lap; it is there before the first.
What the snapshot does not hold is left out and not made up: see monitoring/README.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client.core import Metric

from infra.cloud.errors import ServiceMissing
from monitoring.exporters.capacity_collectors import Collectors, latest
from monitoring.exporters.compat_compute import compute_families, placement_families
from monitoring.exporters.compat_network import network_families
from monitoring.exporters.compat_volume import image_families, project_families, volume_families
from monitoring.exporters.snapshot import Asked, gauge

NAME = "openstack-exporter"
PATH = f"/compat/{NAME}"
_SERVICES: dict[str, tuple[str, ...]] = {
    "nova": ("services", "servers"),
    "placement": ("capacity",),
    "neutron": ("network", "addresses", "network_agents"),
    "cinder": ("volumes", "pools", "volume_agents"),
    "glance": ("images",),
    "identity": ("projects",),
}
"""Their names of services -> our collectors that stand for each; not the slow ones, which are behind."""
_OF_SERVICE = {"quotas": "nova", "drift": "placement"} | {
    collector: service for service, collectors in _SERVICES.items() for collector in collectors
}


def families(collectors: Collectors, *, per_server: bool = False) -> Iterator[Metric]:
    """Every family of what is known now. `per_server` adds `server_status`, one series for each server."""
    yield from up_families(collectors)
    yield collect_seconds(collectors.all)
    yield from compute_families(collectors, per_server=per_server)
    if (capacity := latest(collectors.capacity)) is not None:
        yield from placement_families(capacity)
    yield from network_families(collectors)
    yield from volume_families(collectors)
    if (images := latest(collectors.images)) is not None:
        yield from image_families(images)
    if (projects := latest(collectors.projects)) is not None:
        yield from project_families(projects.projects)


def up_families(collectors: Collectors) -> Iterator[Metric]:
    """Whether each service is read without fail. A service that the cloud does not have has no family."""
    for service, names in _SERVICES.items():
        found = [one for name in names if (one := getattr(collectors, name)) is not None]
        if not found or all(_missing(one) for one in found):
            continue
        family = gauge(
            f"openstack_{service}_up", "Whether everything of the service was read in the last lap."
        )
        family.add_metric([], all(one.standing.success for one in found))
        yield family


def collect_seconds(collectors: Iterable[Asked[Any]]) -> Metric:
    """How long each collector's last lap took."""
    family = gauge(
        "openstack_metric_collect_seconds", "Time that the collector's last lap took.", "openstack_metric",
        "openstack_service",
    )  # fmt: skip
    for collector in collectors:
        standing = collector.standing
        if standing.laps:
            service = f"openstack_{_OF_SERVICE[collector.name]}"
            family.add_metric([collector.name, service], standing.duration)
    return family


def _missing(collector: Asked[Any]) -> bool:
    """Whether the catalog has never had the service."""
    return not collector.standing.success and set(collector.standing.failures) == {ServiceMissing.code}

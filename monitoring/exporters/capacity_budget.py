"""How many series the capacity exporter may have, as a function of the cloud's size.

A budget for whoever sizes Prometheus, and a test's bound: a label that multiplies with servers, ports or
volumes would break it. Servers count only where `per_server` was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

_RESOURCES = 10  # that projects have quotas of
_STATUSES = 16  # of servers, of volumes, of snapshots: what nova and cinder have in all
_COLLECTORS = 13


@dataclass(frozen=True)
class CloudSize:
    """What there is of each. `memberships` are aggregates that a hypervisor is in, `agents` those of nova,
    cinder and neutron without nova-compute, `external` networks that floating IPs come from."""

    hosts: int
    projects: int
    servers: int = 0
    flavors: int = 10
    classes: int = 3
    zones: int = 1
    aggregates: int = 1
    memberships: int = 1
    agencies: int = 0
    agents: int = 50
    subnets: int = 100
    external: int = 1
    pools: int = 4


def series_budget(size: CloudSize, *, per_server: bool = False) -> int:
    """The most series that the exporter shows for a cloud of this size."""
    groups = size.aggregates + size.zones + 1
    return (
        size.hosts * (10 + size.memberships + 7 * size.classes + size.flavors)
        + groups * 7 * size.classes
        + size.zones * (2 + size.flavors)
        + 5 * size.flavors
        + 3 * size.classes
        + size.projects * (2 * _RESOURCES + 1 + min(_STATUSES, size.servers))
        + size.agencies * _RESOURCES
        + 2 * _RESOURCES
        + 3 * size.agents
        + 3 * size.subnets
        + 4 * size.external
        + 4 * size.pools
        + 6 * _STATUSES
        + _fixed()
        + (size.servers if per_server else 0)
    )


def _fixed() -> int:
    """What does not grow with the cloud: the collectors' standing with eight codes of failure each, calls by
    service and a dozen of statuses, images, the largest flavor and hypervisor."""
    return _COLLECTORS * (7 + 8) + 6 * 13 + 2 + 2 * 20 + 6

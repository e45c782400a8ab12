"""Quota: the limits a project may not pass, and size classes that give them a name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from infra.domain.capacity import Capacity


@dataclass(frozen=True)
class Quota:
    """Limits of one project; every field is a count except `ram_mib` (MiB) and `gigabytes` (GiB of volumes).

    Nova counts instances, cores and ram; Cinder volumes and gigabytes; Neutron the rest.
    """

    instances: int = 0
    cores: int = 0
    ram_mib: int = 0
    volumes: int = 0
    gigabytes: int = 0
    floating_ips: int = 0
    networks: int = 0
    routers: int = 0
    security_groups: int = 0
    ports: int = 0

    def __add__(self, other: Quota) -> Quota:
        return Quota(**{name: getattr(self, name) + getattr(other, name) for name in RESOURCES})

    def __sub__(self, other: Quota) -> Quota:
        """The difference, which is negative where `other` has more."""
        return self + other * -1

    @property
    def growth(self) -> Quota:
        """What of a difference is more, without what is less."""
        return Quota(**{name: max(0, getattr(self, name)) for name in RESOURCES})

    def __mul__(self, count: int) -> Quota:
        return Quota(**{name: getattr(self, name) * count for name in RESOURCES})


RESOURCES: tuple[str, ...] = tuple(field.name for field in fields(Quota))

NO_QUOTA = Quota()

LANDING_ZONE_USAGE = Quota(networks=1, routers=1, security_groups=2, ports=2)
"""What a landing zone takes before its first server: a network with its metadata port, a router with one
interface, the project's default security group and the baseline one."""


@dataclass(frozen=True)
class Excess:
    """A wish that passes a limit: `wanted` of `resource` where `limit` is all there is."""

    resource: str
    wanted: int
    limit: int


def total(quotas: Iterable[Quota]) -> Quota:
    """The sum of quotas, resource by resource."""
    return sum(quotas, start=Quota())


def exceeding(usage: Quota, limit: Quota) -> tuple[Excess, ...]:
    """Every resource of which `usage` takes more than `limit` allows."""
    pairs = ((name, getattr(usage, name), getattr(limit, name)) for name in RESOURCES)
    return tuple(Excess(name, wanted, allowed) for name, wanted, allowed in pairs if wanted > allowed)


def exceeding_capacity(quota: Quota, capacity: Capacity, overcommit: float = 1.0) -> tuple[Excess, ...]:
    """Cores and memory of `quota` that hypervisors cannot give, even stretched `overcommit` times.

    Disk has no quota in Nova, so only flavors and servers are compared with it.
    """
    pairs = (("cores", quota.cores, capacity.cores), ("ram_mib", quota.ram_mib, capacity.ram_mib))
    limits = ((name, wanted, int(offered * overcommit)) for name, wanted, offered in pairs)
    return tuple(Excess(name, wanted, limit) for name, wanted, limit in limits if wanted > limit)

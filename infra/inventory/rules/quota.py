"""Quotas: promises that the hypervisors, the volumes and the external network can keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from infra.domain import quota as quotas
from infra.domain.capacity import Capacity
from infra.domain.capacity import total as total_capacity
from infra.domain.host import Host
from infra.domain.quota import Excess, Quota
from infra.domain.site import Site
from infra.errors import Problem
from infra.inventory.agency import AgencyModel
from infra.inventory.draft import Draft

UNITS = {
    "cores": "cores",
    "ram_mib": "MiB of memory",
    "gigabytes": "GiB of volumes",
    "floating_ips": "addresses",
}


def no_quota_passes_the_whole_capacity(draft: Draft) -> Iterator[Problem]:
    if draft.site is None or not draft.hosts.complete:
        return
    file = draft.agencies.entries[0].file if draft.agencies.entries else draft.site.file
    for name, quota in draft.quotas.items():
        for excess in _excesses(quota, draft, draft.site.value, overcommit=1.0):
            offer = _offer(excess.resource, draft.hypervisors, draft.site.value)
            why = f"is more {UNITS[excess.resource]} for one agency than the whole site has: {offer}"
            way_out = f"write at most {excess.limit}, or add capacity"
            yield Problem(file, f"size_classes.{name}.{excess.resource}", str(excess.wanted), why, way_out)
    for entry in draft.agencies.entries:
        if entry.value.size not in draft.quotas:
            continue
        for excess in _excesses(entry.value.quota_in(draft.quotas), draft, draft.site.value, overcommit=1.0):
            if getattr(entry.value.quota, excess.resource) is not None:
                why = f"is more {UNITS[excess.resource]} than the whole site has"
                way_out = f"write at most {excess.limit}, or add capacity"
                yield entry.problem(f"quota.{excess.resource}", excess.wanted, why, way_out)


def the_sum_of_quotas_stays_within_the_overcommit(draft: Draft) -> Iterator[Problem]:
    if draft.site is None or not draft.hosts.complete:
        return
    site = draft.site.value
    agencies = [entry.value for entry in draft.agencies.entries if entry.value.size in draft.quotas]
    total = quotas.total(agency.quota_in(draft.quotas) for agency in agencies)
    for excess in _excesses(total, draft, site, site.quota_overcommit):
        resource, unit = excess.resource, UNITS[excess.resource]
        parts = " + ".join(_parts(agencies, draft, resource))
        offer = _offer(resource, draft.hypervisors, site)
        why = (
            f"the agencies' quotas add up to {excess.wanted} {unit} ({parts}), but the site has {offer}, "
            f"times quota_overcommit {site.quota_overcommit:g} = {excess.limit}"
        )
        way_out = (
            f"make size classes smaller, add capacity, or raise quota_overcommit {_enough(excess, site)}"
        )
        yield Problem(
            draft.agencies.entries[0].file, f"size_classes.*.{resource}", str(excess.wanted), why, way_out
        )


def _parts(agencies: list[AgencyModel], draft: Draft, resource: str) -> Iterator[str]:
    """`24 x S 4`, and by its code each agency that differs from its class."""
    own = [one for one in agencies if getattr(one.quota, resource) is not None]
    sizes = Counter(agency.size for agency in agencies if agency not in own)
    for size, count in sorted(sizes.items()):
        yield f"{count} x {size} {getattr(draft.quotas[size], resource)}"
    for agency in own:
        yield f"{agency.code} {getattr(agency.quota, resource)}"


def the_external_pool_has_an_address_for_every_landing_zone(draft: Draft) -> Iterator[Problem]:
    """A hard limit, as an address is not shared: each router takes one, and each floating address."""
    if draft.site is None:
        return
    external = draft.site.value.external_network
    agencies = [entry.value for entry in draft.agencies.entries]
    floating = sum(server.floating_ip for agency in agencies for server in agency.servers)
    needed = len(agencies) + floating
    if needed > external.pool_size > 0:
        why = (
            f"the pool from {external.first} has {external.pool_size} addresses, but "
            f"{len(agencies)} agencies' routers and {floating} servers' floating addresses need {needed}"
        )
        yield draft.site.problem("external_network.last", external.last, why, "widen the pool")


def _excesses(quota: Quota, draft: Draft, site: Site, overcommit: float) -> Iterator[Excess]:
    yield from quotas.exceeding_capacity(quota, _capacity(draft.hypervisors, site), overcommit)
    pairs = (
        ("gigabytes", quota.gigabytes, site.volume_backend.capacity_gib),
        ("floating_ips", quota.floating_ips, site.external_network.pool_size),
    )
    for resource, wanted, offered in pairs:
        if offered > 0 and wanted > int(offered * overcommit):
            yield Excess(resource, wanted, int(offered * overcommit))


def _capacity(hypervisors: tuple[Host, ...], site: Site) -> Capacity:
    ratios = site.cpu_allocation_ratio, site.ram_allocation_ratio
    return total_capacity(host.capacity(*ratios) for host in hypervisors for _ in host.compute_names)


def _offer(resource: str, hypervisors: tuple[Host, ...], site: Site) -> str:
    """The capacity with its arithmetic, as in `2 x int(6144 x 1) = 12288 MiB of memory`."""
    unit = UNITS[resource]
    if resource == "gigabytes":
        return f"volume_backend.capacity_gib = {site.volume_backend.capacity_gib} {unit}"
    if resource == "floating_ips":
        return f"the external pool = {site.external_network.pool_size} {unit}"
    is_cores = resource == "cores"
    ratio = site.cpu_allocation_ratio if is_cores else site.ram_allocation_ratio
    size: Callable[[Host], int | None] = (
        (lambda host: host.cpus) if is_cores else (lambda host: host.memory_mib)
    )
    counted = Counter(size(host) for host in hypervisors for _ in host.compute_names)
    terms = " + ".join(f"{count} x int({one} x {ratio:g})" for one, count in counted.items())
    capacity = _capacity(hypervisors, site)
    return f"{terms} = {capacity.cores if is_cores else capacity.ram_mib} {unit}"


def _enough(excess: Excess, site: Site) -> str:
    """The overcommit that would do, rounded up to a tenth."""
    if excess.limit == 0:
        return "once there is any capacity"
    needed = excess.wanted * site.quota_overcommit / excess.limit
    return f"to at least {int(needed * 10 + 1) / 10:g} in group_vars/all.yml"


RULES = (
    no_quota_passes_the_whole_capacity,
    the_sum_of_quotas_stays_within_the_overcommit,
    the_external_pool_has_an_address_for_every_landing_zone,
)

"""Placement against nova: allocations of servers that nova does not know, of servers that run elsewhere, and
servers without allocation.

Allocations are read first, servers after them, and whatever looks wrong is asked for once more by itself:
what was made, deleted or moved while the lists were read is not drift. While a server is moved, its old place
is held in the name of the migration; that is drift only when nova says that no such migration is going on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from infra.cloud.capacity_placement import read_providers
from infra.cloud.capacity_servers import ServerRecord, read_servers
from infra.cloud.errors import NotFound, Refused
from infra.cloud.reading import PagedReading

_NO_PLACE = {"build", "shelved_offloaded", "deleted", "soft_deleted", "error", "migrating", "resize",
             "verify_resize", "revert_resize", "rebuild"}  # fmt: skip
"""Statuses in which a server need not have an allocation where it is listed."""
_ENDED = {"done", "completed", "finished", "confirmed", "reverted", "error", "failed", "cancelled"}


@dataclass(frozen=True)
class Drift:
    """Counts by hypervisor (0 for each that has none), and what orphaned allocations hold by resource class
    in Placement's units."""

    orphaned: Mapping[str, int] = field(default_factory=dict)
    misplaced: Mapping[str, int] = field(default_factory=dict)
    unallocated: Mapping[str, int] = field(default_factory=dict)
    orphaned_resources: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Held:
    """What one consumer holds of one provider, which is a hypervisor or a part of it; "" for a consumer that
    should hold something and does not."""

    consumer: str
    hypervisor: str
    provider: str = ""
    resources: Mapping[str, int] = field(default_factory=dict)


def read_drift(reading: PagedReading) -> Drift:
    """One call for each provider, and one for each suspect."""
    hypervisors = {
        item["id"]: item["hypervisor_hostname"]
        for item in reading.items("compute", "/os-hypervisors/detail", "hypervisors")
    }
    names = {
        item["uuid"]: hypervisors[item["root_provider_uuid"]]
        for item in read_providers(reading)
        if item["root_provider_uuid"] in hypervisors
    }
    lists = reading.each(lambda uuid: _held(reading, uuid, names[uuid]), names)
    held = [one for several in lists for one in several]
    listed = read_servers(reading)
    if not listed.whole:
        raise Refused("drift needs a credential that sees the servers of all projects")
    servers = {server.id: server for server in listed.servers}
    orphans = _orphans(reading, held, servers)
    amounts: Counter[str] = Counter()
    for one in orphans:
        amounts.update(one.resources)
    return Drift(
        _by_hypervisor(names, orphans),
        _by_hypervisor(names, _misplaced(reading, held, servers)),
        _by_hypervisor(names, _unallocated(reading, held, servers)),
        {name: amounts[name] for one in held for name in one.resources},
    )


def _orphans(
    reading: PagedReading, held: Iterable[_Held], servers: Mapping[str, ServerRecord]
) -> list[_Held]:
    unknown = [one for one in held if one.consumer not in servers]
    if not unknown:
        return []
    listed = reading.items("compute", "/os-migrations", "migrations")
    moving = {item["uuid"] for item in listed if item["status"] not in _ENDED}
    return _confirmed(reading, [one for one in unknown if one.consumer not in moving])


def _misplaced(
    reading: PagedReading, held: Iterable[_Held], servers: Mapping[str, ServerRecord]
) -> list[_Held]:
    known = ((one, servers[one.consumer]) for one in held if one.consumer in servers)
    return _confirmed(
        reading,
        [one for one, server in known if _placed(server) and server.hypervisor != one.hypervisor],
    )


def _unallocated(
    reading: PagedReading, held: Iterable[_Held], servers: Mapping[str, ServerRecord]
) -> list[_Held]:
    allocated = {(one.consumer, one.hypervisor) for one in held}
    return _confirmed(reading, [
        _Held(server.id, server.hypervisor) for server in servers.values()
        if _placed(server) and (server.id, server.hypervisor) not in allocated
    ])  # fmt: skip


def _placed(server: ServerRecord) -> bool:
    """Whether the server ought to hold something where nova says that it runs, and nowhere else."""
    return bool(server.hypervisor) and server.status not in _NO_PLACE


def _held(reading: PagedReading, uuid: str, hypervisor: str) -> list[_Held]:
    try:
        allocations = reading.get("placement", f"/resource_providers/{uuid}/allocations")["allocations"]
    except NotFound:  # it went since it was listed
        return []
    return [_Held(consumer, hypervisor, uuid, told["resources"]) for consumer, told in allocations.items()]


def _confirmed(reading: PagedReading, suspects: list[_Held]) -> list[_Held]:
    """Those suspects of which a second look says the same: they still hold the provider, or still nothing."""

    def look(one: _Held) -> bool:
        answer = reading.get("placement", f"/allocations/{one.consumer}")["allocations"]
        return one.provider in answer if one.provider else not answer

    return [one for one, same in zip(suspects, reading.each(look, suspects), strict=True) if same]


def _by_hypervisor(names: Mapping[str, str], found: Iterable[_Held]) -> dict[str, int]:
    return dict.fromkeys(names.values(), 0) | Counter(one.hypervisor for one in found)

"""Placement's inventories, usages and traits of hypervisors, from as few calls as its API allows.

- Inventories: one call for each provider, once. Every change of them raises the provider's `generation`,
  which one list shows for all, so what is kept by generation is exact, not merely young.
- Usages: `DELETE /allocations` raises no generation, so they are read anew each lap. Allocation candidates
  for one unit list every provider that still has that unit, each with all its usages and traits: one call for
  the cloud instead of one for each provider. Only providers that are full in every class are asked singly.
- Traits come with the candidates. A provider that is full in every class needs none: nothing fits there.

200 hypervisors cost 202 calls in the first lap and 2 in one in which nothing changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from infra.cloud.errors import NotFound, Refused
from infra.cloud.reading import Reading
from infra.domain.capacity import allocatable

_CLASSES = ("MEMORY_MB", "VCPU", "DISK_GB")
"""Classes by which providers with room are listed first, one after the other until none is missing."""
_MOST_CLASSES = 6


@dataclass(frozen=True)
class ResourceInventory:
    """Placement's inventory of one resource class and what is used of it, in Placement's own unit."""

    resource_class: str
    total: int
    reserved: int
    allocation_ratio: float
    used: int
    min_unit: int = 1
    max_unit: int = 2**31 - 1
    step_size: int = 1

    @property
    def allocatable(self) -> int:
        """What Placement hands out at most."""
        return allocatable(self.total, self.reserved, self.allocation_ratio)

    @property
    def free(self) -> int:
        """What Placement would still hand out."""
        return max(0, self.allocatable - self.used)

    def holds(self, amount: int) -> int:
        """How many allocations of `amount` each Placement would still accept."""
        if amount == 0:
            raise ValueError("an allocation of nothing fits any number of times")
        if amount < self.min_unit or amount > self.max_unit or amount % self.step_size:
            return 0
        return self.free // amount


@dataclass(frozen=True)
class Placed:
    """What Placement knows of a hypervisor, the providers below it included; nothing while it has not heard
    of it. Traits are the hypervisor's own."""

    inventories: tuple[ResourceInventory, ...] = ()
    traits: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Kept:
    """Inventories of one generation, with nothing used."""

    generation: int
    inventories: tuple[ResourceInventory, ...]


@dataclass
class PlacementCache:
    """What is known of each provider at its generation. Filled call by call, so that a lap that is cut short
    leaves less to the next. Laps of one cache must not run at once."""

    kept: dict[str, _Kept] = field(default_factory=dict)


def read_providers(reading: Reading) -> list[dict[str, Any]]:
    """Every resource provider as Placement lists it: uuid, name, generation, root_provider_uuid. One call."""
    return list(reading.get("placement", "/resource_providers")["resource_providers"])


def read_placed(reading: Reading, wanted: Iterable[str], cache: PlacementCache) -> Mapping[str, Placed]:
    """What Placement knows of the hypervisors with these ids (a hypervisor's id is its root provider's)."""
    roots = set(wanted)
    listed = [item for item in read_providers(reading) if item["root_provider_uuid"] in roots]
    _refresh(reading, listed, cache)
    offering = {uuid: kept for uuid, kept in cache.kept.items() if kept.inventories}
    summaries = _summaries(reading, offering)
    full = [uuid for uuid in offering if uuid not in summaries]
    usages: dict[str, dict[str, int] | None] = {uuid: _used(found) for uuid, found in summaries.items()}
    usages |= zip(full, reading.each(lambda uuid: _usages(reading, uuid), full), strict=True)
    found: dict[str, list[ResourceInventory]] = {root: [] for root in roots}
    for item in listed:
        uuid = item["uuid"]
        used = usages.get(uuid) if uuid in offering else None
        if used is not None:
            found[item["root_provider_uuid"]] += [
                replace(held, used=used.get(held.resource_class, 0)) for held in offering[uuid].inventories
            ]
    traits = {uuid: frozenset(summary["traits"]) for uuid, summary in summaries.items()}
    return {root: Placed(tuple(found[root]), traits.get(root, frozenset())) for root in roots}


def _refresh(reading: Reading, listed: Sequence[Mapping[str, Any]], cache: PlacementCache) -> None:
    """Read inventories whose generation is not the one that we have; forget providers that are gone."""
    generations = {item["uuid"]: int(item["generation"]) for item in listed}
    for gone in cache.kept.keys() - generations.keys():
        del cache.kept[gone]

    def read(uuid: str) -> None:
        try:
            answer = reading.get("placement", f"/resource_providers/{uuid}/inventories")
        except NotFound:  # it went since it was listed
            cache.kept.pop(uuid, None)
            return
        # The answer's own generation: it may be newer than the list's.
        generation = int(answer.get("resource_provider_generation", generations[uuid]))
        cache.kept[uuid] = _Kept(generation, _inventories(answer["inventories"]))

    reading.each(read, [
        uuid for uuid, generation in generations.items()
        if uuid not in cache.kept or cache.kept[uuid].generation != generation
    ])  # fmt: skip


def _inventories(answer: Mapping[str, Mapping[str, Any]]) -> tuple[ResourceInventory, ...]:
    return tuple(
        ResourceInventory(
            name, item["total"], item["reserved"], item["allocation_ratio"], 0, item["min_unit"],
            item["max_unit"], item["step_size"],
        )
        for name, item in sorted(answer.items())
    )  # fmt: skip


def _summaries(reading: Reading, offering: Mapping[str, _Kept]) -> dict[str, Any]:
    """Providers that still have a unit of some class, with the usages of all their classes. Empty where our
    credential may read providers but not candidates: then each provider is asked for itself."""
    found: dict[str, Any] = {}
    asked: list[str] = []
    while len(asked) < _MOST_CLASSES:
        missing = [kept for uuid, kept in offering.items() if uuid not in found]
        counted = Counter(held.resource_class for kept in missing for held in kept.inventories)
        left = [*(name for name in _CLASSES if name in counted), *(name for name, _ in counted.most_common())]
        name = next((name for name in left if name not in asked), "")
        if not name:
            break
        asked.append(name)
        try:
            answer = reading.get("placement", "/allocation_candidates", {"resources": f"{name}:1"})
        except (Refused, NotFound):
            break
        found |= {uuid: summary for uuid, summary in answer["provider_summaries"].items() if uuid in offering}
    return found


def _used(summary: Mapping[str, Any]) -> dict[str, int]:
    return {name: int(amount["used"]) for name, amount in summary["resources"].items()}


def _usages(reading: Reading, uuid: str) -> dict[str, int] | None:
    """None for a provider that went since it was listed."""
    try:
        return dict(reading.get("placement", f"/resource_providers/{uuid}/usages")["usages"])
    except NotFound:
        return None

"""How many more servers of what is asked for the cloud would hold, by the capacity exporter's figures."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from infra.domain.request import Request, RequestItem
from infra.domain.words import NOTHING, Words
from infra.portal.interface import Capacity
from infra.portal.service.ground import UNKNOWN_CAPACITY
from monitoring.prometheus import Sample

FACTS_SECONDS = 600
"""How old the capacity exporter's facts may be."""
_FRESH = f'and on () (max(city_exporter_collector_age_seconds{{collector="capacity"}}) < {FACTS_SECONDS})'
CLASSES = ("VCPU", "MEMORY_MB", "DISK_GB")
QUESTIONS: Mapping[str, str] = {
    "fits": f"max by (flavor) (city_flavor_capacity_servers) {_FRESH}",
    "fits_elsewhere": f"""(
        sum by (flavor) (
            max by (hypervisor, flavor) (city_hypervisor_flavor_capacity_servers)
            unless on (hypervisor) city_largest_hypervisor_info
        ) or max by (flavor) (city_flavor_capacity_servers) * 0
    ) and on () max(city_largest_hypervisor_info) {_FRESH}""",
    "VCPU": "max by (flavor) (city_flavor_vcpus)",
    "MEMORY_MB": "max by (flavor) (city_flavor_memory_bytes)",
    "DISK_GB": "max by (flavor) (city_flavor_disk_bytes)",
    "left": f"""(max by (resource_class) (city_cloud_free_without_largest_units)
        or max by (resource_class) (city_cloud_free_without_largest_bytes)) {_FRESH}""",
    "absorbable": f"max(city_largest_hypervisor_loss_absorbable) {_FRESH}",
}
"""What is asked, by name: flavors by what one server takes of each class (units or bytes)."""
_NO_ROOM = Words("Yêu cầu này không cần máy chủ mới.", "This asks for no new server.")
_NOT_SAFE = Words(
    "Ngay lúc này, nếu máy chủ vật lý lớn nhất hỏng thì không còn đủ chỗ cho các máy chủ đang chạy.",
    "Already now there is no room for all servers that run if the largest hypervisor fails.",
)


@dataclass(frozen=True)
class FlavorRoom:
    """Of one flavor: servers that still fit, and that fit beside the largest hypervisor; what one takes."""

    fits: int | None = None
    elsewhere: int | None = None
    takes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Room:
    """`left` by resource class: what would be free with the largest hypervisor gone and its servers moved,
    negative when they do not fit; `absorbable` whether each of them would find a place, None when unknown.
    """

    flavors: Mapping[str, FlavorRoom]
    left: Mapping[str, float]
    absorbable: bool | None


def read_room(samples: Sequence[Sample]) -> Room:
    """Answers to QUESTIONS."""
    by: dict[str, dict[str, float]] = {}
    for one in samples:
        of = one.label("resource_class") if one.label("asked") == "left" else one.label("flavor")
        by.setdefault(one.label("asked"), {})[of] = one.value
    flavors = {
        name: FlavorRoom(
            _whole(by.get("fits", {}).get(name)), _whole(by.get("fits_elsewhere", {}).get(name)),
            {one: by[one][name] for one in CLASSES if name in by.get(one, {})},
        )
        for name in by.get("VCPU", {})
    }  # fmt: skip
    absorbable = by.get("absorbable", {}).get("")
    return Room(flavors, by.get("left", {}), None if absorbable is None else bool(absorbable))


def still_fits(request: Request, room: Room) -> Capacity:
    """For the flavor of it of which the fewest are left after it; all None where a figure is missing."""
    asked: Counter[str] = Counter()
    for item in request.items:
        if item.unit.instances or _resizes(item, room):
            flavor = next((value for value in item.values.values() if value in room.flavors), None)
            if flavor is None:
                return UNKNOWN_CAPACITY
            asked[flavor] += item.count * max(1, item.unit.instances)
    if not asked:
        return Capacity(None, None, None, _NO_ROOM)
    found = [_of_flavor(flavor, asked, room) for flavor in asked]
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        return UNKNOWN_CAPACITY
    return min(known, key=lambda one: one.after if one.after is not None else 0)


def _resizes(item: RequestItem, room: Room) -> bool:
    """Whether a server gets another size: until that is confirmed the cloud holds both."""
    before = item.change.before if item.change else item.values
    return any(value != before.get(name) and value in room.flavors for name, value in item.values.items())


def _of_flavor(flavor: str, asked: Mapping[str, int], room: Room) -> Capacity | None:
    own = room.flavors[flavor]
    if own.fits is None or not any(own.takes.values()):
        return None
    # Servers of other flavors take the room of as many of this one as their scarcest class says.
    goes = math.ceil(sum(count * _as_many(room.flavors[one], own) for one, count in asked.items()))
    only = len(asked) == 1
    note = NOTHING if only else Words(
        f"Tính theo cỡ máy {flavor}, cỡ còn ít chỗ nhất sau yêu cầu này.",
        f"Counted for {flavor}, of which the fewest are left after this request.",
    )  # fmt: skip
    if room.absorbable is False:
        note = _NOT_SAFE
    return Capacity(own.fits, own.fits - goes, _after_loss(own, goes, room), note)


def _as_many(other: FlavorRoom, own: FlavorRoom) -> float:
    return max(other.takes.get(one, 0) / need for one, need in own.takes.items() if need)


def _after_loss(own: FlavorRoom, goes: int, room: Room) -> int | None:
    """By what would be left of each class in all, and never more than fit on the others one by one. Where
    servers that run would find no place, nothing new fits.
    """
    needs = {one: need for one, need in own.takes.items() if need}
    if own.elsewhere is None or not set(needs) <= set(room.left):
        return None
    fits = min(
        own.elsewhere, own.fits or 0, *(math.floor(room.left[one] / need) for one, need in needs.items())
    )
    return (min(fits, 0) if room.absorbable is False else fits) - goes


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)

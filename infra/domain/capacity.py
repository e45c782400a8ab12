"""Capacity: what hypervisors can give to servers, by Placement's arithmetic."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


def allocatable(total: int, reserved: int, ratio: float) -> int:
    """How much of a resource Placement hands out: `int((total - reserved) * ratio)`.

    The rule is Placement's own (an inventory's capacity), so our numbers and the scheduler's never differ by
    one.
    """
    return int((total - reserved) * ratio)


@dataclass(frozen=True)
class Capacity:
    """Allocatable cores (count), memory (MiB) and disk (GiB)."""

    cores: int = 0
    ram_mib: int = 0
    disk_gib: int = 0

    def __add__(self, other: Capacity) -> Capacity:
        return Capacity(
            self.cores + other.cores, self.ram_mib + other.ram_mib, self.disk_gib + other.disk_gib
        )

    def __str__(self) -> str:
        return f"{self.cores} cores, {self.ram_mib} MiB and {self.disk_gib} GiB"

    def holds(self, other: Capacity) -> bool:
        """Whether `other` fits into this capacity on its own."""
        return self.cores >= other.cores and self.ram_mib >= other.ram_mib and self.disk_gib >= other.disk_gib


def total(capacities: Iterable[Capacity]) -> Capacity:
    """The sum of capacities."""
    return sum(capacities, start=Capacity())

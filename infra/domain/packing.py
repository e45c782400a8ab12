"""Packing: whether the servers of hypervisors that are lost would find a place on the others, and what no
flavor can use any more.

Greedy, largest first, each on the hypervisors where it fits tightest. That never says "fits" where it does
not; a perfect packing may fit a few more servers than it finds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Amounts = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Bin:
    """A hypervisor: what is free of each resource class, whether servers may be placed there."""

    name: str
    free: Mapping[str, int]
    live: bool = True


@dataclass(frozen=True)
class Kind:
    """Servers that are alike: what each takes, and on which hypervisors (by place in the list of bins) it may
    run."""

    resources: Mapping[str, int]
    allowed: tuple[bool, ...]


class Packing:
    """Bins and kinds as matrices. `counts[bin name][kind number]` are the servers that are there now."""

    def __init__(
        self, bins: Sequence[Bin], kinds: Sequence[Kind], counts: Mapping[str, Mapping[int, int]]
    ) -> None:
        classes = sorted({name for found in bins for name in found.free} | _wanted(kinds))
        self._places = {found.name: place for place, found in enumerate(bins)}
        self._free: Amounts = _matrix([found.free for found in bins], classes)
        self._live: Mask = np.array([found.live for found in bins], dtype=bool)
        self._demands: Amounts = _matrix([kind.resources for kind in kinds], classes)
        self._allowed: list[Mask] = [np.array(kind.allowed, dtype=bool) for kind in kinds]
        self._counts = counts
        self._order = _by_size(self._demands, self._free)

    def unplaceable(self, lost: Iterable[str]) -> int:
        """Servers on the lost bins that would find no place on the live ones that are left."""
        lost = set(lost)
        moving: dict[int, int] = {}
        for name in lost:
            for kind, count in self._counts.get(name, {}).items():
                moving[kind] = moving.get(kind, 0) + count
        free, left = self._free.copy(), self._live.copy()
        left[[self._places[name] for name in lost if name in self._places]] = False
        return sum(
            moving[kind] - self._place(kind, moving[kind], free, left)
            for kind in self._order if kind in moving
        )  # fmt: skip

    def _place(self, kind: int, count: int, free: Amounts, left: Mask) -> int:
        """Place up to `count` servers of the kind; takes what they hold off `free`."""
        demand = self._demands[kind]
        fits = np.where(left & self._allowed[kind], _fits(free, demand), 0)
        places = np.flatnonzero(fits)
        places = places[np.argsort(fits[places], kind="stable")]
        taken = np.diff(np.minimum(np.cumsum(fits[places]), count), prepend=0)
        free[places] -= taken[:, None] * demand
        return int(taken.sum())


def stranded(bins: Sequence[Bin], kinds: Sequence[Kind]) -> dict[str, dict[str, int]]:
    """What is free on each live bin and stays free when it is filled with servers of these kinds, by resource
    class; for each class the kinds that take most of it beside the rest come first."""
    classes = sorted({name for found in bins for name in found.free} | _wanted(kinds))
    free, demands = _matrix([found.free for found in bins], classes), _matrix(
        [kind.resources for kind in kinds], classes
    )  # fmt: skip
    weights = demands / np.maximum(free.sum(axis=0), 1)
    left = {}
    for number, name in enumerate(classes):
        rest = free.copy()
        share = weights[:, number] / np.maximum(weights.sum(axis=1), 1e-12)
        for kind in np.argsort(-share, kind="stable"):
            if demands[kind, number]:
                fits = np.where(np.array(kinds[kind].allowed, dtype=bool), _fits(rest, demands[kind]), 0)
                rest -= fits[:, None] * demands[kind]
        left[name] = rest[:, number]
    return {
        found.name: {name: int(left[name][place]) for name in found.free}
        for place, found in enumerate(bins) if found.live
    }  # fmt: skip


def _fits(free: Amounts, demand: Amounts) -> Amounts:
    """How many of `demand` fit into each row of `free`; nothing fits any number of times, which is none."""
    wanted = np.flatnonzero(demand)
    if not wanted.size:
        return np.zeros(len(free), dtype=np.int64)
    fits: Amounts = np.maximum((free[:, wanted] // demand[wanted]).min(axis=1), 0)
    return fits


def _matrix(rows: Sequence[Mapping[str, int]], classes: Sequence[str]) -> Amounts:
    values = [[row.get(name, 0) for name in classes] for row in rows]
    return np.array(values, dtype=np.int64).reshape(len(rows), len(classes))


def _by_size(demands: Amounts, free: Amounts) -> list[int]:
    """Kinds by their largest share of all that is free, the largest first."""
    if not len(demands):
        return []
    shares = (demands / np.maximum(free.sum(axis=0), 1)).max(axis=1)
    return [int(kind) for kind in np.argsort(-shares, kind="stable")]


def _wanted(kinds: Sequence[Kind]) -> set[str]:
    return {name for kind in kinds for name, amount in kind.resources.items() if amount}

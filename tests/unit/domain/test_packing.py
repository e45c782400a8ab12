"""Packing: nothing is said to fit that does not, and what obviously fits does."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from infra.domain.packing import Bin, Kind, Packing, stranded


def make_packing(
    free: list[int], lost: dict[int, int], *, live: list[bool] | None = None, allowed: Any = None
) -> Packing:
    """Bins of one class with so much free; the first is lost, with `lost` servers by their size."""
    bins = [Bin(f"hv{n}", {"MEMORY_MB": amount}, live[n] if live else True) for n, amount in enumerate(free)]
    everywhere = tuple(True for _ in free)
    kinds = [Kind({"MEMORY_MB": size}, allowed or everywhere) for size in lost]
    return Packing(bins, kinds, {"hv0": dict(enumerate(lost.values()))})


def test_servers_of_a_lost_hypervisor_go_where_there_is_room() -> None:
    assert make_packing([0, 4, 3], {2: 3}).unplaceable(["hv0"]) == 0
    assert make_packing([0, 3, 3], {2: 3}).unplaceable(["hv0"]) == 1


def test_room_on_the_lost_hypervisor_itself_is_none() -> None:
    assert make_packing([100, 1], {2: 1}).unplaceable(["hv0"]) == 1


def test_nothing_is_placed_on_a_hypervisor_that_is_not_live_or_not_allowed() -> None:
    assert make_packing([0, 8], {2: 1}, live=[True, False]).unplaceable(["hv0"]) == 1
    assert make_packing([0, 8, 8], {2: 5}, allowed=(True, False, True)).unplaceable(["hv0"]) == 1


def test_the_largest_go_first() -> None:
    # Small ones first would fill the only place of the large one.
    assert make_packing([0, 4, 2], {1: 2, 4: 1}).unplaceable(["hv0"]) == 0


def test_a_zone_is_lost_with_all_its_hypervisors() -> None:
    bins = [Bin(name, {"VCPU": 2}) for name in ("a", "b", "c")]
    packing = Packing(bins, [Kind({"VCPU": 1}, (True, True, True))], {"a": {0: 1}, "b": {0: 2}})
    assert packing.unplaceable(["a"]) == 0
    assert packing.unplaceable(["a", "b"]) == 1


def test_a_cloud_of_nothing_loses_nothing() -> None:
    assert Packing([], [], {}).unplaceable([]) == 0
    assert stranded([], []) == {}


@given(
    free=st.lists(st.integers(0, 40), min_size=2, max_size=6),
    lost=st.dictionaries(st.integers(1, 20), st.integers(1, 5), max_size=4),
)
def test_what_is_said_to_fit_fits_into_what_is_free(free: list[int], lost: dict[int, int]) -> None:
    missing = make_packing(free, lost).unplaceable(["hv0"])
    count, wanted = sum(lost.values()), sum(size * number for size, number in lost.items())
    assert 0 <= missing <= count
    if missing == 0:
        assert wanted <= sum(free[1:])
    if lost and wanted + max(lost) * (len(free) - 1) <= sum(free[1:]):
        assert missing == 0  # with a hole of the largest on each, greed cannot fail


@given(
    free=st.lists(st.tuples(st.integers(0, 64), st.integers(0, 64)), min_size=1, max_size=5),
    sizes=st.lists(st.tuples(st.integers(1, 8), st.integers(1, 8)), max_size=3),
)
def test_what_is_stranded_is_free_and_no_flavor_fits_beside_it(
    free: list[tuple[int, int]], sizes: list[tuple[int, int]]
) -> None:
    bins = [Bin(f"hv{n}", {"VCPU": cores, "MEMORY_MB": memory}) for n, (cores, memory) in enumerate(free)]
    kinds = [Kind({"VCPU": cores, "MEMORY_MB": memory}, (True,) * len(bins)) for cores, memory in sizes]
    left = stranded(bins, kinds)
    for found, (cores, memory) in zip(bins, free, strict=True):
        amounts = left[found.name]
        assert 0 <= amounts["VCPU"] <= cores
        assert 0 <= amounts["MEMORY_MB"] <= memory
        if not any(core <= cores and mem <= memory for core, mem in sizes):
            assert amounts == {"VCPU": cores, "MEMORY_MB": memory}


def test_memory_that_has_no_cores_beside_it_is_stranded() -> None:
    left = stranded([Bin("hv", {"VCPU": 1, "MEMORY_MB": 10})], [Kind({"VCPU": 1, "MEMORY_MB": 4}, (True,))])
    assert left == {"hv": {"VCPU": 0, "MEMORY_MB": 6}}


def test_nothing_is_stranded_on_a_hypervisor_that_is_not_live() -> None:
    assert stranded([Bin("hv", {"VCPU": 1}, live=False)], []) == {}

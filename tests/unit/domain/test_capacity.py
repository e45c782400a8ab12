"""Capacity follows Placement's arithmetic."""

from __future__ import annotations

import pytest

from infra.domain.capacity import Capacity, allocatable, total


@pytest.mark.parametrize(
    ("there", "reserved", "ratio", "expected"),
    [(2, 0, 16.0, 32), (6144, 512, 1.0, 5632), (3, 0, 1.5, 4), (10, 0, 0.99, 9), (0, 0, 16.0, 0)],
)
def test_the_allocatable_part_is_rounded_down_after_the_ratio(
    there: int, reserved: int, ratio: float, expected: int
) -> None:
    assert allocatable(there, reserved, ratio) == expected


def test_capacities_add_up_resource_by_resource() -> None:
    assert total([Capacity(1, 2, 3), Capacity(10, 20, 30)]) == Capacity(11, 22, 33)


def test_no_capacities_add_up_to_nothing() -> None:
    assert total([]) == Capacity(0, 0, 0)


@pytest.mark.parametrize("size", [Capacity(5, 1, 1), Capacity(1, 5, 1), Capacity(1, 1, 5)])
def test_one_resource_that_is_missing_is_enough_not_to_fit(size: Capacity) -> None:
    assert not Capacity(4, 4, 4).holds(size)


def test_an_exact_fit_fits() -> None:
    assert Capacity(4, 4, 4).holds(Capacity(4, 4, 4))

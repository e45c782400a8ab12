"""Our arithmetic is Placement's: held against the code of the very Placement that the depot deploys."""

from __future__ import annotations

import ast
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.cloud.capacity_placement import ResourceInventory
from infra.domain.capacity import allocatable


@pytest.fixture(scope="module")
def capacity(built_depot: Path) -> Callable[..., int]:
    """`Inventory(...).capacity` of the wheel's placement/objects/inventory.py. The class stands on nothing
    but the language, so it is taken out of its module, whose imports (oslo) are not ours to have."""
    (wheel,) = built_depot.glob("wheels/openstack-*/openstack_placement-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        source = archive.read("placement/objects/inventory.py").decode()
    (found,) = [node for node in ast.parse(source).body if getattr(node, "name", "") == "Inventory"]
    names: dict[str, Any] = {}
    exec(compile(ast.Module([found], []), str(wheel), "exec"), names)
    return lambda **values: int(names["Inventory"](**values).capacity)


# What Placement's schema and database take: 32-bit integers, a ratio that is a float above 0.
INTEGERS = st.integers(0, 2**31 - 1)
RATIOS = st.floats(0.0001, 3.40282e38, allow_nan=False) | st.sampled_from([0.9, 1.0, 1.1, 1.5, 4.0, 16.0])


@given(total=st.integers(1, 2**31 - 1), reserved=INTEGERS, ratio=RATIOS)
def test_allocatable_is_what_placement_computes(
    capacity: Callable[..., int], total: int, reserved: int, ratio: float
) -> None:
    theirs = capacity(total=total, reserved=reserved, allocation_ratio=ratio)
    assert allocatable(total, reserved, ratio) == theirs
    assert ResourceInventory("VCPU", total, reserved, ratio, 0).allocatable == theirs


@given(
    total=st.integers(1, 4096), reserved=st.integers(0, 512), ratio=st.floats(0.1, 16.0),
    used=st.integers(0, 8192), amount=st.integers(1, 64),
)  # fmt: skip
def test_as_many_allocations_fit_as_placements_capacity_has_room_for(
    capacity: Callable[..., int], total: int, reserved: int, ratio: float, used: int, amount: int
) -> None:
    limit = capacity(total=total, reserved=reserved, allocation_ratio=ratio)
    held = ResourceInventory("VCPU", total, reserved, ratio, used, max_unit=total)
    count = held.holds(amount)
    # Placement refuses an allocation when used + amount > capacity (allocation.py), or when it is no unit.
    assert count == 0 or used + count * amount <= limit
    assert amount > total or used + (count + 1) * amount > limit

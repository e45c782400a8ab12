"""Ranges in host names, as Ansible expands them."""

from __future__ import annotations

import pytest

from infra.inventory.host_range import RangeError, expand


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("ctl1", ("ctl1",)),
        ("hv[01:03]", ("hv01", "hv02", "hv03")),
        ("hv[9:11]", ("hv9", "hv10", "hv11")),
        ("hv[1:9:4]", ("hv1", "hv5", "hv9")),
        ("rack[a:c]", ("racka", "rackb", "rackc")),
        ("r[1:2]n[1:2]", ("r1n1", "r1n2", "r2n1", "r2n2")),
        ("hv[007:008]", ("hv007", "hv008")),
    ],
)
def test_a_range_has_both_its_ends(pattern: str, names: tuple[str, ...]) -> None:
    assert expand(pattern) == names


@pytest.mark.parametrize(
    "pattern",
    [
        "hv[1:]",
        "hv[:]",
        "hv[",
        "hv]",
        "hv[1]",
        "hv[3:1]",
        "hv[1:a]",
        "hv[01:100]",
        "hv[1:3:0]",
        "hv[c:a]",
        "hv[0:99999999999999999999]",
        "hv[1:1001]",
        "a[1:100]b[1:100]",
        "x" * 201,
        "[[1:2]]",
    ],
)
def test_a_broken_or_huge_range_is_refused(pattern: str) -> None:
    with pytest.raises(RangeError):
        expand(pattern)

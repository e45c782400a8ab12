"""Labels are lower-case DNS labels."""

from __future__ import annotations

import pytest

from infra.domain.label import is_label


@pytest.mark.parametrize("name", ["a", "sotttt", "q-hongbang", "a1", "a--b", "a" * 63])
def test_a_lower_case_dns_label_is_accepted(name: str) -> None:
    assert is_label(name)


@pytest.mark.parametrize("name", ["", "A", "1a", "-a", "a-", "a.b", "a_b", "sở", "a" * 64, "a\n", "a b"])
def test_anything_else_is_not(name: str) -> None:
    assert not is_label(name)

"""Two operators are two people only with two names and two keys."""

from __future__ import annotations

import pytest

from infra.domain.operator import Operator, same_person

AN = Operator("an", "An", "ssh-ed25519 AAAA an@host")


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (Operator("an", "Another An", "ssh-ed25519 BBBB"), True),
        (Operator("binh", "Bình", "ssh-ed25519 AAAA binh@elsewhere"), True),
        (Operator("binh", "Bình", "ssh-ed25519   AAAA"), True),
        (Operator("binh", "An", "ssh-ed25519 BBBB an@host"), False),
    ],
)
def test_a_name_or_a_key_that_two_share_makes_them_one_person(other: Operator, same: bool) -> None:
    assert same_person(AN, other) is same
    assert same_person(other, AN) is same

"""What was taken into the code: something or nothing."""

from __future__ import annotations

import pytest

from infra.domain.adopted import Adopted, AdoptedProperties, AdoptedResource

from .plan_sample import NETWORK


@pytest.mark.parametrize(
    ("adopted", "something"),
    [
        (Adopted(), False),
        (Adopted(resources=(AdoptedResource(NETWORK, "net", "id", {}),)), True),
        (Adopted(properties=(AdoptedProperties(NETWORK, "net", {"mtu": 1400}),)), True),
    ],
)
def test_an_agency_adopted_something_when_there_is_a_resource_or_a_value(
    adopted: Adopted, something: bool
) -> None:
    assert bool(adopted) is something


def test_what_is_adopted_can_be_told_apart_without_its_values() -> None:
    one, other = AdoptedResource(NETWORK, "net", "id", {"a": [1]}), AdoptedResource(NETWORK, "net", "id", {})
    assert hash(one) == hash(other)
    assert one != other

"""Quotas add up and are compared resource by resource."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from infra.domain.capacity import Capacity
from infra.domain.quota import RESOURCES, Excess, Quota, exceeding, exceeding_capacity, total

counts = st.integers(min_value=0, max_value=10**9)
quotas = st.builds(Quota, **dict.fromkeys(RESOURCES, counts))


@given(st.lists(quotas, max_size=5))
def test_a_sum_is_the_sum_of_every_resource(several: list[Quota]) -> None:
    whole = total(several)
    for resource in RESOURCES:
        assert getattr(whole, resource) == sum(getattr(quota, resource) for quota in several)


@given(quotas, quotas)
def test_usage_within_a_limit_exceeds_nothing_and_more_does(limit: Quota, more: Quota) -> None:
    assert exceeding(limit, limit) == ()
    over = {excess.resource for excess in exceeding(limit + more, limit)}
    assert over == {resource for resource in RESOURCES if getattr(more, resource) > 0}


def test_an_excess_says_what_was_wanted_and_what_there_is() -> None:
    assert exceeding(Quota(cores=5), Quota(cores=4)) == (Excess("cores", 5, 4),)


def test_capacity_limits_cores_and_memory_only() -> None:
    asked = Quota(instances=99, cores=5, ram_mib=100, gigabytes=99, ports=99)
    assert exceeding_capacity(asked, Capacity(4, 100, 0)) == (Excess("cores", 5, 4),)


def test_overcommit_stretches_capacity_and_is_rounded_down() -> None:
    assert exceeding_capacity(Quota(cores=6), Capacity(4, 0, 0), overcommit=1.5) == ()
    assert exceeding_capacity(Quota(cores=7), Capacity(4, 0, 0), overcommit=1.7) == (Excess("cores", 7, 6),)

"""What a rule of a security group lets in, and when one lets in as much as another."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.domain.security_rule import SecurityRule, is_the_world, security_rule

from .plan_sample import SSH

rules = st.builds(
    SecurityRule, st.just("sg-1"), st.sampled_from(["IPv4", "IPv6"]),
    st.sampled_from(["", "tcp", "udp", "icmp"]),
    st.integers(0, 30), st.integers(20, 65535),
    st.sampled_from(["", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "fd00::/8"]), st.sampled_from(["", "sg-2"]),
)  # fmt: skip


@given(rules)
def test_a_rule_lets_in_as_much_as_itself_and_less_than_any_rule(rule: SecurityRule) -> None:
    assert rule.covers(rule)
    assert replace(rule, protocol="", first=0, last=65535, prefix="").covers(rule)


@given(rules, rules, st.integers(1, 65535))
def test_what_a_covered_rule_opens_is_opened_by_the_other_too(
    one: SecurityRule, other: SecurityRule, port: int
) -> None:
    if one.covers(other):
        assert one.opens(port) >= other.opens(port)
        assert one.to_the_world >= other.to_the_world


@given(rules, rules, rules)
def test_covering_goes_on_from_rule_to_rule(a: SecurityRule, b: SecurityRule, c: SecurityRule) -> None:
    assert a.covers(c) or not (a.covers(b) and b.covers(c))


@pytest.mark.parametrize(
    ("prefix", "world"),
    [("", True), ("0.0.0.0/0", True), ("0.0.0.0/7", True), ("10.0.0.0/8", False), ("::/0", True),
     ("2000::/3", True), ("fc00::/7", False), ("10.1.2.3", False), ("nonsense", False)],
)  # fmt: skip
def test_a_network_larger_than_any_private_one_is_the_world(prefix: str, world: bool) -> None:
    assert is_the_world(prefix) is world


def test_a_rule_on_what_goes_out_lets_nobody_in() -> None:
    assert security_rule({**SSH, "direction": "egress"}) is None

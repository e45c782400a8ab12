"""Networks: who stands inside, and who overlaps whom."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from infra.domain.network import ExternalNetwork, is_usable, overlapping


def make_external(first: str = "172.30.2.50", last: str = "172.30.2.250") -> ExternalNetwork:
    cidr, gateway = IPv4Network("172.30.2.0/24"), IPv4Address("172.30.2.1")
    return ExternalNetwork(cidr, "ext0", gateway, IPv4Address(first), IPv4Address(last), 1500)


def test_both_ends_of_a_pool_belong_to_it() -> None:
    external = make_external()
    assert external.pool_size == 201
    assert external.pool_contains(external.first)
    assert external.pool_contains(external.last)
    assert not external.pool_contains(external.gateway)


def test_a_pool_whose_ends_are_swapped_is_empty() -> None:
    assert make_external(first="172.30.2.60", last="172.30.2.50").pool_size == 0


@pytest.mark.parametrize(
    ("address", "usable"),
    [
        ("10.0.0.1", True),
        ("10.0.0.254", True),
        ("10.0.0.0", False),
        ("10.0.0.255", False),
        ("10.0.1.1", False),
    ],
)
def test_the_first_and_last_address_of_a_network_are_not_for_servers(address: str, usable: bool) -> None:
    assert is_usable(IPv4Address(address), IPv4Network("10.0.0.0/24")) is usable


def test_every_overlapping_pair_is_named_and_neighbours_are_not() -> None:
    named = [("a", "10.0.0.0/24"), ("b", "10.0.1.0/24"), ("c", "10.0.0.128/25"), ("d", "10.0.0.0/16")]
    networks = [(name, IPv4Network(text)) for name, text in named]
    assert overlapping(networks) == (("a", "c"), ("a", "d"), ("b", "d"), ("c", "d"))

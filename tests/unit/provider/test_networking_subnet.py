"""Subnets, and the pools and scopes that they are cut from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from infra.cloud.errors import WaitedTooLong
from infra.provider.address_scope import AddressScope
from infra.provider.neutron import NotTaken
from infra.provider.resource import Context, NotOurs
from infra.provider.subnet import Subnet
from infra.provider.subnet_pool import SubnetPool
from tests.cloud.provider.case import Ground, fake_ground
from tests.cloud.provider.networking_cases import NETWORK, PORT, SUBNET, fresh_subnet
from tests.fakes.openstack import FakeOpenStack

Contexts = Callable[..., Context]


@pytest.fixture
def ground(fake: FakeOpenStack) -> Ground:
    return fake_ground(fake)


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({}, "cidr"),
        ({"cidr": "10.0.0.0/24", "prefixLength": 24}, "prefixLength"),
        ({"cidr": "10.0.0.0"}, "cidr"),
        ({"cidr": "10.0.0.0/24", "noGateway": True, "gatewayIp": "10.0.0.1"}, "gatewayIp"),
        ({"cidr": "10.0.0.0/24", "ipv6RaMode": "stateful"}, "ipv6RaMode"),
    ],
)
def test_a_subnet_that_neutron_would_refuse_is_refused_before(inputs: dict[str, Any], path: str) -> None:
    _, failures = Subnet().check({"networkId": "n", "name": "s", **inputs})
    assert [failure[0] for failure in failures] == [path]


def test_host_bits_and_spelling_are_no_difference(context: Contexts, ground: Ground) -> None:
    network = ground.make(NETWORK, {"name": "n"})["id"]
    given = {"networkId": network, "name": "s", "cidr": "FD00:0::5/64", "ipVersion": 6,
             "dnsNameservers": ["FD00::35"]}  # fmt: skip
    inputs, _ = Subnet().check(given)
    _, state = Subnet().create(context(), inputs)
    assert Subnet().differences({**state, "dnsNameservers": ["fd00::35"]}, inputs) == []


def test_a_gateway_that_comes_later_is_cut_out_of_the_pools(context: Contexts, ground: Ground) -> None:
    network = ground.make(NETWORK, {"name": "n"})["id"]
    inputs, _ = Subnet().check({"networkId": network, "name": "s", "cidr": "10.5.0.0/29", "noGateway": True})
    identity, state = Subnet().create(context(), inputs)
    after = Subnet().update(context(), identity, state, {**inputs, "noGateway": False}, {"noGateway"})
    assert after["gatewayIp"] == "10.5.0.1"
    assert after["allocationPools"] == [{"start": "10.5.0.2", "end": "10.5.0.6"}]


def test_what_the_cloud_takes_and_does_not_keep_is_an_error_and_leaves_nothing(
    context: Contexts, fake: FakeOpenStack, ground: Ground
) -> None:
    fake.drops = {"dns_publish_fixed_ip"}
    network = ground.make(NETWORK, {"name": "n"})["id"]
    inputs, _ = Subnet().check(
        {"networkId": network, "name": "s", "cidr": "10.5.0.0/24", "dnsPublishFixedIp": True}
    )
    with pytest.raises(NotTaken, match=r"dnsPublishFixedIp .*Leave them out"):
        Subnet().create(context(), inputs)
    assert not [one for one in fake.kind("subnets").values() if one["network_id"] == network]


def test_a_subnet_in_use_says_which_ports_hold_it(context: Contexts, ground: Ground) -> None:
    subnet = fresh_subnet(ground)
    port = ground.make(PORT, {"name": "left behind", "networkId": subnet["networkId"]})
    with pytest.raises(WaitedTooLong, match=rf"held by port left behind \({port['id']}\)"):
        Subnet().delete(context(), subnet["id"], subnet)


def test_a_pool_in_use_says_which_subnets_hold_it(context: Contexts, ground: Ground) -> None:
    pool = {"name": "p", "prefixes": ["10.197.0.0/16"], "defaultPrefixlen": 24}
    pool_id = ground.make("openstack:networking/subnetPool:SubnetPool", pool)["id"]
    network = ground.make(NETWORK, {"name": "n"})["id"]
    ground.make(SUBNET, {"name": "cut", "networkId": network, "subnetpoolId": pool_id})
    with pytest.raises(WaitedTooLong, match="held by subnet cut"):
        SubnetPool().delete(context(), pool_id, pool)


def test_neighbouring_prefixes_are_one_and_only_taking_one_away_replaces() -> None:
    state = {"prefixes": ["10.0.0.0/15"], "name": "p"}

    def found(*prefixes: str) -> list[tuple[str, bool]]:
        inputs, _ = SubnetPool().check({"name": "p", "prefixes": list(prefixes)})
        return [(item.name, item.replaces) for item in SubnetPool().differences(state, inputs)]

    assert found("10.1.0.0/16", "10.0.0.0/16") == []
    assert found("10.0.0.0/15", "10.8.0.0/16") == [("prefixes", False)]
    assert found("10.0.0.0/16") == [("prefixes", True)]


@pytest.mark.parametrize(
    ("inputs", "path"),
    [({"prefixes": []}, "prefixes"), ({"prefixes": ["10.0.0.0/8", "fd00::/48"]}, "prefixes"),
     ({"prefixes": ["10.0.0.0/8"], "ipVersion": 6}, "ipVersion")],
)  # fmt: skip
def test_prefixes_of_a_pool_are_of_one_version(inputs: dict[str, Any], path: str) -> None:
    assert [failure[0] for failure in SubnetPool().check({"name": "p", **inputs})[1]] == [path]


def test_a_scope_is_found_again_by_name_and_never_shared_by_two_resources(
    context: Contexts, fake: FakeOpenStack
) -> None:
    inputs, _ = AddressScope().check({"name": "city"})
    first, state = AddressScope().create(context(), inputs)
    assert AddressScope().create(context(), inputs)[0] == first
    with pytest.raises(NotOurs):
        AddressScope().create(context("pulumi:" + "b" * 24), inputs)
    shared = {**state, "shared": True}
    (found,) = AddressScope().differences(shared, {**inputs, "shared": False})
    assert found.replaces
    assert len(fake.kind("address-scopes")) == 1

"""Security groups and their rules, where the official provider is complained about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from infra.cloud.errors import Conflict, WaitedTooLong
from infra.provider.claim import release
from infra.provider.registry import resource
from infra.provider.resource import Context, NotOurs
from infra.provider.security_group import SecGroup
from infra.provider.security_group_rule import SecGroupRule
from tests.fakes.openstack import FakeOpenStack

Contexts = Callable[..., Context]
OTHER = "pulumi:" + "b" * 24


@pytest.fixture
def group(context: Contexts) -> str:
    return str(SecGroup().create(context(), SecGroup().check({"name": "web"})[0])[0])


def rule(group: str, **inputs: Any) -> dict[str, Any]:
    given = {"securityGroupId": group, "direction": "egress", "ethertype": "IPv4", **inputs}
    checked, failures = SecGroupRule().check(given)
    assert not failures
    return checked


def test_a_default_rule_is_taken_over_by_an_equal_one_however_it_is_written(
    context: Contexts, fake: FakeOpenStack, group: str
) -> None:
    for inputs in ({}, {"protocol": "any"}):
        identity, state = SecGroupRule().create(context(), rule(group, **inputs))
        assert SecGroupRule().differences(state, rule(group, **inputs)) == []
        release(identity)
    assert len(fake.kind("security-group-rules")) == 2


def test_a_default_rule_gives_way_to_one_with_a_description(
    context: Contexts, fake: FakeOpenStack, group: str
) -> None:
    wanted = rule(group, description="everything out")
    identity, state = SecGroupRule().create(context(), wanted)
    assert state["description"] == "everything out"
    assert SecGroupRule().read(context(), identity, {}) == state
    assert len(fake.kind("security-group-rules")) == 2


def test_two_resources_of_a_program_cannot_share_a_rule(context: Contexts, group: str) -> None:
    wanted = rule(group, direction="ingress", protocol="tcp", portRangeMin=22, portRangeMax=22)
    SecGroupRule().create(context(), wanted)
    with pytest.raises(NotOurs, match="remove one of the two"):
        SecGroupRule().create(context(OTHER), wanted)


def test_a_rule_that_is_gone_before_it_can_be_taken_over_is_made(
    context: Contexts, fake: FakeOpenStack, group: str
) -> None:
    fake.fail("POST", "/security-group-rules$", 409, "Security group rule already exists.")
    identity, _ = SecGroupRule().create(context(), rule(group, direction="ingress"))
    assert identity in fake.kind("security-group-rules")


@pytest.mark.parametrize(
    ("present", "wanted"),
    [
        ({"protocol": "tcp"}, {"protocol": "6"}),
        ({"protocol": "tcp"}, {"protocol": "TCP"}),
        ({"ethertype": "IPv6", "protocol": "ipv6-icmp"}, {"ethertype": "IPv6", "protocol": "icmp"}),
        ({"remoteIpPrefix": "10.9.9.9/32"}, {"remoteIpPrefix": "10.9.9.9"}),
        ({"remoteIpPrefix": "10.0.0.0/8"}, {"remoteIpPrefix": "10.1.2.3/8"}),
        ({"ethertype": "IPv6", "remoteIpPrefix": "fd00::/64"},
         {"ethertype": "IPv6", "remoteIpPrefix": "FD00:0::/64"}),
        ({"protocol": None}, {"protocol": "any"}),
    ],
)  # fmt: skip
def test_what_neutron_writes_in_its_own_way_is_no_difference(
    present: dict[str, Any], wanted: dict[str, Any]
) -> None:
    state = {**rule("g"), **present}
    assert SecGroupRule().differences(state, rule("g", **wanted)) == []


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({"protocol": "tpc"}, "protocol"),
        ({"protocol": "300"}, "protocol"),
        ({"protocol": "any", "portRangeMin": 1, "portRangeMax": 2}, "protocol"),
        ({"remoteIpPrefix": "10.0.0.0/8", "remoteGroupId": "g"}, "remoteGroupId"),
        ({"remoteIpPrefix": "ten"}, "remoteIpPrefix"),
    ],
)
def test_a_rule_that_neutron_would_refuse_is_refused_before(inputs: dict[str, Any], path: str) -> None:
    given = {"securityGroupId": "g", "direction": "ingress", "ethertype": "IPv4", **inputs}
    assert [failure[0] for failure in SecGroupRule().check(given)[1]] == [path]


def test_default_rules_go_with_the_creation_and_those_of_others_stay(
    context: Contexts, fake: FakeOpenStack
) -> None:
    inputs, _ = SecGroup().check({"name": "closed", "deleteDefaultRules": True})
    fake.fail("DELETE", "/security-group-rules/", 500)
    with pytest.raises(Exception, match="500"):
        SecGroup().create(context(), inputs)
    (made,) = fake.kind("security-groups").values()
    for one in made["security_group_rules"]:
        one["created_at"] = made["created_at"]
    by_hand = {"id": "hand", "security_group_id": made["id"], "created_at": "2026-11-23T10:05:00Z"}
    made["security_group_rules"].append(by_hand)
    fake.kind("security-group-rules")["hand"] = by_hand
    SecGroup().create(context(), inputs)
    assert list(fake.kind("security-group-rules")) == ["hand"]


def test_a_group_in_use_is_waited_for_and_what_holds_it_is_named(
    context: Contexts, fake: FakeOpenStack, group: str
) -> None:
    fake.kind("ports")["p"] = {"id": "p", "name": "web-1", "network_id": "n", "security_groups": [group],
                               "device_id": "s1", "device_owner": "compute:a", "fixed_ips": []}  # fmt: skip
    held = r"security group web .* held by port web-1 \(p\), used by server s1"
    with pytest.raises(WaitedTooLong, match=held):
        SecGroup().delete(context(), group, {"name": "web"})
    fake.kind("ports")["p"]["security_groups"] = []
    SecGroup().delete(context(), group, {"name": "web"})
    assert not fake.kind("security-groups")


def test_a_refusal_that_nothing_explains_is_not_waited_for(
    context: Contexts, fake: FakeOpenStack, group: str
) -> None:
    for _ in range(3):
        fake.fail("DELETE", "/security-groups/", 409, "not in this state")
    with pytest.raises(Conflict, match="not in this state"):
        SecGroup().delete(context(seconds=1000.0), group, {})
    assert fake.called("DELETE", "/security-groups/") == 3


def test_a_replacement_is_made_before_the_old_group_goes() -> None:
    assert resource("openstack:networking/secGroup:SecGroup").deletes_first is False

"""What shuts people out although nothing that holds data is deleted."""

from __future__ import annotations

from typing import Any

import pytest

from infra.domain.plan import UNKNOWN

from .plan_sample import (
    ADDRESS_GROUP,
    GROUP,
    INSTANCE,
    NETWORK,
    PORT,
    ROUTER,
    RULE,
    SSH,
    found_in,
    make_step,
    make_wanted,
    rules_of,
)

SUBNET = "openstack:networking/subnet:Subnet"
FLOATING = "openstack:networking/floatingIp:FloatingIp"
USER = "openstack:identity/user:User"
TRUNK = "openstack:networking/trunk:Trunk"
IMAGE = "openstack:images/image:Image"


def make_update(kind: str, before: dict[str, Any], after: dict[str, Any]) -> Any:
    return make_step("update", kind, before=before, after=after)


@pytest.mark.parametrize("op", ["delete", "replace"])
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"portRangeMin": 1, "portRangeMax": 1024},
        {"protocol": "any", "portRangeMin": None, "portRangeMax": None},
        {"protocol": "6"},
        {"portRangeMin": 3389, "portRangeMax": 3389},
        {"remoteIpPrefix": ""},
        {"remoteIpPrefix": None, "remoteAddressGroupId": "ag-1"},
    ],
)
def test_a_rule_by_which_servers_are_administered_does_not_just_go(op: str, change: dict[str, Any]) -> None:
    (found,) = found_in(make_step(op, RULE, before={**SSH, **change}))
    assert found.rule == "access_cut"
    assert "shut out" in found.reason
    assert "keep a rule that lets them in, or confirm" in found.way_out


@pytest.mark.parametrize(
    "change",
    [
        {"portRangeMin": 443, "portRangeMax": 443},
        {"protocol": "icmp", "portRangeMin": None, "portRangeMax": None},
        {"protocol": "udp"},
        {"direction": "egress"},
        {"remoteIpPrefix": None, "remoteGroupId": "sg-2"},
    ],
)
def test_other_rules_come_and_go_with_what_is_served(change: dict[str, Any]) -> None:
    assert found_in(make_step("delete", RULE, before={**SSH, **change})) == []


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({}, True),
        ({"remoteIpPrefix": "10.0.0.0/8"}, True),
        ({"remoteIpPrefix": "0.0.0.0/0"}, True),
        ({"portRangeMin": 20, "portRangeMax": 30}, True),
        ({"protocol": None, "portRangeMin": None, "portRangeMax": None}, True),
        ({"description": "another word"}, True),
        ({"remoteIpPrefix": "10.1.0.0/25"}, False),
        ({"portRangeMin": 23, "portRangeMax": 30}, False),
        ({"ethertype": "IPv6"}, False),
        ({"securityGroupId": "sg-2"}, False),
        ({"securityGroupId": UNKNOWN}, False),
        ({"direction": "egress"}, False),
        ({"remoteIpPrefix": None, "remoteGroupId": "sg-3"}, False),
    ],
)
def test_a_rule_may_go_where_the_program_keeps_one_that_lets_in_as_much(
    change: dict[str, Any], kept: bool
) -> None:
    found = found_in(make_step("delete", RULE, before=SSH), wanted=(make_wanted(RULE, **{**SSH, **change}),))
    assert bool(found) is not kept


def test_rules_that_move_with_their_group_are_still_there() -> None:
    steps = make_step("replace", GROUP, id="sg-1"), make_step("replace", RULE, before=SSH)
    moved = make_wanted(RULE, **{**SSH, "securityGroupId": UNKNOWN})
    assert found_in(*steps, wanted=(moved,)) == []
    assert rules_of(found_in(*steps)) == ["access_cut"]


def test_a_destroy_does_not_name_rules_beside_the_servers_that_they_are_for() -> None:
    assert found_in(make_step("delete", RULE, before=SSH), operation="destroy") == []


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        (ROUTER, {"adminStateUp": True}, {"adminStateUp": False}),
        (ROUTER, {}, {"adminStateUp": False}),
        (ROUTER, {}, {"enableSnat": False}),
        (USER, {"enabled": True}, {"enabled": False}),
        (INSTANCE, {}, {"powerState": "shutoff"}),
        (INSTANCE, {"powerState": "active"}, {"powerState": UNKNOWN}),
        (SUBNET, {}, {"enableDhcp": False}),
        (SUBNET, {}, {"noGateway": True}),
        (NETWORK, {"shared": True}, {"shared": False}),
        (NETWORK, {"external": True}, {"external": False}),
        (IMAGE, {"visibility": "public"}, {"visibility": "private"}),
    ],
)
def test_what_is_switched_off_is_dangerous(kind: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    (found,) = found_in(make_update(kind, before, after))
    assert found.rule == "switched_off"
    assert found.things == (*after,)
    assert UNKNOWN not in found.reason


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        (ROUTER, {"adminStateUp": False}, {"adminStateUp": True}),
        (ROUTER, {"adminStateUp": True}, {}),
        (ROUTER, {"adminStateUp": False}, {"adminStateUp": False}),
        (INSTANCE, {"powerState": "shutoff"}, {"powerState": "active"}),
        (NETWORK, {}, {"shared": False}),
        (NETWORK, {"shared": True}, {}),
        (IMAGE, {}, {"visibility": "private"}),
        (SUBNET, {"noGateway": True}, {"noGateway": False}),
    ],
)
def test_what_is_switched_on_or_left_as_it_is_is_everyday_work(
    kind: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert found_in(make_update(kind, before, after)) == []


@pytest.mark.parametrize(
    ("kind", "before", "after", "cut"),
    [
        (ROUTER, {"externalNetworkId": "n"}, {}, True),
        (ROUTER, {"externalNetworkId": "n"}, {"externalNetworkId": "m"}, True),
        (ROUTER, {}, {"externalNetworkId": "n"}, False),
        (FLOATING, {"portId": "p"}, {"portId": ""}, True),
        (FLOATING, {"portId": "p"}, {}, False),
        (FLOATING, {"portId": "p"}, {"portId": "q"}, False),
        (SUBNET, {"gatewayIp": "10.0.0.1"}, {"gatewayIp": "10.0.0.2"}, True),
        (SUBNET, {"gatewayIp": "10.0.0.1"}, {}, False),
        (PORT, {"securityGroupIds": ["a", "b"]}, {"securityGroupIds": ["a"]}, True),
        (PORT, {"securityGroupIds": ["a"]}, {"noSecurityGroups": True}, True),
        (PORT, {"securityGroupIds": ["a"]}, {"securityGroupIds": ["a", "b"]}, False),
        (PORT, {"securityGroupIds": ["a"]}, {"securityGroupIds": [UNKNOWN]}, False),
        (PORT, {"securityGroupIds": ["a"]}, {}, False),
        (INSTANCE, {"securityGroups": ["baseline"]}, {"securityGroups": []}, True),
        (ADDRESS_GROUP, {"addresses": ["10.0.0.0/8", "::1/128"]}, {"addresses": ["::1/128"]}, True),
        (TRUNK, {"subPorts": [{"portId": "p"}]}, {"subPorts": []}, True),
        (TRUNK, {"subPorts": []}, {"subPorts": [{"portId": "p"}]}, False),
    ],
)
def test_what_somebody_could_reach_until_now_is_not_just_let_go(
    kind: str, before: dict[str, Any], after: dict[str, Any], cut: bool
) -> None:
    found = found_in(make_update(kind, before, after))
    assert rules_of(found) == (["access_cut"] if cut else [])
    assert all("as it is, or confirm" in one.way_out for one in found)

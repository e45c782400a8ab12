"""Ports, trunks and the addresses that lead to ports."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from infra.cloud.errors import WaitedTooLong
from infra.provider.floating_ip import FloatingIp
from infra.provider.neutron import NotTaken
from infra.provider.port import Port
from infra.provider.port_security_groups import PortSecGroupAssociate
from infra.provider.qos_rule import QosBandwidthLimitRule
from infra.provider.resource import Context, ImportRefused, NotOurs
from infra.provider.router import Router
from infra.provider.trunk import Trunk
from tests.cloud.provider.case import Ground, fake_ground
from tests.cloud.provider.networking_cases import NETWORK, SUBNET, group, policy, port
from tests.fakes.openstack import FakeOpenStack

Contexts = Callable[..., Context]


@pytest.fixture
def ground(fake: FakeOpenStack) -> Ground:
    return fake_ground(fake)


def checked(inputs: dict[str, Any]) -> dict[str, Any]:
    given, failures = Port().check({"name": "p", "networkId": "n", **inputs})
    assert not failures
    return given


def test_no_groups_of_its_own_choice_leave_the_choice_to_neutron(
    context: Contexts, fake: FakeOpenStack, ground: Ground
) -> None:
    network = ground.make(NETWORK, {"name": "n"})["id"]
    inputs = checked({"networkId": network, "securityGroupIds": []})
    identity, state = Port().create(context(), inputs)
    fake.kind("ports")[identity]["security_groups"] = ["default"]
    read = Port().read(context(), identity, state)
    assert read is not None
    assert Port().differences(read, inputs) == []
    assert read["allSecurityGroupIds"] == ["default"]


def test_a_port_without_groups_or_addresses_differs_only_if_they_were_wanted() -> None:
    state = {"name": "p", "networkId": "n", "noSecurityGroups": True, "noFixedIp": True}
    assert Port().differences(state, checked({})) == []
    state = {**state, "noSecurityGroups": False}
    assert [item.name for item in Port().differences(state, checked({"noSecurityGroups": True}))] == [
        "noSecurityGroups"
    ]


def test_a_profile_is_compared_by_its_meaning_and_what_the_cloud_says_is_refused() -> None:
    state = {"name": "p", "networkId": "n",
             "binding": {"vnicType": "direct", "profile": '{"a": 1, "b": 2}', "hostId": "hv1"}}  # fmt: skip
    wanted = checked({"binding": {"vnicType": "direct", "profile": '{"b":2,"a":1}'}})
    assert Port().differences(state, wanted) == []
    refused = (({"vifType": "ovs"}, "binding.vifType"), ({"profile": "[]"}, "binding.profile"))
    for binding, path in refused:
        _, failures = Port().check({"name": "p", "networkId": "n", "binding": binding})
        assert [failure[0] for failure in failures] == [path]


def test_an_import_writes_down_nothing_of_the_server_that_uses_the_port() -> None:
    state = {"name": "p", "networkId": "n", "deviceId": "s", "deviceOwner": "compute:nova",
             "binding": {"vnicType": "normal", "hostId": "hv1", "profile": "{}"}}  # fmt: skip
    assert Port().importable_inputs(state) == {"name": "p", "networkId": "n"}
    unused = {**state, "deviceId": "", "deviceOwner": ""}
    assert Port().importable_inputs(unused)["binding"] == {"hostId": "hv1", "vnicType": "normal"}


def test_a_dns_name_that_the_cloud_drops_is_an_error_and_leaves_no_port(
    context: Contexts, fake: FakeOpenStack, ground: Ground
) -> None:
    fake.drops = {"dns_name"}
    network = ground.make(NETWORK, {"name": "n"})["id"]
    with pytest.raises(NotTaken, match="dns_domain is the default"):
        Port().create(context(), checked({"networkId": network, "dnsName": "web"}))
    assert not fake.kind("ports")


def test_a_port_of_a_trunk_says_so(context: Contexts, ground: Ground) -> None:
    parent = port(ground)
    ground.make("openstack:networking/trunk:Trunk", {"name": "t", "portId": parent["id"]})
    with pytest.raises(WaitedTooLong, match="held by trunk t"):
        Port().delete(context(), parent["id"], parent)


def test_sub_ports_that_stay_are_not_touched_and_a_trunk_that_is_down_is_up_for_the_change(
    context: Contexts, fake: FakeOpenStack, ground: Ground
) -> None:
    rows = [{"portId": port(ground)["id"], "segmentationType": "vlan", "segmentationId": number}
            for number in (101, 102)]  # fmt: skip
    inputs, _ = Trunk().check(
        {"name": "t", "portId": port(ground)["id"], "subPorts": rows, "adminStateUp": False}
    )
    identity, state = Trunk().create(context(), inputs)
    after = Trunk().update(context(), identity, state, {**inputs, "subPorts": rows[1:]}, {"subPorts"})
    assert (after["subPorts"], after["adminStateUp"]) == (rows[1:], False)
    assert fake.called("PUT", "/add_subports") == 0
    Trunk().delete(context(), identity, after)
    assert not fake.kind("trunks")


def test_groups_that_are_added_side_by_side_are_all_there(
    context: Contexts, fake: FakeOpenStack, ground: Ground
) -> None:
    target = port(ground)["id"]
    groups = [group(ground, number) for number in range(8)]
    kind = PortSecGroupAssociate()

    def add(one: str) -> dict[str, Any]:
        inputs, _ = kind.check({"portId": target, "securityGroupIds": [one]})
        return kind.create(context(), inputs)[1]

    with ThreadPoolExecutor(8) as pool:
        states = list(pool.map(add, groups))
    assert sorted(fake.kind("ports")[target]["security_groups"]) == sorted(groups)
    kind.delete(context(), target, states[0])
    assert sorted(fake.kind("ports")[target]["security_groups"]) == sorted(groups[1:])


@pytest.mark.parametrize("full", [0, 1])
def test_the_first_subnet_with_an_address_left_gives_it(
    context: Contexts, fake: FakeOpenStack, ground: Ground, full: int
) -> None:
    outside = ground.external_network
    subnets = [
        ground.make(SUBNET, {"name": "s", "networkId": outside["id"], "cidr": f"172.31.{number}.0/24"})["id"]
        for number in range(2)
    ]
    for _ in range(full):
        fake.fail("POST", "/(routers|floatingips)$", 409, "No more IP addresses available")
    inputs, _ = Router().check(
        {"name": "r", "externalNetworkId": outside["id"], "externalSubnetIds": subnets}
    )
    _, state = Router().create(context(), inputs)
    assert state["externalFixedIps"][0]["subnetId"] == subnets[full]
    assert Router().differences(state, inputs) == []
    elsewhere = {**inputs, "externalSubnetIds": subnets[:full] + subnets[full + 1 :]}
    assert [(item.name, item.replaces) for item in Router().differences(state, elsewhere)] == [
        ("externalSubnetIds", False)
    ]
    for _ in range(full):
        fake.fail("POST", "/floatingips$", 409, "No more IP addresses available")
    inputs, _ = FloatingIp().check({"pool": outside["name"], "subnetIds": subnets})
    identity, state = FloatingIp().create(context(), inputs)
    assert FloatingIp().differences(state, inputs) == []
    assert FloatingIp().read(context(), identity, {}) is not None


def test_an_address_waits_for_the_router_to_its_port(
    context: Contexts, fake: FakeOpenStack, ground: Ground
) -> None:
    said = "External network x is not reachable from subnet y"
    fake.fail("POST", "/floatingips$", 404, said)
    inputs, _ = FloatingIp().check({"pool": ground.external_network["name"], "portId": port(ground)["id"]})
    _, state = FloatingIp().create(context(), inputs)
    assert state["portId"] == inputs["portId"]


def test_a_rule_with_other_values_in_our_rules_place_is_not_taken_over(
    context: Contexts, ground: Ground
) -> None:
    kind, owner = QosBandwidthLimitRule(), policy(ground)
    inputs, _ = kind.check({"qosPolicyId": owner, "maxKbps": 100})
    kind.create(context(), inputs)
    with pytest.raises(NotOurs, match="other values"):
        kind.create(context(), {**inputs, "maxKbps": 200})
    with pytest.raises(NotOurs, match="another resource"):
        kind.create(context("pulumi:" + "b" * 24), inputs)
    with pytest.raises(ImportRefused):
        kind.read(context(), "rule", {})


def test_value_specs_are_sent_and_an_import_does_not_miss_them(
    context: Contexts, fake: FakeOpenStack, ground: Ground
) -> None:
    network = ground.make(NETWORK, {"name": "n"})["id"]
    inputs = checked({"networkId": network, "valueSpecs": {"numa_affinity_policy": "preferred"}})
    identity, state = Port().create(context(), inputs)
    assert fake.kind("ports")[identity]["numa_affinity_policy"] == "preferred"
    imported = Port().read(context(), identity, {})
    assert imported is not None
    assert Port().differences(imported, inputs) == []
    other = {**inputs, "valueSpecs": {"numa_affinity_policy": "legacy"}}
    assert [(item.name, item.replaces) for item in Port().differences(state, other)] == [("valueSpecs", True)]


def test_an_address_that_slaac_gave_is_no_drift_and_one_by_hand_is(
    context: Contexts, fake: FakeOpenStack, ground: Ground
) -> None:
    network = ground.make(NETWORK, {"name": "n"})["id"]
    inner = ground.make(SUBNET, {"name": "s", "networkId": network, "cidr": "10.9.0.0/24"})["id"]
    inputs = checked({"networkId": network, "fixedIps": [{"subnetId": inner}]})
    bare = checked({"networkId": network, "noFixedIp": True})
    for wanted in (inputs, bare):
        identity, _ = Port().create(context(), wanted)
        stored = fake.kind("ports")[identity]
        stored["mac_address"] = "fa:16:3e:a8:e4:ea"
        slaac = {"subnet_id": "six", "ip_address": "fd00:0:3:0:f816:3eff:fea8:e4ea"}
        stored["fixed_ips"] = [*stored["fixed_ips"], slaac]
        found = Port().read(context(), identity, {})
        assert found is not None
        assert Port().differences(found, wanted) == []
        stored["fixed_ips"] = [*stored["fixed_ips"], {"subnet_id": "six", "ip_address": "fd00:0:3::9"}]
        found = Port().read(context(), identity, {})
        assert found is not None
        assert len(Port().differences(found, wanted)) == 1

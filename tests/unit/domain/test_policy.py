"""What the city allows nowhere: each breach with its place and a way out, all at once, exempt for a time."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.domain.plan import UNKNOWN, Finding
from infra.domain.policy import Exemption, MetadataRule, NameRule, Policies

from .plan_sample import (
    ADDRESS_GROUP,
    INSTANCE,
    NETWORK,
    RULE,
    SSH,
    VOLUME,
    make_plan,
    make_wanted,
    rules_of,
)

TODAY = dt.date(2026, 11, 26)
WORLD = {**SSH, "remoteIpPrefix": "0.0.0.0/0"}
PRIVATE = ["10.0.0.0/8", "10.1.2.3/32", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "2001:db8::/32"]
OWNER = Policies(required_metadata=(MetadataRule(INSTANCE, ("owner", "service")),))


def breaches_of(
    kind: str, policies: Policies | None = None, level: int = 1, /, **inputs: Any
) -> list[Finding]:
    plan = make_plan(wanted=(make_wanted(kind, **inputs),), level=level)
    return (policies or Policies()).breaches(plan, TODAY)


def make_exemption(**change: Any) -> Exemption:
    return replace(Exemption("open_to_the_world", "sxd", "ssh", "a trial", "an", TODAY), **change)


# Open to the world


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"remoteIpPrefix": "::/0", "ethertype": "IPv6"},
        {"remoteIpPrefix": "10.9.8.7/0"},
        {"remoteIpPrefix": ""},
        {"remoteIpPrefix": None},
        {"remoteIpPrefix": UNKNOWN},
        {"remoteIpPrefix": "128.0.0.0/1"},
        {"remoteIpPrefix": "2000::/3", "ethertype": "IPv6"},
        {"portRangeMin": 1, "portRangeMax": 65535},
        {"portRangeMin": 22, "portRangeMax": 23},
        {"portRangeMin": 21, "portRangeMax": 22},
        {"portRangeMin": 22.0, "portRangeMax": 22.0},
        {"portRangeMin": "22", "portRangeMax": "22"},
        {"portRangeMin": None, "portRangeMax": None},
        {"portRangeMin": 0, "portRangeMax": 0},
        {"portRangeMin": UNKNOWN, "portRangeMax": UNKNOWN},
        {"protocol": None, "portRangeMin": None, "portRangeMax": None},
        {"protocol": "", "portRangeMin": None, "portRangeMax": None},
        {"protocol": "any", "portRangeMin": None, "portRangeMax": None},
        {"protocol": "0", "portRangeMin": None, "portRangeMax": None},
        {"protocol": "TCP"},
        {"protocol": "6"},
        {"protocol": 6.0},
        {"protocol": "udp"},
        {"protocol": UNKNOWN},
        {"direction": UNKNOWN},
    ],
)
def test_a_closed_port_is_not_opened_to_everybody_however_it_is_written(change: dict[str, Any]) -> None:
    (found,) = breaches_of(RULE, **{**WORLD, **change})
    assert found.rule == "open_to_the_world"
    assert found.reason == "port 22 would be open to the whole world"
    assert "name the networks that need it in remoteIpPrefix, or a group in remoteGroupId" in found.way_out
    assert "or exempt it in policies.yaml with a reason, a name and a last day" in found.way_out
    assert not found.confirmable


@pytest.mark.parametrize(
    "change",
    [
        {"direction": "egress"},
        {"remoteGroupId": "sg-2", "remoteIpPrefix": None},
        {"remoteGroupId": UNKNOWN, "remoteIpPrefix": None},
        {"remoteAddressGroupId": "ag-1", "remoteIpPrefix": None},
        {"portRangeMin": 443, "portRangeMax": 443},
        {"portRangeMin": "443", "portRangeMax": "443"},
        {"portRangeMin": 23, "portRangeMax": 65535},
        {"protocol": "icmp", "portRangeMin": None, "portRangeMax": None},
        {"protocol": "47", "portRangeMin": None, "portRangeMax": None},
        {"remoteIpPrefix": "no network"},
        *({"remoteIpPrefix": prefix} for prefix in PRIVATE),
    ],
)
def test_what_opens_no_closed_port_or_not_to_everybody_is_no_breach(change: dict[str, Any]) -> None:
    assert breaches_of(RULE, **{**WORLD, **change}) == []


@given(
    st.integers(1, 65535),
    st.integers(1, 65535),
    st.lists(st.integers(1, 65535), unique=True, max_size=5),
)
def test_a_range_breaks_the_policy_exactly_when_a_closed_port_is_in_it(
    one: int, other: int, closed: list[int]
) -> None:
    first, last = sorted((one, other))
    policies = Policies(closed_ports=tuple(closed))
    found = breaches_of(RULE, policies, **{**WORLD, "portRangeMin": first, "portRangeMax": last})
    assert bool(found) is any(first <= port <= last for port in closed)


def test_every_closed_port_that_a_rule_opens_is_told() -> None:
    policies = Policies(closed_ports=(3389, 22, 5432))
    (found,) = breaches_of(RULE, policies, **{**WORLD, "portRangeMin": 1, "portRangeMax": 4000})
    assert found.reason == "ports 22, 3389 would be open to the whole world"


@pytest.mark.parametrize(
    ("addresses", "open_"),
    [
        (["10.0.0.0/8", "0.0.0.0/0"], True),
        (["::/0"], True),
        (["0.0.0.0/1", "128.0.0.0/1"], True),
        (PRIVATE, False),
        ([], False),
        (None, False),
        ([UNKNOWN], False),
    ],
)
def test_an_address_group_is_no_way_around(addresses: list[str] | None, open_: bool) -> None:
    assert rules_of(breaches_of(ADDRESS_GROUP, addresses=addresses)) == ["open_to_the_world"] * open_
    assert breaches_of(ADDRESS_GROUP, Policies(closed_ports=()), addresses=addresses) == []


# Encryption


@given(
    st.integers(1, 5),
    st.sampled_from([None, 1, 2, 3, 4, 5]),
    st.sampled_from([str, int, float]),
    st.sampled_from([None, "encrypted", "lvm"]),
    st.integers(1, 5),
)
def test_a_volume_of_a_high_level_is_of_an_encrypted_type(
    agency: int, own: int | None, number: type, kind: str | None, from_level: int
) -> None:
    metadata = {} if own is None else {"security_level": number(own)}
    policies = Policies(encryption_from_level=from_level)
    found = breaches_of(VOLUME, policies, agency, name="data", volumeType=kind, metadata=metadata)
    assert bool(found) is (max(agency, own or 1) >= from_level and kind != "encrypted")


def test_a_breach_of_encryption_says_the_type_and_what_would_do() -> None:
    policies = Policies(encrypted_volume_types=("luks", "vault"))
    (found,) = breaches_of(VOLUME, policies, 3, name="data", volumeType="lvm")
    assert found.reason == "a volume of security level 3 would be of the unencrypted type lvm"
    assert found.way_out.startswith("set volumeType to luks or vault, or exempt it")
    (unknown,) = breaches_of(VOLUME, policies, 3, name="data", volumeType=UNKNOWN)
    assert unknown.reason.endswith("of a type that is not known before the run")


@pytest.mark.parametrize(
    ("device", "breaks"),
    [
        ({"sourceType": "image", "destinationType": "volume"}, True),
        ({"sourceType": "blank", "destinationType": "volume", "volumeType": "lvm"}, True),
        ({"sourceType": "snapshot", "destinationType": "volume"}, True),
        ({"sourceType": "image", "destinationType": "volume", "volumeType": "encrypted"}, False),
        ({"sourceType": "volume", "destinationType": "volume", "uuid": "v"}, False),
        ({"sourceType": "image", "destinationType": "local"}, False),
    ],
)
def test_a_disk_that_a_server_makes_is_a_volume_too(device: dict[str, Any], breaks: bool) -> None:
    found = breaches_of(INSTANCE, None, 3, name="web", blockDevices=[device])
    assert rules_of(found) == ["encryption"] * breaks


# Names, metadata


@pytest.mark.parametrize("name", ["web", "web-1", "a", "a" * 63])
def test_a_name_of_the_city_s_form_is_taken(name: str) -> None:
    assert breaches_of(INSTANCE, name=name) == []


@pytest.mark.parametrize("name", ["Web", "1web", "web_1", "web-", "", "a" * 64, "web\n", "máy-chủ", "web 1"])
def test_another_name_is_a_breach(name: str) -> None:
    (found,) = breaches_of(INSTANCE, name=name)
    assert found.rule == "names"
    assert "choose a name that matches" in found.way_out


@pytest.mark.parametrize("inputs", [{}, {"name": None}, {"name": UNKNOWN}])
def test_a_name_that_the_cloud_chooses_or_that_is_not_known_yet_is_no_breach(inputs: dict[str, Any]) -> None:
    assert breaches_of(INSTANCE, **inputs) == []


@pytest.mark.parametrize(
    "inputs",
    [
        {"metadata": {"owner": "an", "service": "web"}},
        {"tags": ["owner=an", "service=web"]},
        {"metadata": {"owner": "an"}, "tags": ["service=web", "blue"]},
        {"metadata": UNKNOWN},
        {"tags": UNKNOWN},
    ],
)
def test_required_metadata_may_stand_in_metadata_or_in_tags(inputs: dict[str, Any]) -> None:
    assert breaches_of(INSTANCE, OWNER, **inputs) == []


@pytest.mark.parametrize(
    ("inputs", "missing"),
    [
        ({}, "owner, service"),
        ({"metadata": {"service": "web"}}, "owner"),
        ({"tags": ["owners=an", "service=web"]}, "owner"),
        ({"metadata": None, "tags": None}, "owner, service"),
    ],
)
def test_what_is_missing_is_named(inputs: dict[str, Any], missing: str) -> None:
    (found,) = breaches_of(INSTANCE, OWNER, **inputs)
    assert (found.rule, found.reason) == ("required_metadata", f"it does not carry {missing}")


def test_a_rule_holds_for_its_own_type_only() -> None:
    policies = replace(OWNER, names=(NameRule(NETWORK, "never"),))
    assert breaches_of(VOLUME, policies, name="Anything") == []


# All at once


def test_everything_is_told_at_once_with_its_stack_and_resource() -> None:
    wanted = (
        make_wanted(RULE, "ssh", **WORLD),
        make_wanted(VOLUME, "data", name="data", volumeType="lvm"),
        make_wanted(INSTANCE, "web", name="Web!", blockDevices=[{"destinationType": "volume"}]),
    )
    found = OWNER.breaches(make_plan(wanted=wanted, level=4), TODAY)
    assert [(one.name, one.rule) for one in found] == [
        ("ssh", "open_to_the_world"), ("data", "encryption"), ("web", "encryption"), ("web", "names"),
        ("web", "required_metadata"),
    ]  # fmt: skip
    assert {(one.stack, one.agency) for one in found} == {("lab-sxd", "sxd")}
    for one in found:
        assert str(one).startswith("lab-sxd: up ")
        assert one.urn.endswith(f"::{one.name}")
        assert "or exempt it in policies.yaml" in str(one)


# Exemptions


@given(st.dates(dt.date(2026, 1, 1), dt.date(2027, 12, 31)))
def test_an_exemption_holds_until_its_day_and_not_a_day_longer(today: dt.date) -> None:
    policies = Policies(exemptions=(make_exemption(),))
    plan = make_plan(wanted=(make_wanted(RULE, "ssh", **WORLD),))
    assert (policies.breaches(plan, today) == []) is (today <= TODAY)


@pytest.mark.parametrize(
    ("change", "covers"),
    [
        ({}, True),
        ({"agency": "*"}, True),
        ({"agency": ""}, False),
        ({"agency": "stc"}, False),
        ({"agency": "sx*"}, False),
        ({"resource": "*"}, True),
        ({"resource": "ss?"}, True),
        ({"resource": "SSH"}, False),
        ({"resource": "ssh2"}, False),
        ({"policy": "names"}, False),
        ({"until": TODAY - dt.timedelta(days=1)}, False),
    ],
)
def test_an_exemption_is_for_its_policy_agency_and_resource(change: dict[str, Any], covers: bool) -> None:
    policies = Policies(exemptions=(make_exemption(**change),))
    plan = make_plan(wanted=(make_wanted(RULE, "ssh", **WORLD),))
    assert (policies.breaches(plan, TODAY) == []) is covers


def test_an_exemption_of_the_platform_is_for_no_agency() -> None:
    policies = Policies(exemptions=(make_exemption(agency=""),))
    wanted = (make_wanted(RULE, "ssh", **WORLD),)
    assert policies.breaches(make_plan(wanted=wanted, agency="", stack="lab"), TODAY) == []
    assert policies.breaches(make_plan(wanted=wanted), TODAY)

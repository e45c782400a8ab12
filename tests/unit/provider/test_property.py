from __future__ import annotations

from typing import Any

import pytest

from infra.provider import rules
from infra.provider.property import Property, check, differences
from infra.provider.values import UNKNOWN

NAME = Property("name", required=True)
SIZE = Property("size", "integer", default=1, rule=rules.at_least_one)
ZONE = Property("zone", chosen_by_cloud=True, replaces=True)
TAGS = Property("tags", "strings", unordered=True)
NETS = Property(
    "nets", "objects", fields=(Property("port", required=True), Property("mac", chosen_by_cloud=True))
)
ALL = (NAME, SIZE, ZONE, TAGS, NETS, Property("created", output=True))


def names(state: dict[str, Any], inputs: dict[str, Any]) -> list[str]:
    return [item.name for item in differences(ALL, state, inputs)]


def test_defaults_are_filled_in_and_text_becomes_its_type() -> None:
    checked, failures = check((*ALL, Property("on", "boolean")), {"name": "n", "size": "5", "on": "true"})
    assert not failures
    assert checked == {"name": "n", "size": 5, "on": True}


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({}, "name"),
        ({"name": "n", "colour": "red"}, "colour"),
        ({"name": "n", "created": "now"}, "created"),
        ({"name": "n", "size": "big"}, "size"),
        ({"name": "n", "size": 0}, "size"),
        ({"name": ["n"]}, "name"),
        ({"name": "n", "tags": "a"}, "tags"),
        ({"name": "n", "nets": [{"port": "p"}, {"mac": "m"}]}, "nets[1].port"),
        ({"name": "n", "nets": [{"port": "p", "speed": 1}]}, "nets[0].speed"),
        ({"name": "n", "nets": ["p"]}, "nets[0]"),
    ],
)
def test_what_is_wrong_is_refused_at_its_path(inputs: dict[str, Any], path: str) -> None:
    _, failures = check(ALL, inputs)
    assert [failure[0] for failure in failures] == [path]


def test_a_refused_secret_is_not_quoted() -> None:
    _, failures = check((Property("password", "integer", secret=True),), {"password": "hunter2"})
    assert "hunter2" not in failures[0][1]


def test_unknown_values_pass_every_check() -> None:
    _, failures = check(
        ALL, {"name": UNKNOWN, "size": UNKNOWN, "nets": [{"port": UNKNOWN}], "tags": [UNKNOWN]}
    )
    assert not failures


def test_the_same_is_no_difference_whatever_the_order_and_the_emptiness() -> None:
    state = {"name": "n", "size": 1, "tags": ["b", "a"], "nets": [{"port": "p", "mac": "m"}], "created": "x"}
    assert names(state, {"name": "n", "tags": ["a", "b"], "nets": [{"port": "p"}]}) == []
    assert names({"name": "n", "size": 1}, {"name": "n", "tags": []}) == []


def test_what_the_cloud_chose_is_no_difference_but_a_chosen_value_of_ours_is() -> None:
    assert names({"name": "n", "size": 1, "zone": "a"}, {"name": "n"}) == []
    (found,) = differences(ALL, {"name": "n", "size": 1, "zone": "a"}, {"name": "n", "zone": "b"})
    assert (found.name, found.kind, found.replaces) == ("zone", "update", True)


def test_a_value_taken_out_of_the_program_goes_back_to_its_default() -> None:
    assert names({"name": "n", "size": 4, "tags": ["a"]}, {"name": "n"}) == ["size", "tags"]


def test_an_unknown_value_is_always_a_difference() -> None:
    assert names({"name": "n", "size": 1}, {"name": UNKNOWN}) == ["name"]


@pytest.mark.parametrize("value", ["10.0.0.1/24", "10.0.0.0/33", "banana", "10.0.0.0"])
def test_a_network_with_host_bits_or_without_sense_is_refused(value: str) -> None:
    assert rules.cidr(value)


def test_a_network_is_taken_as_neutron_writes_it() -> None:
    assert rules.cidr("10.64.1.0/24") is None
    assert rules.cidr("2001:DB8::/64") is None

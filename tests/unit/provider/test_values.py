from __future__ import annotations

from pulumi.provider.experimental.property_value import PropertyValue

from infra.provider.values import UNKNOWN, holds_unknown, plain, plain_map, secret_keys, wire, wire_map

STAND_IN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def test_values_survive_the_way_to_the_engine_and_back() -> None:
    told = {"text": "a", "number": 5, "share": 0.5, "on": True, "rows": [{"port": "p"}], "none": None}
    there_and_back = plain_map({k: PropertyValue.unmarshal(v.marshal()) for k, v in wire_map(told).items()})
    assert there_and_back == {key: value for key, value in told.items() if value is not None}


def test_the_engines_stand_ins_are_unknown_and_go_back_as_such() -> None:
    assert plain(PropertyValue(STAND_IN)) is UNKNOWN
    assert wire(UNKNOWN).value == STAND_IN
    assert holds_unknown([{"port": UNKNOWN}])
    assert not holds_unknown([{"port": "p"}])


def test_secrets_stay_marked() -> None:
    told = wire_map({"password": "x", "name": "n"}, frozenset({"password"}))
    assert told["password"].is_secret
    assert not told["name"].is_secret
    assert secret_keys(told) == {"password"}


def test_a_bridges_bookkeeping_is_left_out() -> None:
    assert plain_map({"__defaults": PropertyValue([]), "name": PropertyValue("n")}) == {"name": "n"}

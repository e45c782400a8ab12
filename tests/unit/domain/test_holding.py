from __future__ import annotations

from infra.domain.holding import Holding, Holdings, canonical, digest_of

SERVER = Holding("server", "1", "web", 10, {"status": "ACTIVE"})
VOLUME = Holding("volume", "2", "data", 20)


def test_the_digest_does_not_depend_on_order_or_on_what_changes_by_itself() -> None:
    stopped = Holding("server", "1", "web", 10, {"status": "SHUTOFF"})
    assert Holdings((SERVER, VOLUME)).digest() == Holdings((VOLUME, stopped)).digest()


def test_the_digest_changes_with_each_thing_its_name_and_its_size() -> None:
    others = [
        (SERVER,),
        (SERVER, Holding("volume", "2", "other", 20)),
        (SERVER, Holding("volume", "2", "data", 21)),
    ]
    assert len({Holdings(things).digest() for things in [(SERVER, VOLUME), *others]}) == 4


def test_holdings_count_and_compare() -> None:
    both = Holdings((SERVER, VOLUME))
    assert both.counts() == {"server": 1, "volume": 1}
    assert both.beyond([SERVER]) == [VOLUME]
    assert both.ids("volume") == {"2"}


def test_canonical_json_is_the_same_for_the_same_value() -> None:
    assert canonical({"b": 1, "a": "Bạch Long Vĩ"}) == '{"a":"Bạch Long Vĩ","b":1}'.encode()
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from infra.cloud.listing import SECONDS, SINGLY, Listings, Writes


class Kind:
    """Things of one kind that count how they are asked for."""

    def __init__(self) -> None:
        self.things = {str(number): {"id": str(number), "owner": f"o{number % 2}"} for number in range(9)}
        self.singles = 0
        self.lists = 0
        self.now = 0.0
        self.writes = Writes()
        self.listings = Listings(self.writes, clock=lambda: self.now)

    def one(self, identity: str) -> dict[str, Any] | None:
        def single() -> dict[str, Any] | None:
            self.singles += 1
            return self.things.get(identity)

        return self.listings.one("things", identity, single, self.every)

    def every(self) -> list[dict[str, Any]]:
        self.lists += 1
        return list(self.things.values())


@pytest.fixture
def kind() -> Kind:
    return Kind()


def test_many_reads_of_a_kind_cost_one_listing(kind: Kind) -> None:
    assert [kind.one(str(number)) for number in range(9)] == list(kind.things.values())
    assert (kind.singles, kind.lists) == (SINGLY, 1)


def test_reads_at_once_wait_for_one_listing(kind: Kind) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(kind.one, ["1"] * 50))
    assert (kind.singles, kind.lists) == (SINGLY, 1)


def test_a_few_reads_now_and_then_are_asked_for_singly(kind: Kind) -> None:
    for _ in range(5):
        kind.one("1")
        kind.now += SECONDS
    assert (kind.singles, kind.lists) == (5, 0)


def test_a_listing_is_not_served_when_it_is_old(kind: Kind) -> None:
    for number in range(4):
        kind.one(str(number))
    kind.now += SECONDS
    kind.things["1"]["owner"] = "new"
    found = kind.one("1")
    assert found is not None
    assert found["owner"] == "new"


def test_a_read_after_a_write_sees_its_effect(kind: Kind) -> None:
    for number in range(4):
        kind.one(str(number))
    with kind.writes:
        del kind.things["1"]
    assert [kind.one("1") for _ in range(6)] == [None] * 6


def test_a_listing_that_was_taken_during_a_write_is_not_served_after_it(kind: Kind) -> None:
    with kind.writes:
        for number in range(4):
            kind.one(str(number))
        del kind.things["3"]
    assert kind.one("3") is None


def test_what_a_listing_does_not_show_is_asked_for(kind: Kind) -> None:
    for number in range(4):
        kind.one(str(number))
    kind.things["hidden"] = {"id": "hidden"}
    assert kind.one("hidden") == {"id": "hidden"}


def test_what_is_handed_out_can_be_changed_without_harm(kind: Kind) -> None:
    for number in range(4):
        kind.one(str(number))
    first = kind.one("1")
    assert first is not None
    first.clear()
    assert kind.one("1") == {"id": "1", "owner": "o1"}


def test_things_are_found_by_attributes_as_in_a_query(kind: Kind) -> None:
    kind.things["0"]["external"] = True

    def some(**filters: Any) -> list[str]:
        return [one["id"] for one in kind.listings.some("things", filters, kind.every, kind.every)]

    for _ in range(SINGLY):
        some(owner="o1")
    assert some(owner="o1") == ["1", "3", "5", "7"]
    assert some(external="True") == ["0"]
    assert some(id=["1", "2"]) == ["1", "2"]


def test_writes_are_counted_by_every_thread() -> None:
    writes = Writes()

    def write() -> None:
        for _ in range(200):
            with writes:
                pass

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert writes.count == 4 * 200 * 2

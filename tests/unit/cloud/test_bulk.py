from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from infra.cloud import errors
from infra.cloud.bulk import AT_ONCE, LARGEST, Creates

Thing = dict[str, Any]


class Kind:
    """A service that answers when the gate is opened, and remembers what was asked together."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.asked: list[list[str]] = []
        self.lock = threading.Lock()
        self.refuse: Callable[[Sequence[Thing]], errors.CloudError | None] = lambda many: None
        self.creates = Creates(self.single, self.several)

    def single(self, values: Thing) -> Thing:
        return self.answer([values])[0]

    def several(self, many: Sequence[Thing]) -> Sequence[Thing]:
        return self.answer(many)

    def answer(self, many: Sequence[Thing]) -> list[Thing]:
        with self.lock:
            self.asked.append([one["name"] for one in many])
        assert self.gate.wait(60)
        refused = self.refuse(many)
        if refused is not None:
            raise refused
        return [{**one, "id": f"id-{one['name']}"} for one in many]

    def start(self, pool: ThreadPoolExecutor, names: Sequence[str]) -> list[Future[Thing]]:
        """Creates of these names that all wait: the first ones in the service, the others behind them."""
        started = []
        for name in names:
            started.append(pool.submit(self.creates.create, {"name": name}))
            until = time.monotonic() + 60
            while time.monotonic() < until:
                waiting = sum(map(len, self.asked)) + len(self.creates._waiting)
                if waiting == len(started):
                    break
        return started


@pytest.fixture
def kind() -> Kind:
    return Kind()


def names(count: int) -> list[str]:
    return [f"n{number}" for number in range(count)]


def test_those_that_come_meanwhile_go_together(kind: Kind) -> None:
    with ThreadPoolExecutor(64) as pool:
        waiting = kind.start(pool, names(AT_ONCE + 5))
        kind.gate.set()
        assert [one.result()["id"] for one in waiting] == [f"id-{name}" for name in names(AT_ONCE + 5)]
    assert [len(batch) for batch in kind.asked] == [1] * AT_ONCE + [5]
    kind.creates.create({"name": "later"})
    assert kind.asked[-1] == ["later"]


def test_no_request_is_larger_than_the_service_can_answer_in_time(kind: Kind) -> None:
    count = AT_ONCE + LARGEST + 3
    with ThreadPoolExecutor(count) as pool:
        waiting = kind.start(pool, names(count))
        kind.gate.set()
        assert len({one.result()["id"] for one in waiting}) == count
    assert sorted(len(batch) for batch in kind.asked) == [1] * AT_ONCE + [3, LARGEST]


def test_a_wrong_one_does_not_spoil_the_others(kind: Kind) -> None:
    wrong = f"n{AT_ONCE + 1}"
    kind.refuse = lambda many: errors.Conflict("taken") if wrong in [one["name"] for one in many] else None
    with ThreadPoolExecutor(64) as pool:
        waiting = kind.start(pool, names(AT_ONCE + 3))
        kind.gate.set()
        for name, one in zip(names(AT_ONCE + 3), waiting, strict=True):
            if name == wrong:
                with pytest.raises(errors.Conflict, match="taken"):
                    one.result()
            else:
                assert one.result()["id"] == f"id-{name}"


def test_an_answer_that_was_lost_is_never_asked_for_again(kind: Kind) -> None:
    kind.refuse = lambda many: errors.Unavailable("gone") if len(many) > 1 else None
    with ThreadPoolExecutor(64) as pool:
        waiting = kind.start(pool, names(AT_ONCE + 3))
        kind.gate.set()
        for one in waiting[AT_ONCE:]:
            with pytest.raises(errors.Unavailable, match="gone"):
                one.result()
    assert len(kind.asked) == AT_ONCE + 1


def test_a_queue_that_was_used_by_many_is_left_empty(kind: Kind) -> None:
    kind.gate.set()
    with ThreadPoolExecutor(16) as pool:
        made = [*pool.map(kind.creates.create, ({"name": name} for name in names(500)))]
    assert len({one["id"] for one in made}) == 500
    assert kind.creates._under_way == 0

from __future__ import annotations

import pytest

from infra.cloud.errors import WaitedTooLong
from infra.cloud.waiting import Deadline


def make_deadline(seconds: float) -> Deadline:
    now = [0.0]

    def pause(wanted: float) -> None:
        now[0] += wanted

    return Deadline(seconds, clock=lambda: now[0], pause=pause)


def test_a_wait_ends_with_what_was_looked_for() -> None:
    looks = iter([None, None, "found"])
    assert make_deadline(60).wait("it", lambda: next(looks)) == "found"


def test_a_wait_that_is_over_says_what_how_long_and_how_it_stood() -> None:
    with pytest.raises(WaitedTooLong, match="waited 10 s for the server; it is BUILD"):
        make_deadline(10).wait("the server", lambda: None, lambda: "BUILD")


def test_several_waits_share_one_deadline() -> None:
    deadline = make_deadline(10)
    with pytest.raises(WaitedTooLong):
        deadline.wait("first", lambda: None)
    looked = []
    with pytest.raises(WaitedTooLong):
        deadline.wait("second", lambda: looked.append(1))
    assert len(looked) == 1

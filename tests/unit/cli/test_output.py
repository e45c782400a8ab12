"""Results as JSON and times as people read them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from infra.cli.output import duration, plain


@dataclass(frozen=True)
class Thing:
    path: Path
    address: IPv4Address
    when: dt.datetime
    names: frozenset[str]
    nested: tuple[dict[str, int], ...]


def test_everything_in_a_result_becomes_what_json_knows() -> None:
    thing = Thing(
        Path("/a"),
        IPv4Address("10.0.0.1"),
        dt.datetime(2026, 11, 23, tzinfo=dt.UTC),
        frozenset({"b", "a"}),
        ({"x": 1},),
    )
    assert plain(thing) == {
        "path": "/a",
        "address": "10.0.0.1",
        "when": "2026-11-23T00:00:00+00:00",
        "names": ["a", "b"],
        "nested": [{"x": 1}],
    }


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (12.4, "12 s"), (60, "1 min 00 s"), (185.9, "3 min 05 s")],
)
def test_durations_are_told_as_exactly_as_they_matter(seconds: float, text: str) -> None:
    assert duration(seconds) == text

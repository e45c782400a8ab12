"""Finding names and addresses that stand twice."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import TypeVar

from infra.errors import Problem
from infra.inventory.schema import Located

K = TypeVar("K", bound=Hashable)


def repeated(entries: Iterable[tuple[K, Located[object]]], below: str, what: str) -> Iterator[Problem]:
    """A problem for each entry whose value another entry before it already has."""
    first: dict[K, Located[object]] = {}
    for value, place in entries:
        known = first.setdefault(value, place)
        if known is not place:
            why = f"is already the {what} of {known.key}"
            yield place.problem(below, value, why, f"give each its own {what}, or remove one")

"""Rules of operators: two people are two names and two keys."""

from __future__ import annotations

from collections.abc import Iterator

from infra.errors import Problem
from infra.inventory.draft import Draft
from infra.inventory.rules.repetition import repeated


def names_are_different(draft: Draft) -> Iterator[Problem]:
    yield from repeated(((entry.value.name, entry) for entry in draft.operators.entries), "name", "name")


def keys_are_different(draft: Draft) -> Iterator[Problem]:
    """With one key for two, nobody could tell who confirmed."""
    yield from repeated(
        ((" ".join(entry.value.key), entry) for entry in draft.operators.entries), "ssh_public_key", "key"
    )


RULES = (names_are_different, keys_are_different)

"""How the inventory's answers put things: short values, nearest names, nothing that looks like a secret."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

MAX_SHOWN = 80
"""Characters of a value that an answer repeats."""

_SECRET = ("password", "secret", "token", "private_key", "passphrase")


def shown(value: Any, key: str = "") -> str:
    """A value as an answer repeats it; hidden if its key says that it is a secret (it should not be here at
    all).
    """
    if any(word in key.lower() for word in _SECRET) or "PRIVATE KEY" in str(value):
        return "(hidden)"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    text = "".join(character if character.isprintable() else "?" for character in str(value))
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was likely meant."""
    found = difflib.get_close_matches(name[:MAX_SHOWN], sorted(known), n=1, cutoff=0.6)
    return found[0] if found else None


def choose(name: str, known: Iterable[str], otherwise: str) -> str:
    """A way out for an unknown name: the nearest known one, else what is known, and what else to do."""
    names = sorted(known)
    likely = nearest(name, names)
    if likely:
        return f"did you mean {likely}? Else {otherwise}"
    some = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"use one of {some}, or {otherwise}" if names else otherwise

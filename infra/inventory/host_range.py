"""Ansible's ranges in host names: `hv[01:20]`, `hv[1:9:2]`, `rack[a:c]`."""

from __future__ import annotations

import re
import string
from itertools import product

MAX_HOSTS = 1000
"""Hosts that one pattern may stand for."""

_RANGE = re.compile(r"\[([0-9]+|[a-zA-Z]):([0-9]+|[a-zA-Z])(?::([0-9]{1,6}))?\]")


class RangeError(ValueError):
    """A host pattern that Ansible would not understand, or that stands for too many hosts."""


def expand(pattern: str) -> tuple[str, ...]:
    """The host names that `pattern` stands for, as Ansible expands them: both ends belong to a range."""
    if len(pattern) > 200:
        raise RangeError("is longer than 200 characters")
    parts: list[tuple[str, ...]] = []
    position = 0
    for match in _RANGE.finditer(pattern):
        parts += [(pattern[position : match.start()],), _range(*match.groups())]
        position = match.end()
    parts.append((pattern[position:],))
    if any("[" in text or "]" in text for part in parts for text in part):
        raise RangeError("has brackets that are not a range")
    count = 1
    for part in parts:
        count *= len(part)
        if count > MAX_HOSTS:
            raise RangeError(f"stands for more than {MAX_HOSTS} hosts")
    return tuple("".join(choice) for choice in product(*parts))


def _range(first: str, last: str, step_text: str | None) -> tuple[str, ...]:
    step = int(step_text or "1")
    if step < 1:
        raise RangeError("has a range with step 0")
    if first.isdigit() != last.isdigit():
        raise RangeError("has a range from a digit to a letter")
    if not first.isdigit():
        letters = string.ascii_letters
        return _nonempty(tuple(letters[letters.index(first) : letters.index(last) + 1 : step]))
    if first.startswith("0") and len(first) > 1 and len(first) != len(last):
        raise RangeError("has a range whose ends have different numbers of digits")
    if len(last) > 6 or int(last) - int(first) >= MAX_HOSTS * step:
        raise RangeError(f"stands for more than {MAX_HOSTS} hosts")
    width = len(first) if first.startswith("0") else 0
    return _nonempty(tuple(str(number).zfill(width) for number in range(int(first), int(last) + 1, step)))


def _nonempty(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise RangeError("has a range that ends before it begins")
    return names

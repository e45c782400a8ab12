"""The mark that a create leaves on what it makes, so that a create that was cut off is found and not
repeated.

It is derived from the URN and from the inputs that force a replacement: the same create, started again, has
the same mark; the successor of a replaced resource has another, and is never taken for its predecessor.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

PREFIX = "pulumi:"
LONGEST_DESCRIPTION = 220
"""Characters that a program's description may have where a mark goes with it: Neutron keeps 255."""
_IN_TEXT = re.compile(r"\s*\[(pulumi:[0-9a-f]{24})\]$")
ATTRIBUTE = "pulumi_mark"
_NAMESPACE = uuid.UUID("6d0e3c1c-9f1a-5f0e-8f5e-2b1f0c7a4e11")


def mark_of(urn: str, identity: Mapping[str, Any]) -> str:
    """`pulumi:` and 24 hex digits: fits nova's tags (60 characters, no comma, no slash) and all others."""
    told = json.dumps([urn, dict(identity)], sort_keys=True, default=str)
    return PREFIX + hashlib.sha256(told.encode()).hexdigest()[:24]


def uuid_of(mark: str) -> str:
    """An id derived from a mark, for the APIs that let the caller choose one."""
    return str(uuid.uuid5(_NAMESPACE, mark))


def visible(tags: Iterable[str]) -> list[str]:
    """The tags without marks, sorted."""
    return sorted(tag for tag in tags if not tag.startswith(PREFIX))


def marks(tags: Iterable[str]) -> list[str]:
    """The marks among the tags."""
    return [tag for tag in tags if tag.startswith(PREFIX)]


def with_mark(text: str, mark: str) -> str:
    """A description with the mark at its end, in brackets."""
    return f"{text} [{mark}]".strip() if mark else text


def without_mark(text: str) -> str:
    """A description as the program gave it."""
    return _IN_TEXT.sub("", text)


def mark_in(text: str) -> str:
    """The mark at the end of a description, "" when there is none."""
    found = _IN_TEXT.search(text)
    return found.group(1) if found else ""

"""User data of a server, of which the state holds the hash only: it may be large, and may hold secrets."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

_HASH = re.compile("[0-9a-f]{40}")
LARGEST = 65535
"""Bytes in Base64 that Nova takes."""


def as_sent(given: str) -> str:
    """What Nova is sent: what is Base64 already goes as it is, as in the official provider."""
    if _bytes(given) is not None:
        return given
    return base64.b64encode(given.encode()).decode()


def as_kept(given: str) -> str:
    """What the state holds: the SHA-1 of what the program gave, "" for none; a hash stays as it is."""
    if not given or _HASH.fullmatch(given):
        return given
    return hashlib.sha1(given.encode(), usedforsecurity=False).hexdigest()


def alike(kept: str, given: str) -> bool:
    """Whether a state's value stands for this user data, in whichever of its two writings."""
    return kept == given or as_kept(kept) in _hashes(given)


def as_told(told: str, kept: str) -> str:
    """The hash for what Nova tells: the kept one if that is of the same user data."""
    return as_kept(kept) if as_kept(kept) in _hashes(told) else as_kept(readable(told))


def readable(told: str) -> str:
    """What Nova tells as a program may give it: the text, or the Base64 where there is none."""
    text = _text(told)
    return text if text is not None and as_sent(text) == told else told


def too_large(given: str) -> str | None:
    """What is wrong with its size."""
    size = len(as_sent(given))
    return None if size <= LARGEST else f"must be at most {LARGEST} bytes in Base64, not {size}"


def _hashes(given: str) -> set[str]:
    text = _text(given)
    return {as_kept(given), as_kept(as_sent(given)), *([] if text is None else [as_kept(text)])}


def _text(given: str) -> str | None:
    """The text behind Base64, None when there is none."""
    try:
        return (_bytes(given) or b"").decode() or None
    except UnicodeDecodeError:
        return None


def _bytes(given: str) -> bytes | None:
    """The bytes behind Base64, None when it is not Base64."""
    try:
        return base64.b64decode(re.sub("[\r\n]", "", given), validate=True)
    except (binascii.Error, ValueError):
        return None

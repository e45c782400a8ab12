"""Words: a text that people read, in both languages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """A text in Vietnamese and in English; both say the same."""

    vi: str
    en: str


NOTHING = Words("", "")

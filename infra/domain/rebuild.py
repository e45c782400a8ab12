"""Rebuild: the system disk of a deployment's server is made new, from its item's image or from a snapshot.

The server stays the same one, with its addresses and its data volume. What was on the disk is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from infra.domain.words import NOTHING, Words


class RebuildState(StrEnum):
    WANTED = "wanted"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Rebuild:
    """`snapshot` is what the disk is made from, "" for the item's image; `note` why it failed."""

    id: str
    deployment: str
    snapshot: str
    state: RebuildState
    created: datetime
    note: Words = NOTHING

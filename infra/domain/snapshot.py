"""Snapshot: the system disk of a deployment's server as it was at a moment, kept as an image to go back to.

A data volume is not in it. What is wanted is written first and made after, so that it is made once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from infra.domain.words import NOTHING, Words


class SnapshotState(StrEnum):
    """WANTED is being made, LEAVING being deleted."""

    WANTED = "wanted"
    READY = "ready"
    FAILED = "failed"
    LEAVING = "leaving"
    GONE = "gone"


KEPT = (SnapshotState.WANTED, SnapshotState.READY)
"""States that count against how many a deployment may have."""
SHOWN = (*KEPT, SnapshotState.FAILED, SnapshotState.LEAVING)


@dataclass(frozen=True)
class Snapshot:
    """`archive` is one that was made at the end of the deployment's life and outlived its restoration.
    `image` is what the cloud calls it, "" until it was asked; `size` in bytes, 0 until it is ready; `note`
    why it failed.
    """

    id: str
    deployment: str
    name: str
    state: SnapshotState
    who_name: str
    created: datetime
    archive: bool = False
    image: str = ""
    size: int = 0
    note: Words = NOTHING

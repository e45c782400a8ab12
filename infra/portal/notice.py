"""What pages and API show of a notice: what happened to a thing of the reader's, or waits for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from infra.domain.words import Words


@dataclass(frozen=True)
class Notice:
    """`subject` heads it, `told` says it; `place` is the path of the page to act on it. `loud` marks those of
    an emergency.
    """

    id: str
    kind: str
    subject: Words
    told: Words
    place: str
    created: datetime
    read: bool
    loud: bool

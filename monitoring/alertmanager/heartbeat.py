"""When silence becomes an alarm: the rule of the dead man's switch, without clock or network of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Call = Literal["silent", "heard"]
"""What people are told: nothing comes any more; it comes again."""


@dataclass
class Heartbeat:
    """Times are seconds of one clock that never jumps. `heard_at` is the last heartbeat, or the start.

    `called_at` is when people were last told of the silence, None when they have nothing to be told.
    """

    limit_seconds: float
    repeat_seconds: float
    heard_at: float
    called_at: float | None = None

    def heard(self, now: float) -> None:
        self.heard_at = now

    def silence(self, now: float) -> float:
        return now - self.heard_at

    def due(self, now: float) -> Call | None:
        """Whom to tell what, now; `told` must follow once somebody was reached."""
        if self.silence(now) < self.limit_seconds:
            return "heard" if self.called_at is not None else None
        if self.called_at is None or now - self.called_at >= self.repeat_seconds:
            return "silent"
        return None

    def told(self, call: Call, now: float) -> None:
        self.called_at = now if call == "silent" else None

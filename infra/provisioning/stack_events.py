"""The engine's event stream of one run, turned into steps, outputs and reasons."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from pulumi.automation.events import EngineEvent

from infra.provisioning.stack_result import Step

_QUIET = frozenset({"same", "read", "refresh"})
_COLOUR = re.compile(r"<\{%[^%]*%\}>")
# A replacement is three events; the one that does the work is enough.
_SHADOWS = frozenset({"create-replacement", "delete-replaced"})


class RunEvents:
    """Collects what one run tells. `clock` gives seconds since 1970; `also` hears every event."""

    def __init__(
        self, on_step: Callable[[Step], None], clock: Callable[[], float] = time.time,
        also: Callable[[EngineEvent], None] = lambda event: None,
    ) -> None:  # fmt: skip
        self._on_step = on_step
        self._clock = clock
        self._also = also
        self._started: dict[str, float] = {}
        self.steps: list[Step] = []
        self.created: dict[str, tuple[float, float]] = {}  # URN -> (asked at, seconds)
        self.outputs: dict[str, Any] = {}
        self.errors: list[str] = []
        self.failed: list[tuple[str, str]] = []  # URN ("" of none), reason
        self.changes: dict[str, int] = {}

    def __call__(self, event: EngineEvent) -> None:
        self._also(event)
        if event.resource_pre_event:
            self._before(event.resource_pre_event.metadata)
        elif event.res_outputs_event:
            self._after(event.res_outputs_event.metadata)
        elif event.diagnostic_event and event.diagnostic_event.severity == "error":
            self._error(event.diagnostic_event.message, event.diagnostic_event.urn or "")
        elif event.summary_event:
            counted = event.summary_event.resource_changes or {}
            for op, count in counted.items():
                word = str(getattr(op, "value", op))
                before = 0 if word == "same" else self.changes.get(word, 0)  # of a run in several passes
                self.changes[word] = before + int(count)

    def reason(self, otherwise: str) -> str:
        """Why the run failed, each cause once."""
        return "; ".join(dict.fromkeys(self.errors)) or otherwise

    def _before(self, metadata: Any) -> None:
        self._started[metadata.urn] = self._clock()

    def _after(self, metadata: Any) -> None:
        op = str(getattr(metadata.op, "value", metadata.op))
        state = metadata.new or metadata.old
        if metadata.type == "pulumi:pulumi:Stack":
            if metadata.new is not None:
                self.outputs = dict(getattr(metadata.new, "outputs", None) or {})
            return
        ended = self._clock()
        asked = self._started.get(metadata.urn, ended)
        seconds = ended - asked
        if op in ("create", "create-replacement"):
            self.created[metadata.urn] = (asked, seconds)
        if op in _QUIET or op in _SHADOWS or state is None:
            return
        step = Step(op, metadata.type, metadata.urn.rpartition("::")[2], seconds, tuple(metadata.diffs or ()))
        self.steps.append(step)
        self._on_step(step)

    def _error(self, message: str, urn: str) -> None:
        text = " ".join(_COLOUR.sub("", message).split())
        # The engine closes every failed run with these; the causes stand before them.
        if text and text not in ("update failed", "preview failed", "refresh failed", "destroy failed"):
            reason = re.sub(r"^\d+ errors? occurred:\s*\*\s*", "", text)
            self.errors.append(reason)
            self.failed.append((urn, reason))

"""How `citycloud platform` and `citycloud zone` show what stacks do and did."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable

from infra.cli.output import duration
from infra.provisioning.stack_result import StackProgress, StackResult

SIGNS = {"create": "+", "update": "~", "delete": "-", "replace": "!"}


def show_event(event: StackProgress) -> None:
    """One line on standard error for what begins, ends or fails."""
    if event.kind == "step":
        return
    where = f"[{event.done}/{event.total}] {event.stack}: " if event.stack else ""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {where}{event.sentence}\n")


def text(results: Iterable[StackResult]) -> str:
    """Each step of each stack, and a sum."""
    every = list(results)
    lines = [line for result in every for line in _result(result)]
    changed = sum(result.changed for result in every)
    word = "would change" if every and every[0].operation == "preview" else "changed"
    return "\n".join([*lines, f"{len(every)} stacks, {changed} resources {word}"])


def _result(result: StackResult) -> list[str]:
    if result.skipped:
        return [f"{result.stack}: unchanged ({result.why})"]
    steps = [
        f"  {SIGNS.get(step.op, step.op)} {step.type} {step.name}"
        + (f" ({', '.join(step.properties)})" if step.properties else "")
        for step in result.steps
    ]
    counts = ", ".join(f"{count} {op}" for op, count in sorted(result.changes.items())) or "nothing"
    return [f"{result.stack}: {counts}, {duration(result.seconds)}", *steps]

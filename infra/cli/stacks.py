"""How `citycloud platform` and `citycloud zone` show what stacks do and did."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from infra.cli.output import duration
from infra.provisioning.stack_result import StackProgress, StackResult

SIGNS = {"create": "+", "update": "~", "delete": "-", "replace": "!"}
MARKS = {"finished": ("✔", "green"), "skipped": ("↷", "dim"), "failed": ("✘", "bold red")}
Listener = Callable[[StackProgress], None]


@contextmanager
def shown_stacks(stream: TextIO | None = None) -> Iterator[Listener]:
    """A listener that shows progress on standard error (standard output is the result's): on a terminal one
    line per stack at work and one with the totals, anywhere else plain lines.
    """
    target = stream or sys.stderr
    if not target.isatty():
        yield lambda event: show_event(event, target)
        return
    console = Console(file=target, highlight=False)
    view = LiveStacks(console)
    with Live(view, console=console, refresh_per_second=4, transient=True):
        yield view.hear


def show_event(event: StackProgress, stream: TextIO | None = None) -> None:
    """One line for what begins, ends or fails."""
    if event.kind == "step" and event.stack:
        return
    if event.word == "plan" and event.kind in ("started", "finished"):
        return  # every stack is planned before any is brought up
    where = f"[{event.done}/{event.total}] {event.stack}: " if event.stack else ""
    (stream or sys.stderr).write(f"{time.strftime('%H:%M:%S')} {where}{event.sentence}\n")


class LiveStacks:
    """What ended stays as a line above; each stack at work shows its seconds and its last step, the last line
    how many are done.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._began = clock()
        self._running: dict[str, tuple[float, str]] = {}
        self._last: StackProgress | None = None

    def __rich__(self) -> Group:
        now = self._clock()
        lines = [
            self._line(
                ("… ", "cyan"), (f"{stack:<24}", "bold"), f"{duration(now - since):>11}  ", (said, "dim")
            )
            for stack, (since, said) in [*self._running.items()]
        ]
        if self._last is not None and self._last.total:
            word = self._last.word
            done = f"{self._last.done} of {self._last.total} stacks"
            lines.append(self._line(f"  {word}: {done}, {duration(now - self._began)}"))
        return Group(*lines)

    def hear(self, event: StackProgress) -> None:
        """Called from the stacks' threads too."""
        if not event.stack:
            self._console.print(Text(event.sentence, style="dim"))
        elif event.kind == "started":
            self._running[event.stack] = (self._clock(), event.word)
        elif event.kind == "step" and event.stack in self._running:
            self._running[event.stack] = (self._running[event.stack][0], event.sentence)
        elif event.kind in MARKS:
            self._running.pop(event.stack, None)
            if event.word != "plan" or event.kind != "finished":
                mark, style = MARKS[event.kind]
                self._console.print(self._line((f"{mark} ", style), f"{event.stack:<24} ", event.sentence))
        if event.word:
            self._last = event

    def _line(self, *parts: str | tuple[str, str]) -> Text:
        line = Text.assemble(*parts)
        line.truncate(self._console.width - 1, overflow="ellipsis")
        return line


def text(results: Iterable[StackResult]) -> str:
    """Each step of each stack, what the guard would say of it, and a sum."""
    every = list(results)
    lines = [line for result in every for line in _result(result)]
    changed = sum(result.changed for result in every)
    word = "would change" if every and every[0].operation == "preview" else "changed"
    refused = sum(len(result.findings) for result in every)
    more = f", {refused} of these need a second person or break a policy" if refused else ""
    return "\n".join([*lines, f"{len(every)} stacks, {changed} resources {word}{more}"])


def _result(result: StackResult) -> list[str]:
    if result.skipped:
        return [f"{result.stack}: unchanged ({result.why})"]
    steps = [
        f"  {SIGNS.get(step.op, step.op)} {step.type} {step.name}"
        + (f" ({', '.join(step.properties)})" if step.properties else "")
        for step in result.steps
    ]
    counts = ", ".join(f"{count} {op}" for op, count in sorted(result.changes.items())) or "nothing"
    found = [f"  refused: {one}" for one in result.findings]
    return [f"{result.stack}: {counts}, {duration(result.seconds)}", *steps, *found]

"""Shows a run to the person who waits: a live view on a terminal, plain lines with the time anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from infra.cli.output import duration
from infra.provisioning.deploy import Progress
from infra.provisioning.journal import PhaseRecord

REFRESH_PER_SECOND = 4
MARKS = {"ok": "✔", "failed": "✘", "interrupted": "■"}
STYLES = {"ok": "green", "failed": "bold red", "interrupted": "yellow"}


@contextmanager
def shown_progress(stream: TextIO | None = None) -> Iterator[Progress]:
    """A Progress on standard error (standard output is the result's)."""
    target = stream or sys.stderr
    if not target.isatty():
        yield LineProgress(target)
        return
    console = Console(file=target, highlight=False)
    view = LiveProgress(console)
    with Live(view, console=console, refresh_per_second=REFRESH_PER_SECOND, transient=True):
        yield view


class LineProgress:
    """One line for the start and the end of each phase; steps are not shown, a log keeps them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def phase_started(self, phase: str, expected_seconds: float | None) -> None:
        usual = f" (usually {duration(expected_seconds)})" if expected_seconds is not None else ""
        self._line(f"{phase}: started{usual}")

    def phase_skipped(self, phase: str) -> None:
        self._line(f"{phase}: done by the run that was cut, skipped")

    def step(self, phase: str, text: str) -> None:
        return

    def phase_ended(self, record: PhaseRecord) -> None:
        self._line(f"{record.name}: {summary(record)}")

    def _line(self, text: str) -> None:
        self._stream.write(f"{time.strftime('%H:%M:%S')} {text}\n")
        self._stream.flush()


class LiveProgress:
    """Ended phases stay as lines above; the one that runs shows its seconds, its usual time and what it
    does."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._phase: str | None = None
        self._started = 0.0
        self._expected: float | None = None
        self._step = ""

    def __rich__(self) -> Text:
        if self._phase is None:
            return Text("")
        elapsed = time.monotonic() - self._started
        line = Text.assemble(("… ", "cyan"), (f"{self._phase:<16}", "bold"), f"{duration(elapsed):>11}")
        if self._expected is not None:
            line.append(f" of about {duration(self._expected)}", style="dim")
        line.append(f"  {self._step}", style="dim")
        line.truncate(self._console.width - 1, overflow="ellipsis")
        return line

    def phase_started(self, phase: str, expected_seconds: float | None) -> None:
        self._phase, self._expected, self._step = phase, expected_seconds, ""
        self._started = time.monotonic()

    def phase_skipped(self, phase: str) -> None:
        self._console.print(
            Text.assemble(("↷ ", "dim"), f"{phase:<16}", ("done by the run that was cut", "dim"))
        )

    def step(self, phase: str, text: str) -> None:
        self._step = text

    def phase_ended(self, record: PhaseRecord) -> None:
        self._phase = None
        style = STYLES[record.result or "failed"]
        mark = MARKS[record.result or "failed"]
        changed = f"{record.changed} changed" if record.result == "ok" else (record.result or "")
        self._console.print(
            Text.assemble(
                (f"{mark} ", style), f"{record.name:<16}", f"{duration(record.seconds):>11}", f"  {changed}"
            )
        )


def summary(record: PhaseRecord) -> str:
    if record.result != "ok":
        return f"{record.result} after {duration(record.seconds)}"
    return f"ok in {duration(record.seconds)}, {record.changed} changed"

"""Progress as lines, and on a terminal."""

from __future__ import annotations

import io
import re

from rich.console import Console

from infra.cli.progress import LineProgress, LiveProgress, shown_progress
from infra.provisioning.deploy import Progress
from infra.provisioning.journal import PhaseRecord

DONE = PhaseRecord("base", "i", 0.0, "ok", 12, 61.5)
FAILED = PhaseRecord("database", "i", 0.0, "failed", 0, 3.25)


def play(progress: Progress) -> None:
    progress.phase_skipped("preflight")
    progress.phase_started("base", 60.0)
    progress.step("base", "Install packages")
    progress.phase_ended(DONE)
    progress.phase_started("database", None)
    progress.phase_ended(FAILED)


def test_without_a_terminal_each_start_and_end_is_a_line_with_the_time() -> None:
    stream = io.StringIO()
    with shown_progress(stream) as progress:
        assert isinstance(progress, LineProgress)
        play(progress)
    assert [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in stream.getvalue().splitlines()] == [
        "preflight: done by the run that was cut, skipped",
        "base: started (usually 1 min 00 s)",
        "base: ok in 1 min 01 s, 12 changed",
        "database: started",
        "database: failed after 3.2 s",
    ]


def test_on_a_terminal_ended_phases_stay_and_the_running_one_shows_its_step() -> None:
    stream = io.StringIO()
    view = LiveProgress(Console(file=stream, width=100))
    view.phase_started("base", 60.0)
    view.step("base", "Install packages")
    assert "base" in (line := str(view.__rich__()))
    assert "of about 1 min 00 s" in line
    assert "Install packages" in line
    view.phase_ended(DONE)
    assert str(view.__rich__()) == ""
    play(view)
    printed = stream.getvalue()
    assert "✔ base" in printed
    assert "✘ database" in printed
    assert "↷ preflight" in printed


def test_a_long_step_stays_on_its_line() -> None:
    view = LiveProgress(Console(file=io.StringIO(), width=60))
    view.phase_started("base", None)
    view.step("base", "x" * 500)
    assert view.__rich__().cell_len < 60

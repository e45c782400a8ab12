"""The deployment journal: what was begun, what ended how, and how long it took.

One JSON object a line, appended and fsynced before the work goes on, so that a run that is killed at any
instant can be resumed at the phase that was cut. A record counts only when its newline is on disk: a torn
last line is what a kill leaves behind and is dropped; a line that is broken anywhere else is damage and is
refused (`JournalDamaged`).

Durations are compared only between phases that did comparable work (`comparable`): a first deployment and a
run that changes nothing are different kinds of run, and their times say nothing about each other.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_hex
from statistics import median
from typing import Any, Literal, cast

from infra.errors import InfraError

Result = Literal["ok", "failed", "interrupted"]
SLOW_FACTOR = 1.5  # a phase slower than this many times its median is pointed out ...
SLOW_MARGIN_SECONDS = 1.0  # ... unless the difference is within what a busy machine does to any measurement
HISTORY_MINIMUM = 3  # a median of fewer samples is an anecdote
HISTORY_LENGTH = 20  # older samples describe an older site
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class JournalDamaged(InfraError):
    """The journal has a broken line that no kill explains; move the file away to start with an empty
    history."""

    code = "journal_damaged"


@dataclass(frozen=True)
class PhaseRecord:
    """One phase of one run. `result` is None while it runs, and for ever when the run was cut in it.

    `skipped` phases were done by an earlier, cut run with the same inputs; they carry no time of their own.
    `gate` phases look at things that can change behind the journal's back, and run each time.
    """

    name: str
    inputs: str
    started: float
    result: Result | None = None
    changed: int = 0
    seconds: float = 0.0
    skipped: bool = False
    message: str = ""
    gate: bool = False

    @property
    def done(self) -> bool:
        return self.result == "ok"

    @property
    def timed(self) -> bool:
        """Whether its seconds say how long the phase takes: it was done, and in its own run."""
        return self.done and not self.skipped


@dataclass
class RunRecord:
    """One run: who ran what, since when, and its phases in order. `result` None: cut, or runs now."""

    id: str
    command: str
    started: float
    pid: int
    boot_id: str
    result: Result | None = None
    seconds: float = 0.0
    phases: list[PhaseRecord] = field(default_factory=list)

    @property
    def changed(self) -> int:
        return sum(phase.changed for phase in self.phases)


@dataclass(frozen=True)
class SlowPhase:
    """A phase that took more than `SLOW_FACTOR` times the median of its comparable history."""

    name: str
    seconds: float
    median_seconds: float
    samples: int

    def __str__(self) -> str:
        factor = self.seconds / self.median_seconds
        return (
            f"{self.name} took {self.seconds:.1f} s, {factor:.1f} times its median of"
            f" {self.median_seconds:.1f} s over {self.samples} comparable runs"
        )


class Journal:
    """Reads one site's journal file; `begin` adds a run to it.

    Only the holder of the site's lock may begin a run: there is one writer.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock

    def runs(self) -> list[RunRecord]:
        """All runs, oldest first. Raises JournalDamaged."""
        runs: dict[str, RunRecord] = {}
        for number, record in _records(self.path):
            try:
                _apply(runs, record)
            except (KeyError, TypeError, AttributeError) as error:
                raise self._damaged(number) from error
        return list(runs.values())

    def last_run(self, *commands: str) -> RunRecord | None:
        """The newest run of these commands (of any, without arguments)."""
        runs = [run for run in self.runs() if not commands or run.command in commands]
        return runs[-1] if runs else None

    def done_phases(self, command: str) -> dict[str, str]:
        """Phase -> hash of its inputs: what runs of `command` did since the last one that completed.

        Empty after a run that completed: the next one goes through everything again. A phase that was begun
        again takes along what was done after it, which stood on it. Gates are not among them.
        """
        done: dict[str, str] = {}
        for run in self.runs():
            if run.command != command:
                continue
            for phase in run.phases:
                if not phase.gate and not phase.skipped:
                    done = dict(list(done.items())[: _position(done, phase.name)])
                if phase.done and not phase.gate:
                    done[phase.name] = phase.inputs
            if run.result == "ok":
                done = {}
        return done

    def slow_phases(self, run: RunRecord) -> list[SlowPhase]:
        """The phases of `run` that took unusually long, judged by the runs before it."""
        runs = self.runs()
        earlier = runs[: next((i for i, other in enumerate(runs) if other.id == run.id), len(runs))]
        slow = []
        for phase in run.phases:
            samples = _comparable_seconds(earlier, phase)
            if phase.timed and is_slow(phase.seconds, samples):
                slow.append(SlowPhase(phase.name, phase.seconds, median(samples), len(samples)))
        return slow

    def medians(self) -> dict[str, float]:
        """Phase -> median seconds of the runs that are comparable with its newest one: what to expect of
        it."""
        runs = self.runs()
        newest = {phase.name: phase for run in runs for phase in run.phases if phase.timed}
        samples = {name: _comparable_seconds(runs, phase) for name, phase in newest.items()}
        return {name: median(seconds) for name, seconds in samples.items() if seconds}

    def begin(self, command: str, run_id: str) -> RunWriter:
        """Start a run. Cuts off a torn last line first, so that the new record stands on a line of its
        own."""
        _records(self.path)  # refuse to append to a damaged file
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return RunWriter(self.path, command, run_id, self._clock)

    def _damaged(self, number: int) -> JournalDamaged:
        return _damaged(self.path, number)


class RunWriter:
    """The writing end of one run. Every method returns only after its record is on disk."""

    def __init__(self, path: Path, command: str, run_id: str, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._descriptor, _whole_length(path))
        os.lseek(self._descriptor, 0, os.SEEK_END)
        _fsync_directory(path.parent)
        self.run = RunRecord(
            id=run_id,
            command=command,
            started=clock(),
            pid=os.getpid(),
            boot_id=boot_id(),
        )
        self._write(
            "run_started",
            command=command,
            pid=self.run.pid,
            boot=self.run.boot_id,
        )

    def phase_started(self, name: str, inputs: str, *, gate: bool = False) -> None:
        self.run.phases.append(PhaseRecord(name, inputs, self._clock(), gate=gate))
        self._write("phase_started", phase=name, inputs=inputs, gate=gate)

    def phase_skipped(self, name: str, inputs: str) -> None:
        """Record that an earlier run did it, so that a resumed run which is itself cut can be resumed."""
        self.run.phases.append(PhaseRecord(name, inputs, self._clock(), result="ok", skipped=True))
        self._write("phase_skipped", phase=name, inputs=inputs)

    def phase_ended(self, name: str, result: Result, changed: int = 0, message: str = "") -> PhaseRecord:
        started = self.run.phases[-1]
        if started.name != name or started.result is not None:
            raise ValueError(f"phase {name} is not the one that runs ({started.name})")
        seconds = round(self._clock() - started.started, 3)
        ended = replace(started, result=result, changed=changed, seconds=seconds, message=message)
        self.run.phases[-1] = ended
        self._write(
            "phase_ended", phase=name, result=result, changed=changed, seconds=seconds, message=message
        )
        return ended

    def end(self, result: Result) -> RunRecord:
        self.run.result = result
        self.run.seconds = round(self._clock() - self.run.started, 3)
        self._write("run_ended", result=result, seconds=self.run.seconds)
        os.close(self._descriptor)
        return self.run

    def _write(self, event: str, **values: object) -> None:
        record = {"event": event, "run": self.run.id, "at": round(self._clock(), 3), **values}
        line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        written = 0
        while written < len(line):
            written += os.write(self._descriptor, line[written:])
        os.fsync(self._descriptor)


def new_run_id() -> str:
    """Twelve hex digits; also marks the processes of the run, see `infra.provisioning.tether`."""
    return token_hex(6)


def comparable(changed: int, other: int) -> bool:
    """Whether two passes through a phase did the same order of work.

    Nothing changed compares only with nothing changed; else the counts differ by no more than a factor of
    two.
    """
    low, high = sorted((changed, other))
    return high == 0 if low == 0 else high <= 2 * low


def _position(done: dict[str, str], name: str) -> int:
    names = list(done)
    return names.index(name) if name in done else len(names)


def _comparable_seconds(runs: list[RunRecord], phase: PhaseRecord) -> list[float]:
    """Seconds of the newest whole passes through this phase that did comparable work, oldest first."""
    passes = _whole_passes(runs, phase.name)
    return [p.seconds for p in passes if comparable(p.changed, phase.changed)][-HISTORY_LENGTH:]


def _whole_passes(runs: list[RunRecord], name: str) -> Iterator[PhaseRecord]:
    """Passes through a phase from its beginning to its end.

    One that takes up what a cut or failed pass had begun has less to do, and its time says nothing of others.
    """
    begun = False
    for run in runs:
        for phase in run.phases:
            if phase.name == name and not phase.skipped:
                if phase.done and not begun:
                    yield phase
                begun = not phase.done


def is_slow(seconds: float, samples: list[float]) -> bool:
    if len(samples) < HISTORY_MINIMUM:
        return False
    usual = median(samples)
    return seconds > SLOW_FACTOR * usual and seconds - usual > SLOW_MARGIN_SECONDS


def boot_id() -> str:
    """The kernel's id of this boot: a pid recorded under another one is nobody's."""
    return BOOT_ID.read_text().strip()


def _whole_length(path: Path) -> int:
    """Bytes up to and including the last newline."""
    return path.read_bytes().rfind(b"\n") + 1


def _records(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """(line number, record) of every whole line. Raises JournalDamaged."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    records = []
    lines = content[: content.rfind(b"\n") + 1].split(b"\n")[:-1]
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
        except ValueError as error:
            raise _damaged(path, number) from error
        if not isinstance(record, dict):
            raise _damaged(path, number)
        records.append((number, cast(dict[str, Any], record)))
    return records


def _damaged(path: Path, number: int) -> JournalDamaged:
    return JournalDamaged(
        f"{path}: line {number} is not a journal record; move the file away to start with an empty history"
        " (nothing of the site is lost, the next run goes through every phase)"
    )


def _apply(runs: dict[str, RunRecord], record: dict[str, Any]) -> None:
    event, run_id, at = record["event"], record["run"], float(record["at"])
    if event == "run_started":
        runs[run_id] = RunRecord(run_id, record["command"], at, record["pid"], record["boot"])
        return
    run = runs[run_id]
    if event == "phase_started":
        gate = bool(record.get("gate"))
        run.phases.append(PhaseRecord(record["phase"], record["inputs"], at, gate=gate))
    elif event == "phase_skipped":
        run.phases.append(PhaseRecord(record["phase"], record["inputs"], at, result="ok", skipped=True))
    elif event == "phase_ended":
        _end_phase(run, record)
    elif event == "run_ended":
        run.result, run.seconds = record["result"], float(record["seconds"])


def _end_phase(run: RunRecord, record: dict[str, Any]) -> None:
    for index, phase in enumerate(run.phases):
        if phase.name == record["phase"] and phase.result is None:
            run.phases[index] = replace(
                phase,
                result=record["result"],
                changed=int(record["changed"]),
                seconds=float(record["seconds"]),
                message=str(record.get("message", "")),
            )


def _fsync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

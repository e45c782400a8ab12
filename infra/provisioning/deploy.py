"""Takes a site through its phases, writes each into the journal, and resumes where an earlier run was cut.

A stage is one piece of work that passes through one phase or several (the playbook is one stage with a phase
for each of its tags). On resume, leading phases that the cut run did with the same inputs are skipped; the
first one that must run makes all later ones run, since they stand on it. Gates (inventory, depot, lab,
preflight) look at things that can change behind a journal's back: they run each time, cost seconds, and when
one had to change something, nothing after it is skipped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from infra.errors import InfraError, Problems
from infra.provisioning.journal import Journal, PhaseRecord, Result, RunRecord, RunWriter


class PhaseFailed(InfraError):
    """A phase of the deployment failed; mend the cause and run the same command again, it resumes there."""

    code = "phase_failed"

    def __init__(self, phase: str, cause: Exception, next_command: str) -> None:
        self.phase = phase
        self.cause_code = cause.code if isinstance(cause, InfraError) else type(cause).__name__
        self.next_command = next_command
        super().__init__(
            f"phase `{phase}` failed: {cause}\n"
            f"mend the cause and type `{next_command}`: it resumes at `{phase}`"
        )


class Interrupted(InfraError):
    """The run was stopped by a signal; run the same command again, it resumes at the phase that was cut."""

    code = "interrupted"

    def __init__(self, phase: str | None, next_command: str) -> None:
        self.phase = phase
        at = f"in phase `{phase}`" if phase else "between phases"
        super().__init__(f"stopped {at}; `{next_command}` goes on from there")


class Progress(Protocol):
    """Whoever shows the run to a person. All methods return at once."""

    def phase_started(self, phase: str, expected_seconds: float | None) -> None: ...

    def phase_skipped(self, phase: str) -> None: ...

    def step(self, phase: str, text: str) -> None: ...

    def phase_ended(self, record: PhaseRecord) -> None: ...


class PhaseLog(Protocol):
    """What a stage reports to while it works."""

    def phase_started(self, phase: str) -> None: ...

    def step(self, phase: str, text: str) -> None: ...

    def phase_ended(self, phase: str, changed: int) -> None: ...


@dataclass(frozen=True)
class Stage:
    """One piece of work. `inputs` hashes what a phase's result depends on; it is asked just before the stage.

    `work` gets the phases to do (a tail of `phases`) and reports each to the log.
    `gate`: runs each time. `before` prepares what this and all later stages need, once (the lab's network).
    """

    phases: tuple[str, ...]
    inputs: Callable[[str], str]
    work: Callable[[list[str], PhaseLog], None]
    gate: bool = False
    before: Callable[[], None] | None = None


def single(
    phase: str,
    inputs: Callable[[], str],
    work: Callable[[Callable[[str], None]], int],
    *,
    gate: bool = False,
    before: Callable[[], None] | None = None,
) -> Stage:
    """A stage of one phase: `work` gets a function that shows a step and returns how many things it
    changed."""

    def run(_: list[str], log: PhaseLog) -> None:
        log.phase_started(phase)
        log.phase_ended(phase, work(lambda text: log.step(phase, text)))

    return Stage((phase,), lambda _: inputs(), run, gate, before)


class Deployment:
    """One run of a command through stages. `next_command` is what a person types to go on."""

    def __init__(
        self, journal: Journal, progress: Progress, command: str, run_id: str, next_command: str
    ) -> None:
        self._journal = journal
        self._progress = progress
        self._command = command
        self._run_id = run_id
        self._next_command = next_command

    def run(self, stages: list[Stage], only: frozenset[str] | None = None, resume: bool = True) -> RunRecord:
        """Raises PhaseFailed, Problems (a gate refused the input), Interrupted; the journal has it in any
        case.

        With `only`, just these phases and the gates among them run; nothing is resumed or skipped.
        """
        done = self._journal.done_phases(self._command) if resume and only is None else {}
        medians = self._journal.medians()
        writer = self._journal.begin(self._command, self._run_id)
        log = _Log(writer, self._progress, medians)
        try:
            self._pass(stages, only, log, done)
        except KeyboardInterrupt:
            log.abort("interrupted", "stopped by a signal")
            raise Interrupted(log.last_phase, self._next_command) from None
        except Problems as error:
            log.abort("failed", str(error))
            raise
        except (
            Exception
        ) as error:  # the run's outermost frame: whatever it was, the journal must say that it ended
            log.abort("failed", str(error) or type(error).__name__, getattr(error, "changed", 0))
            if not isinstance(error, InfraError) or log.last_phase is None:
                raise
            raise PhaseFailed(log.last_phase, error, self._next_command) from error
        return writer.end("ok")

    def _pass(
        self, stages: list[Stage], only: frozenset[str] | None, log: _Log, done: dict[str, str]
    ) -> None:
        resuming = bool(done)
        for stage in stages:
            names = [name for name in stage.phases if only is None or name in only]
            if not names:
                continue
            if stage.before is not None:
                stage.before()
            todo = list(names)
            while resuming and not stage.gate and todo and done.get(todo[0]) == stage.inputs(todo[0]):
                log.skip(todo.pop(0), done)
            if not todo:
                continue
            log.stage = stage
            stage.work(todo, log)
            resuming = resuming and stage.gate and not log.changed


class _Log:
    """Passes what a stage reports to the journal and to the person who watches."""

    def __init__(self, writer: RunWriter, progress: Progress, medians: dict[str, float]) -> None:
        self._writer = writer
        self._progress = progress
        self._medians = medians
        self._running: str | None = None
        self.stage: Stage | None = None
        self.last_phase: str | None = None
        self.changed = 0

    def phase_started(self, phase: str) -> None:
        if self.stage is None:
            raise ValueError(f"phase {phase} has no stage")
        self._running = self.last_phase = phase
        self._writer.phase_started(phase, self.stage.inputs(phase), gate=self.stage.gate)
        self._progress.phase_started(phase, self._medians.get(phase))

    def step(self, phase: str, text: str) -> None:
        self._progress.step(phase, text)

    def phase_ended(self, phase: str, changed: int) -> None:
        self._running = None
        self.changed = changed
        self._progress.phase_ended(self._writer.phase_ended(phase, "ok", changed))

    def skip(self, phase: str, done: dict[str, str]) -> None:
        self.last_phase = phase
        self._writer.phase_skipped(phase, done[phase])
        self._progress.phase_skipped(phase)

    def abort(self, result: Result, message: str, changed: int = 0) -> None:
        if self._running is not None:
            record = self._writer.phase_ended(self._running, result, changed, message)
            self._running = None
            self._progress.phase_ended(record)
        self._writer.end(result)

"""Makes the plan of each stack with as little work as tells the truth.

Nothing changed since the last success: no step, nothing is run. Nothing exists yet: everything is created,
and the program says what. A destroy: the state says what. Only else an engine previews it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from infra.domain.plan import Plan
from infra.provisioning.plan import PlannedSteps, steps_of_destroy, steps_of_new
from infra.provisioning.program_reading import read_program
from infra.provisioning.pulumi_workspace import PulumiFiles
from infra.provisioning.stack_events import RunEvents
from infra.provisioning.stack_program import StackPrograms
from infra.provisioning.stack_record import StackRecords
from infra.provisioning.stack_result import StackResult
from infra.provisioning.stack_run import StackRun
from infra.provisioning.stack_state import STACK_TYPE, resources_of

_WHY = "inputs and state are those of the last successful up; {not_done} (refresh does that)"
_NOT_READ = _WHY.format(not_done="the cloud was not read")
_NOT_RUN = _WHY.format(not_done="the preview was not run and the cloud not read")


@dataclass(frozen=True)
class PreparedStack:
    """A stack before its run: its plan, the result so far (`skipped`: no run is needed), the digest of what
    decides the outcome, and the engine's own plan to be bound to, where there is one.
    """

    plan: Plan
    result: StackResult
    digest: str = ""
    saved: Path | None = None


class StackPlans:
    """`engine` makes a run of a stack: (code, with its program, targets)."""

    def __init__(
        self, programs: StackPrograms, files: PulumiFiles, records: StackRecords,
        engine: Callable[[str, bool, Sequence[str]], StackRun],
    ) -> None:  # fmt: skip
        self._programs = programs
        self._files = files
        self._records = records
        self._engine = engine

    def preview(self, code: str, *, force: bool) -> PreparedStack:
        """What an up would do, by the engine."""
        if not force:
            skipped = self._as_it_was(code, self._digest(code), "preview")
            if skipped is not None:
                return self._prepared(code, "up", skipped)
        return self._previewed(code, None, ())

    def up(self, code: str, folder: Path, *, force: bool, targets: Sequence[str] = ()) -> PreparedStack:
        """What an up will do. The engine's plan goes into `folder`."""
        project, stack = self._programs.named(code)
        digest = self._digest(code)
        unchanged = self._as_it_was(code, digest, "up")
        if unchanged is not None and not targets:
            # The engine compares the program with the state: of the same two it would find nothing again.
            result = self._result(code) if force else unchanged
            return self._prepared(code, "up", result, digest=digest)
        if stack not in self._files.backend.stacks(project):
            wanted = read_program(self._programs.program(code), project, stack, self._outputs)
            steps = steps_of_new(wanted)
            plan = Plan(stack, code, "up", steps, tuple(wanted), self._programs.level(code))
            return PreparedStack(plan, self._result(code), digest)
        previewed = self._previewed(code, folder / f"{stack}.json", targets)
        return PreparedStack(previewed.plan, self._result(code), digest, previewed.saved)

    def destroy(self, code: str) -> PreparedStack:
        """Everything in the state goes, also what is left over of a replacement."""
        project, stack = self._programs.named(code)
        deployment = self._files.backend.deployment(project, stack) or {}
        steps = steps_of_destroy(resources_of(deployment, left_over=True))
        return PreparedStack(
            Plan(stack, code, "destroy", steps), StackResult(stack, code, "destroy", {}, 0.0)
        )

    def _previewed(self, code: str, saved: Path | None, targets: Sequence[str]) -> PreparedStack:
        project, stack = self._programs.named(code)
        started = time.monotonic()
        planned = PlannedSteps()
        events = RunEvents(lambda step: None, also=planned)
        self._engine(code, True, targets).preview(events, saved)
        fresh: list[str] = []
        if any(step.ends_it for step in planned.steps()):
            state = self._files.backend.deployment(project, stack) or {}
            fresh = [one.urn for one in resources_of(state) if one.imported]
        plan = Plan(stack, code, "up", planned.steps(fresh), planned.wanted(), self._programs.level(code))
        seconds = time.monotonic() - started
        result = StackResult(
            stack, code, "preview", events.changes, seconds, tuple(events.steps), events.outputs
        )
        return PreparedStack(plan, result, saved=saved)

    def _prepared(self, code: str, operation: str, result: StackResult, *, digest: str = "") -> PreparedStack:
        return PreparedStack(Plan(result.stack, code, operation), result, digest)

    def _result(self, code: str) -> StackResult:
        return StackResult(self._programs.named(code)[1], code, "up", {}, 0.0)

    def _digest(self, code: str) -> str:
        platform: Any = None
        if code:
            owner, stack = self._programs.named("")
            record = self._records.find(stack)
            platform = record.outputs if record else self._files.backend.digest(owner, stack)
        return self._programs.digest(code, platform)

    def _as_it_was(self, code: str, digest: str, operation: Literal["up", "preview"]) -> StackResult | None:
        """The result of what is left out, None where it has to be run."""
        project, stack = self._programs.named(code)
        record = self._records.find(stack)
        if record is None or record.inputs_digest != digest:
            return None
        if record.state_digest != self._files.backend.digest(project, stack):
            return None
        why = _NOT_READ if operation == "up" else _NOT_RUN
        return StackResult(
            stack, code, operation, {}, 0.0, outputs=record.outputs, servers=record.servers, skipped=True,
            why=why,
        )  # fmt: skip

    def _outputs(self, name: str) -> Mapping[str, Any]:
        """The outputs of another stack of ours, by its full name (`organization/platform/lab`)."""
        _, project, stack = name.split("/")
        deployment = self._files.backend.deployment(project, stack) or {}
        return next((one.outputs for one in resources_of(deployment) if one.type == STACK_TYPE), {})

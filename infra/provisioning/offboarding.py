"""Runs an agency's off-boarding from the step at which it stands to its end.

The steps and their order are in `infra.domain.offboarding`, what each does in `offboarding_steps`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from infra.domain.offboarding import Step, Waiver, after
from infra.errors import InfraError
from infra.provisioning.export import ExportFolder
from infra.provisioning.journal import new_run_id
from infra.provisioning.offboarding_case import Case, CaseFiles
from infra.provisioning.offboarding_steps import Means, Steps

CHANGES = 5
"""How often one run begins anew because the agency's things changed meanwhile."""


class NothingToCallOff(InfraError):
    """No off-boarding of this agency is under way."""

    code = "nothing_to_call_off"


class OffboardingBegun(InfraError):
    """The off-boarding was begun with another folder; what was exported is there."""

    code = "offboarding_begun"


@dataclass(frozen=True)
class Progress:
    """Said while it runs. `sentence` is "" where a step begins or ends."""

    agency: str
    step: Step
    kind: str
    sentence: str = ""


@dataclass(frozen=True)
class Asked:
    """What was asked for on the command line. `names` are the agency's, for the record."""

    agency: str
    folder: Path
    requested_by: str
    waivers: tuple[Waiver, ...] = ()
    names: Mapping[str, str] | None = None


Listener = Callable[[Progress], None]


class Offboarding:
    """One agency's. `listen` hears what happens."""

    def __init__(self, means: Means, files: CaseFiles, asked: Asked, listen: Listener) -> None:
        self._means = means
        self._files = files
        self._asked = asked
        self._listen = listen

    def run(self) -> Case:
        """From where it stands to the end; the finished case, also of an agency that was off-boarded before.
        Raises the step's own error when it stops: the next run goes on there."""
        case = self._opened()
        steps = self._steps(case)
        changes = 0
        while case.step is not None:
            step = case.step
            self._tell(case, step, "started")
            self._begin(case, step)
            event = steps.run(step)
            case.times[-1] |= {"ended_at": self._means.clock(), "event": event}
            case.step = after(step, event)
            case.outcome = "removed" if case.step is None else ""
            self._files.save(case)
            self._tell(case, step, "ended")
            changes += event == "changed"
            if changes > CHANGES:
                raise InfraError(
                    f"the things of {case.agency} go on changing; run it again when they are quiet"
                )
        return case

    def _begin(self, case: Case, step: Step) -> None:
        """A step that was cut keeps its beginning; `runs` counts how often it was taken up."""
        if case.times and case.times[-1]["ended_at"] is None and case.times[-1]["step"] == step:
            case.times[-1]["runs"] += 1
        else:
            case.times.append({"step": step, "started_at": self._means.clock(), "ended_at": None, "runs": 1})
        self._files.save(case)

    def call_off(self) -> Case:
        """Give the agency back what the freeze took; what was exported stays. Raises OffboardingOver when
        things may have been deleted already."""
        case = self._files.find(self._asked.agency)
        if case is None or case.step is None:
            raise NothingToCallOff(f"no off-boarding of {self._asked.agency} is under way")
        after(case.step, "thawed")
        self._tell(case, case.step, "started")
        self._steps(case).thaw()
        case.step, case.outcome = None, "called off"
        self._files.save(case)
        self._files.close(case)
        return case

    def _opened(self) -> Case:
        asked = self._asked
        case = self._files.find(asked.agency)
        if case is None:
            case = Case(
                new_run_id(), asked.agency, str(asked.folder), asked.requested_by, self._means.clock()
            )
            case.folder = str(asked.folder / f"{asked.agency}-{_stamp(case.started)}-{case.id}")
            case.names = dict(asked.names or {})
        elif case.step is None:
            return case
        elif Path(case.folder).parent != asked.folder:
            raise OffboardingBegun(
                f"this off-boarding exports to {Path(case.folder).parent}; name that folder, or call it off"
                " with --cancel"
            )
        given = {waiver.what: waiver.reason for waiver in asked.waivers}
        if {**case.waivers, **given} != case.waivers:
            self._give_up(case, given)
        self._files.save(case)
        return case

    def _give_up(self, case: Case, given: dict[str, str]) -> None:
        """More is given up than was confirmed: it has to be confirmed anew. Too late once things are
        deleted."""
        if case.step != "inventory":
            case.step = after("export" if case.step == "confirmation" else _checked(case.step), "changed")
        case.waivers.update(given)

    def _steps(self, case: Case) -> Steps:
        def say(sentence: str) -> None:
            self._tell(case, case.step or "record", "step", sentence)

        folder = ExportFolder(Path(case.folder), say)
        return Steps(replace(self._means, say=say), case, self._files, folder)

    def _tell(self, case: Case, step: Step, kind: str, sentence: str = "") -> None:
        self._listen(Progress(case.agency, step, kind, sentence))


def _checked(step: Step | None) -> Step:
    """The step from which a change of the plan leads back; raises OffboardingOver from `delete` on."""
    return "freeze" if step in ("freeze", "snapshot", "transfer", "check") else step or "record"


def _stamp(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y%m%dT%H%M%SZ")

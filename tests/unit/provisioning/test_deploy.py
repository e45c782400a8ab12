"""Phases run in order, are written down, and are resumed where a run was cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infra.errors import InfraError, Problem, Problems
from infra.provisioning.deploy import Deployment, Interrupted, PhaseFailed, PhaseLog, Stage, single
from infra.provisioning.journal import Journal, PhaseRecord, RunRecord


@dataclass
class Watcher:
    """A Progress that remembers."""

    seen: list[str] = field(default_factory=list)

    def phase_started(self, phase: str, expected_seconds: float | None) -> None:
        self.seen.append(f"{phase} started")

    def phase_skipped(self, phase: str) -> None:
        self.seen.append(f"{phase} skipped")

    def step(self, phase: str, text: str) -> None:
        self.seen.append(f"{phase}: {text}")

    def phase_ended(self, record: PhaseRecord) -> None:
        self.seen.append(f"{record.name} {record.result}")


@dataclass
class Site:
    """Stages whose inputs, changes and failures a test decides; `ran` is what was really done."""

    path: Path
    inputs: dict[str, str] = field(default_factory=dict)
    changes: dict[str, int] = field(default_factory=dict)
    failure: dict[str, BaseException] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    progress: Watcher = field(default_factory=Watcher)

    def work(self, name: str) -> int:
        if name in self.failure:
            raise self.failure[name]
        self.ran.append(name)
        return self.changes.get(name, 0)

    def gate(self, name: str) -> Stage:
        return single(name, lambda: "", lambda _: self.work(name), gate=True)

    def phase(self, name: str) -> Stage:
        return single(name, lambda: self.inputs.get(name, ""), lambda _: self.work(name))

    def playbook(self, *names: str) -> Stage:
        def work(todo: list[str], log: PhaseLog) -> None:
            for name in todo:
                log.phase_started(name)
                log.phase_ended(name, self.work(name))

        return Stage(names, lambda name: self.inputs.get(name, ""), work)

    def stages(self) -> list[Stage]:
        return [
            self.gate("lab"),
            self.playbook("base", "database", "services"),
            self.phase("platform"),
            self.gate("verify"),
        ]

    def run(self, only: frozenset[str] | None = None, resume: bool = True) -> RunRecord:
        self.ran.clear()
        self.progress.seen.clear()
        journal = Journal(self.path)
        command = "deploy" if only else "up"
        run_id = f"run{len(journal.runs())}"
        deployment = Deployment(journal, self.progress, command, run_id, "citycloud up")
        return deployment.run(self.stages(), only, resume)

    def fail(self, name: str, error: BaseException) -> None:
        self.failure = {name: error}

    def kill_in(self, name: str) -> None:
        """What SIGKILL leaves: the journal ends within the phase."""
        self.fail(name, KeyboardInterrupt())
        with pytest.raises(Interrupted):
            self.run()
        lines = self.path.read_bytes().splitlines(keepends=True)
        self.path.write_bytes(b"".join(lines[:-2]))
        self.failure = {}


EVERY = ["lab", "base", "database", "services", "platform", "verify"]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "journal.jsonl")


def test_a_first_run_goes_through_every_phase_in_order(site: Site) -> None:
    run = site.run()
    assert site.ran == EVERY
    assert [phase.name for phase in run.phases] == EVERY
    assert run.result == "ok"


def test_a_second_run_goes_through_every_phase_again(site: Site) -> None:
    site.run()
    run = site.run()
    assert site.ran == EVERY
    assert run.changed == 0


@pytest.mark.parametrize("phase", EVERY)
def test_a_killed_run_is_resumed_at_the_phase_that_was_cut(site: Site, phase: str) -> None:
    site.kill_in(phase)
    run = site.run()
    position = EVERY.index(phase)
    gates = [name for name in EVERY[:position] if name == "lab"]
    assert site.ran == [*gates, *EVERY[position:]]
    assert run.result == "ok"
    assert [p.name for p in run.phases if p.skipped] == [n for n in EVERY[:position] if n != "lab"]


def test_a_run_that_is_cut_twice_is_resumed_at_the_second_cut(site: Site) -> None:
    site.kill_in("database")
    site.kill_in("platform")
    site.run()
    assert site.ran == ["lab", "platform", "verify"]


def test_a_run_that_stops_at_a_gate_keeps_what_the_cut_one_had_done(site: Site) -> None:
    site.kill_in("platform")
    site.fail("lab", InfraError("busy"))
    with pytest.raises(PhaseFailed):
        site.run()
    site.failure = {}
    site.run()
    assert site.ran == ["lab", "platform", "verify"]


def test_after_a_resumed_run_the_next_one_is_whole(site: Site) -> None:
    site.kill_in("platform")
    site.run()
    site.run()
    assert site.ran == EVERY


def test_a_phase_whose_inputs_changed_runs_again_and_so_does_all_that_follows(site: Site) -> None:
    site.kill_in("platform")
    site.inputs["database"] = "changed"
    site.run()
    assert site.ran == ["lab", "database", "services", "platform", "verify"]


def test_a_gate_that_had_to_change_something_lets_nothing_after_it_be_skipped(site: Site) -> None:
    site.kill_in("platform")
    site.changes["lab"] = 3
    site.run()
    assert site.ran == EVERY


def test_from_start_skips_nothing(site: Site) -> None:
    site.kill_in("platform")
    site.run(resume=False)
    assert site.ran == EVERY


def test_only_the_phases_that_were_asked_for_run_whatever_the_journal_says(site: Site) -> None:
    site.kill_in("platform")
    site.run(only=frozenset({"database"}))
    assert site.ran == ["database"]
    site.run()
    assert site.ran == ["lab", "platform", "verify"]


def test_a_failed_phase_is_named_with_its_cause_and_what_to_type(site: Site) -> None:
    site.fail("services", InfraError("nova does not start"))
    with pytest.raises(
        PhaseFailed, match=r"phase `services` failed: nova does not start\nmend .* `citycloud up`"
    ) as e:
        site.run()
    assert (e.value.phase, e.value.cause_code) == ("services", "error")
    run = Journal(site.path).runs()[-1]
    assert (run.result, run.phases[-1].result, run.phases[-1].message) == (
        "failed",
        "failed",
        "nova does not start",
    )


def test_a_failed_run_is_resumed_at_the_phase_that_failed(site: Site) -> None:
    site.fail("services", InfraError("no"))
    with pytest.raises(PhaseFailed):
        site.run()
    site.failure = {}
    site.run()
    assert site.ran == ["lab", "services", "platform", "verify"]


def test_problems_of_the_input_pass_as_they_are(site: Site) -> None:
    site.fail("lab", Problems([Problem("f", "k", "v", "wrong", "right")]))
    with pytest.raises(Problems, match="f: k = v: wrong; right"):
        site.run()
    assert Journal(site.path).runs()[-1].result == "failed"


def test_a_defect_is_written_down_and_passes_as_it_is(site: Site) -> None:
    site.fail("base", ZeroDivisionError("a defect"))
    with pytest.raises(ZeroDivisionError):
        site.run()
    assert Journal(site.path).runs()[-1].phases[-1].message == "a defect"


def test_a_signal_is_written_down_and_told_with_the_way_on(site: Site) -> None:
    site.fail("base", KeyboardInterrupt())
    with pytest.raises(Interrupted, match="stopped in phase `base`; `citycloud up` goes on from there"):
        site.run()
    run = Journal(site.path).runs()[-1]
    assert (run.result, run.phases[-1].result) == ("interrupted", "interrupted")


def test_the_watcher_sees_what_happens(site: Site) -> None:
    site.kill_in("services")
    site.run()
    assert site.progress.seen == [
        "lab started",
        "lab ok",
        "base skipped",
        "database skipped",
        "services started",
        "services ok",
        "platform started",
        "platform ok",
        "verify started",
        "verify ok",
    ]


def test_what_a_stage_needs_is_prepared_before_its_inputs_are_asked(tmp_path: Path) -> None:
    calls: list[str] = []

    def note(what: str) -> Callable[[], str]:
        return lambda: calls.append(what) or ""  # type: ignore[func-returns-value]

    stage = single("a", note("inputs"), lambda _: 0, before=lambda: calls.append("before"))
    Deployment(Journal(tmp_path / "j"), Watcher(), "up", "r", "citycloud up").run([stage])
    assert calls == ["before", "inputs"]


def test_what_a_failed_phase_had_changed_is_written_down(site: Site) -> None:
    error = InfraError("no")
    error.changed = 7  # type: ignore[attr-defined]
    site.fail("services", error)
    with pytest.raises(PhaseFailed):
        site.run()
    assert Journal(site.path).runs()[-1].changed == 7

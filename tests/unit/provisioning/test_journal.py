"""The journal survives a kill at any instant, and knows what is done, how long it took and what was slow."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.provisioning.journal import (
    Journal,
    JournalDamaged,
    RunRecord,
    _whole_passes,
    comparable,
    is_slow,
)


class Clock:
    """Time that passes only when told."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal(tmp_path: Path, clock: Clock) -> Journal:
    return Journal(tmp_path / "site" / "journal.jsonl", clock)


def make_run(
    journal: Journal,
    clock: Clock,
    phases: dict[str, float],
    changed: int = 0,
    run_id: str = "",
    end: bool = True,
) -> RunRecord:
    writer = journal.begin("up", run_id or f"run{clock.now:.0f}")
    for name, seconds in phases.items():
        writer.phase_started(name, f"inputs of {name}")
        clock.now += seconds
        writer.phase_ended(name, "ok", changed)
    if end:
        return writer.end("ok")
    clock.now += 1
    return writer.run


def test_a_site_that_was_never_deployed_has_an_empty_history(journal: Journal) -> None:
    assert journal.runs() == []
    assert journal.last_run() is None
    assert journal.done_phases("up") == {}
    assert journal.medians() == {}


def test_what_was_written_is_what_is_read(journal: Journal, clock: Clock) -> None:
    written = make_run(journal, clock, {"base": 12.5, "database": 3.0}, changed=4)
    assert journal.runs() == [written]
    assert written.changed == 8
    assert written.seconds == 15.5


def test_a_completed_run_leaves_nothing_to_resume(journal: Journal, clock: Clock) -> None:
    make_run(journal, clock, {"base": 1})
    assert journal.done_phases("up") == {}


def test_a_cut_run_leaves_what_it_had_done(journal: Journal, clock: Clock) -> None:
    writer = journal.begin("up", "a")
    writer.phase_started("base", "b1")
    writer.phase_ended("base", "ok", 3)
    writer.phase_started("database", "d1")
    assert journal.done_phases("up") == {"base": "b1"}
    assert journal.done_phases("deploy") == {}


def test_a_failed_phase_is_not_done(journal: Journal) -> None:
    writer = journal.begin("up", "a")
    writer.phase_started("base", "b1")
    writer.phase_ended("base", "failed", message="no")
    writer.end("failed")
    assert journal.done_phases("up") == {}
    run = journal.last_run()
    assert run is not None
    assert run.phases[0].message == "no"


def test_what_a_resumed_run_skipped_counts_as_done_when_it_is_cut_itself(journal: Journal) -> None:
    first = journal.begin("up", "a")
    first.phase_started("base", "b1")
    first.phase_ended("base", "ok", 3)
    second = journal.begin("up", "b")
    second.phase_skipped("base", "b1")
    second.phase_started("database", "d1")
    assert journal.done_phases("up") == {"base": "b1"}


def test_a_resumed_run_that_stops_before_the_cut_forgets_nothing(journal: Journal) -> None:
    first = journal.begin("up", "a")
    first.phase_started("base", "b1")
    first.phase_ended("base", "ok", 3)
    second = journal.begin("up", "b")
    second.phase_started("depot", "", gate=True)
    second.phase_ended("depot", "failed", message="busy")
    second.end("failed")
    assert journal.done_phases("up") == {"base": "b1"}


def test_a_phase_that_was_begun_again_takes_along_what_was_done_after_it(journal: Journal) -> None:
    first = journal.begin("up", "a")
    for name in ("base", "database", "services"):
        first.phase_started(name, name)
        first.phase_ended(name, "ok", 3)
    second = journal.begin("up", "b")
    second.phase_skipped("base", "base")
    second.phase_started("database", "changed")
    assert journal.done_phases("up") == {"base": "base"}
    second.phase_ended("database", "ok", 1)
    assert journal.done_phases("up") == {"base": "base", "database": "changed"}


def test_a_gate_is_never_among_what_is_done(journal: Journal) -> None:
    writer = journal.begin("up", "a")
    writer.phase_started("lab", "l", gate=True)
    writer.phase_ended("lab", "ok", 3)
    assert journal.done_phases("up") == {}
    assert journal.runs()[0].phases[0].gate


def test_a_run_of_another_command_does_not_hide_the_cut_one(journal: Journal) -> None:
    cut = journal.begin("up", "a")
    cut.phase_started("base", "b1")
    cut.phase_ended("base", "ok", 3)
    journal.begin("deploy", "b").end("ok")
    assert journal.done_phases("up") == {"base": "b1"}


def test_a_journal_cut_at_any_byte_is_read_up_to_its_last_whole_record(
    journal: Journal, clock: Clock, tmp_path: Path
) -> None:
    make_run(journal, clock, {"base": 2, "database": 3}, changed=1)
    make_run(journal, clock, {"base": 2}, end=False)
    whole = journal.path.read_bytes()
    cut = Journal(tmp_path / "cut.jsonl", clock)
    for length in range(len(whole) + 1):
        cut.path.write_bytes(whole[:length])
        records = whole[:length].count(b"\n")
        runs = cut.runs()
        assert len(runs) == (0 if records == 0 else 1 if records < 7 else 2)
        done = [phase.name for run in runs for phase in run.phases if phase.done]
        assert done == ["base", "database", "base"][: sum(records >= n for n in (3, 5, 9))]


def test_a_run_begun_after_a_cut_at_any_byte_stands_on_lines_of_its_own(
    journal: Journal, clock: Clock, tmp_path: Path
) -> None:
    make_run(journal, clock, {"base": 2}, changed=1, end=False)
    whole = journal.path.read_bytes()
    for length in range(len(whole) + 1):
        path = tmp_path / f"cut{length}.jsonl"
        path.write_bytes(whole[:length])
        cut = Journal(path, clock)
        before = len(cut.runs())
        cut.begin("up", "new").end("ok")
        assert [run.id for run in cut.runs()][before:] == ["new"]
        assert path.read_bytes().startswith(whole[:length][: whole[:length].rfind(b"\n") + 1])


@pytest.mark.parametrize("line", [b"{torn\n", b"[]\n", b'{"event": "run_started"}\n', b"\n", b"\xff\n"])
def test_a_broken_line_that_no_kill_explains_is_refused(journal: Journal, clock: Clock, line: bytes) -> None:
    make_run(journal, clock, {"base": 2})
    journal.path.write_bytes(line + journal.path.read_bytes())
    with pytest.raises(JournalDamaged, match="line 1 is not a journal record; move the file away"):
        journal.runs()


def test_nothing_is_appended_to_a_damaged_journal(journal: Journal, clock: Clock) -> None:
    make_run(journal, clock, {"base": 2})
    damaged = b"{torn\n" + journal.path.read_bytes()
    journal.path.write_bytes(damaged)
    with pytest.raises(JournalDamaged):
        journal.begin("up", "b")
    assert journal.path.read_bytes() == damaged


def test_only_the_phase_that_runs_can_end(journal: Journal) -> None:
    writer = journal.begin("up", "a")
    writer.phase_started("base", "b1")
    with pytest.raises(ValueError, match="database is not the one that runs"):
        writer.phase_ended("database", "ok")


def test_the_journal_is_readable_by_its_owner_only(journal: Journal) -> None:
    journal.begin("up", "a").end("ok")
    assert journal.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("changed", "other", "same"),
    [
        (0, 0, True),
        (0, 1, False),
        (1, 2, True),
        (2, 1, True),
        (1, 3, False),
        (100, 150, True),
        (300, 2, False),
    ],
)
def test_work_is_comparable_when_its_changes_differ_by_no_more_than_a_factor_of_two(
    changed: int, other: int, same: bool
) -> None:
    assert comparable(changed, other) is same


def test_a_median_needs_three_samples() -> None:
    assert not is_slow(100, [10, 10])
    assert is_slow(100, [10, 10, 10])


def test_slow_means_more_than_one_and_a_half_medians() -> None:
    assert not is_slow(15.0, [10, 10, 10])
    assert is_slow(15.1, [10, 10, 10])


def test_a_difference_under_a_second_is_noise() -> None:
    assert not is_slow(0.9, [0.3, 0.3, 0.3])


def test_a_slow_phase_is_pointed_out_with_its_median(journal: Journal, clock: Clock) -> None:
    for _ in range(3):
        make_run(journal, clock, {"base": 10, "database": 4})
    run = make_run(journal, clock, {"base": 16, "database": 4})
    slow = journal.slow_phases(run)
    assert [str(phase) for phase in slow] == [
        "base took 16.0 s, 1.6 times its median of 10.0 s over 3 comparable runs"
    ]


def test_first_deployments_and_no_change_runs_are_not_compared(journal: Journal, clock: Clock) -> None:
    for _ in range(4):
        make_run(journal, clock, {"base": 3})
    first = make_run(journal, clock, {"base": 60}, changed=80)
    assert journal.slow_phases(first) == []


def test_a_run_is_judged_by_the_runs_before_it(journal: Journal, clock: Clock) -> None:
    slow = make_run(journal, clock, {"base": 30})
    for _ in range(3):
        make_run(journal, clock, {"base": 3})
    assert journal.slow_phases(slow) == []


def test_a_skipped_phase_has_no_time(journal: Journal, clock: Clock) -> None:
    for _ in range(3):
        writer = journal.begin("up", f"s{clock.now}")
        writer.phase_skipped("base", "b")
        writer.end("ok")
        clock.now += 1
    assert journal.medians() == {}


def test_the_expected_time_is_the_median_of_runs_like_the_newest(journal: Journal, clock: Clock) -> None:
    make_run(journal, clock, {"base": 60}, changed=80)
    for seconds in (3, 5, 4):
        make_run(journal, clock, {"base": seconds})
    assert journal.medians() == {"base": 4}


def test_a_pass_that_takes_up_what_a_cut_one_began_is_no_sample(journal: Journal, clock: Clock) -> None:
    for _ in range(3):
        make_run(journal, clock, {"base": 20}, changed=10)
    cut = journal.begin("up", "cut")
    cut.phase_started("base", "b")
    clock.now += 15
    make_run(journal, clock, {"base": 5}, changed=10)
    assert journal.medians() == {"base": 20}
    assert [p.seconds for p in _whole_passes(journal.runs(), "base")] == [20, 20, 20]

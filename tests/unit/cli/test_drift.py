"""`citycloud zone drift`: what is shown, asked and answered; the run itself is of other tests."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner

from infra.cli import drift as module
from infra.domain.drift import Choice, Delivered, DriftReport, Finding, Orphan, PropertyDrift, StackDrift
from infra.provisioning.drift_runs import DriftOutcome
from tests.unit.inventory.conftest import INVENTORIES

NOW = dt.datetime.now(dt.UTC)
TAKEN = (NOW - dt.timedelta(hours=3)).isoformat()
OLD = (NOW - dt.timedelta(days=9)).isoformat()
FOREIGN = Finding(
    "aaaa1111", "foreign", "sxd", "type", "net", "id", "Network net: made by hand", created_at=OLD
)
CHANGED = Finding(
    "bbbb2222", "changed", "sxd", "type", "net", "id", "Network net: changed", "urn",
    (PropertyDrift("mtu", 1442, 1400), PropertyDrift("key", "[secret]", "[secret]")),
)  # fmt: skip
ORPHAN = Orphan("cccc3333", "volume", "old", "id", "gone", OLD, "volume old: its project is gone")


def make_stack(*findings: Finding, unread: str = "", read_at: str = TAKEN) -> StackDrift:
    return StackDrift("sxd", "lab-sxd", 20, TAKEN, read_at, findings, unread)


def make_outcome(*stacks: StackDrift, orphans: tuple[Orphan, ...] = (), **given: Any) -> DriftOutcome:
    unread = given.pop("orphans_unread", "")
    report = DriftReport("lab", TAKEN, 1.5, stacks, orphans, TAKEN, unread)
    return DriftOutcome(**{"report": report, "delivered": Delivered("file"), **given})


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What the command ran, and what it is to find."""
    held = SimpleNamespace(outcome=make_outcome(make_stack()), choices=[], agreed=None)

    def run(settings: Any, loaded: Any, agencies: Any, choice: Choice, *given: Any, **named: Any) -> Any:
        held.choices.append(choice)
        held.agreed = named["agreed"]
        return held.outcome

    monkeypatch.setattr(module, "run_drift", run)
    return held


def invoke(*arguments: str) -> Any:
    """(exit code, output) of the command, without the wrapper that turns what it returns into a code."""
    lab = str(INVENTORIES / "lab")
    result = CliRunner().invoke(module.drift, ["--inventory", lab, *arguments], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.return_value, result.output


def test_what_is_as_the_code_says_is_one_line_and_a_sum(runs: SimpleNamespace) -> None:
    code, output = invoke()
    assert code == 0
    assert "lab-sxd: as the code says, 20 resources, read 3 h ago" in output
    assert "1 stacks: 0 changed, 0 missing, 0 foreign, 0 orphans, 0 not read; 1.5 s" in output
    assert runs.choices == [Choice()]


def test_each_finding_has_a_sign_an_id_its_age_and_what_differs(runs: SimpleNamespace) -> None:
    missing = replace(FOREIGN, id="dddd4444", kind="missing", created_at="")
    runs.outcome = make_outcome(
        make_stack(FOREIGN, CHANGED, missing), orphans=(ORPHAN, replace(ORPHAN, created_at=""))
    )
    _, output = invoke()
    assert "  + aaaa1111 Network net: made by hand, 9 d old\n" in output
    assert "  ~ bbbb2222 Network net: changed\n      mtu: code 1442, cloud 1400\n" in output
    assert "  - dddd4444 Network net: made by hand\n" in output
    assert "  ? cccc3333 volume old: its project is gone (9 d old)" in output
    assert "  ? cccc3333 volume old: its project is gone (age unknown)" in output


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (make_outcome(make_stack(unread="no answer")), "NOT READ (last read whole 3 h ago): no answer"),
        (make_outcome(make_stack(unread="no answer", read_at="")), "NOT READ (never read whole): no answer"),
        (make_outcome(orphans_unread="no answer"), "orphans: NOT READ: no answer"),
        (
            make_outcome(delivered=Delivered("file", (), {"ctl": "refused"})),
            "not delivered to Prometheus on ctl: refused",
        ),
    ],
)
def test_what_could_not_be_read_or_delivered_is_told_and_is_exit_code_6(
    runs: SimpleNamespace, outcome: DriftOutcome, said: str
) -> None:
    runs.outcome = outcome
    code, output = invoke()
    assert code == 6
    assert said in output


def test_choices_are_passed_on(runs: SimpleNamespace) -> None:
    invoke("--adopt", "a", "--adopt", "b", "--revert", "c")
    invoke("--revert-all")
    assert runs.choices == [Choice(("a", "b"), ("c",)), Choice(revert_all=True)]


@pytest.mark.parametrize("options", [["--adopt-all", "--revert-all"], ["--adopt", "a", "--revert", "a"]])
def test_a_finding_is_adopted_or_reverted_and_not_both(runs: SimpleNamespace, options: list[str]) -> None:
    with pytest.raises(click.UsageError, match="adopted or reverted, not both"):
        invoke(*options)
    assert runs.choices == []


def test_what_was_done_is_counted(runs: SimpleNamespace) -> None:
    runs.outcome = make_outcome(make_stack(), adopted=(FOREIGN,), reverted=(CHANGED, CHANGED))
    _, output = invoke("--yes")
    assert "1 adopted: the next `citycloud zone up` takes them into the state" in output
    assert "2 reverted" in output


def test_no_secret_is_shown(runs: SimpleNamespace) -> None:
    runs.outcome = make_outcome(make_stack(CHANGED))
    assert "key: code '[secret]', cloud '[secret]'" in invoke()[1]


def test_what_will_be_done_is_said_before_it_is(
    runs: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    invoke("--revert-all", "--yes")
    runs.agreed([FOREIGN], [CHANGED])
    assert capsys.readouterr().err.splitlines() == [
        "adopt aaaa1111 sxd: Network net: made by hand", "revert bbbb2222 sxd: Network net: changed",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "age"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (2 * 86400, "2 d"), (-5, "0 s")],
)
def test_an_age_is_in_the_unit_that_people_count_in(seconds: int, age: str) -> None:
    assert module._age((NOW - dt.timedelta(seconds=seconds)).isoformat(), NOW) == age

"""How runs of stacks are shown: lines off a terminal, a live view on one, and the result."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from infra.cli.stacks import LiveStacks, show_event, shown_stacks, text
from infra.domain.plan import Finding
from infra.provisioning.stack_result import StackProgress, StackResult, Step

INSTANCE = "openstack:compute/instance:Instance"
FOUND = Finding("lab-sxd", "sxd", "urn", INSTANCE, "web", "delete", "delete_loses", "lost", "confirm")


def make_result(**change: Any) -> StackResult:
    told = {"operation": "up", "changes": {"create": 2, "same": 3}, "seconds": 1.5, **change}
    return StackResult("lab-sxd", "sxd", **told)


def make_event(kind: Any = "finished", stack: str = "lab-sxd", word: str = "up", said: str = "done") -> Any:
    return StackProgress(stack, "sxd", kind, said, 3, 35, word)


def told_of(event: StackProgress) -> str:
    stream = io.StringIO()
    show_event(event, stream)
    return stream.getvalue()


def test_the_result_counts_stacks_and_changes() -> None:
    told = text([make_result(), make_result(changes={"same": 5})])
    assert "lab-sxd: 2 create, 3 same, 1.5 s" in told
    assert told.splitlines()[-1] == "2 stacks, 2 resources changed"


@pytest.mark.parametrize(
    ("op", "sign"),
    [("create", "+"), ("update", "~"), ("delete", "-"), ("replace", "!"), ("import", "import")],
)
def test_each_step_has_a_sign_and_what_differs(op: str, sign: str) -> None:
    told = text([make_result(steps=(Step(op, INSTANCE, "web", properties=("name", "tags")),))])
    assert f"  {sign} {INSTANCE} web (name, tags)" in told.splitlines()


def test_a_preview_says_what_would_be_refused() -> None:
    told = text([make_result(operation="preview", findings=(FOUND,))])
    assert f"  refused: {FOUND}" in told.splitlines()
    last = told.splitlines()[-1]
    assert last == "1 stacks, 2 resources would change, 1 of these need a second person or break a policy"


def test_a_stack_that_was_left_out_says_why() -> None:
    assert "lab-sxd: unchanged (as it was)" in text([make_result(skipped=True, why="as it was")])


def test_no_stacks_are_no_changes() -> None:
    assert text([]) == "0 stacks, 0 resources changed"


@pytest.mark.parametrize("kind", ["started", "finished", "skipped", "failed"])
def test_what_begins_and_ends_is_a_line_with_its_place(kind: str) -> None:
    assert told_of(make_event(kind)).endswith(" [3/35] lab-sxd: done\n")


@pytest.mark.parametrize(
    "event", [make_event("step"), make_event("started", word="plan"), make_event(word="plan")]
)
def test_steps_and_plans_are_no_lines(event: StackProgress) -> None:
    assert told_of(event) == ""


def test_a_plan_that_failed_is_a_line() -> None:
    assert "lab-sxd: broken" in told_of(make_event("failed", word="plan", said="broken"))


def test_what_is_of_no_stack_is_a_line_without_a_place() -> None:
    assert told_of(make_event("step", stack="", word="", said="waiting")).endswith(" waiting\n")


def test_off_a_terminal_lines_go_to_the_stream() -> None:
    stream = io.StringIO()
    with shown_stacks(stream) as listener:
        listener(make_event())
    assert stream.getvalue().endswith("lab-sxd: done\n")


def test_on_a_terminal_who_works_has_a_line_and_who_is_done_stays_above() -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=80, force_terminal=False)
    now = [100.0]
    view = LiveStacks(console, lambda: now[0])
    view.hear(make_event("started", stack="lab-a"))
    view.hear(make_event("started", stack="lab-b"))
    view.hear(make_event("step", stack="lab-a", said="network made", word=""))
    view.hear(make_event("step", stack="lab-unknown", said="ignored", word=""))
    now[0] += 12
    with console.capture() as captured:
        console.print(view)
    shown = captured.get()
    assert "network made" in shown
    assert "lab-b" in shown
    assert "12 s" in shown
    assert "ignored" not in shown
    assert "up: 3 of 35 stacks" in shown
    view.hear(make_event("finished", stack="lab-a"))
    view.hear(make_event("failed", stack="lab-b", said="x" * 200))
    lines = stream.getvalue().splitlines()
    assert [line[0] for line in lines] == ["✔", "✘"]
    assert all(len(line) < 80 for line in lines)
    with console.capture() as captured:
        console.print(view)
    assert "lab-a" not in captured.get()

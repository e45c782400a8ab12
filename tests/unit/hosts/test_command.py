"""Programs of the deploy host."""

from __future__ import annotations

import pytest

from infra.hosts.command import CommandFailed, run


def test_output_is_returned_and_input_given() -> None:
    assert run(("cat",), input_text="a\n") == "a\n"
    assert run(("cat",)) == ""


def test_nothing_of_the_callers_environment_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYCLOUD_RUN", "1")
    names = [line.split("=")[0] for line in run(("env",), environment={"ADDED": "x"}).splitlines()]
    assert sorted(names) == ["ADDED", "LC_ALL", "PATH"]


def test_a_failure_tells_the_command_and_its_last_words() -> None:
    with pytest.raises(CommandFailed, match=r"`sh -c .*failed with 3: broken"):
        run(("sh", "-c", "echo broken >&2; exit 3"))


def test_a_missing_program_is_named() -> None:
    with pytest.raises(CommandFailed, match="no-such-program is not installed"):
        run(("no-such-program",))


def test_a_program_that_hangs_is_ended() -> None:
    with pytest.raises(CommandFailed, match="did not end"):
        run(("sleep", "10"), deadline_seconds=0.05)

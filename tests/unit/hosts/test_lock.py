"""One command at a time."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from infra.hosts.lock import LabBusy, exclusive, taking_turns


def test_a_second_command_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    path = tmp_path / "lab" / "lock"
    with exclusive(path), pytest.raises(LabBusy, match="wait"), exclusive(path):
        pytest.fail("two at once")
    with exclusive(path):
        pass


def test_a_program_that_outlives_its_starter_keeps_its_turn(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with taking_turns(path) as descriptor:
        orphan = subprocess.Popen(["sleep", "0.3"], pass_fds=(descriptor,))
    started = time.monotonic()
    with taking_turns(path):
        assert time.monotonic() - started > 0.1
    orphan.wait()


def test_an_error_of_the_command_is_not_taken_for_the_locks(tmp_path: Path) -> None:
    with pytest.raises(BlockingIOError), exclusive(tmp_path / "lock"):
        raise BlockingIOError


def test_a_lock_whose_file_was_removed_excludes_nobody(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with exclusive(path):
        path.unlink()
        with exclusive(path):
            pass

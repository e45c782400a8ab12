"""One run per site at a time."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from infra.provisioning import lock
from infra.provisioning.journal import boot_id
from infra.provisioning.lock import RunInProgress, SiteLock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "site" / "lock"


def test_a_second_run_is_refused_and_told_who_works(path: Path) -> None:
    with (
        SiteLock(path, "up"),
        pytest.raises(RunInProgress, match=rf"`citycloud up` \(process {os.getpid()}, "),
    ):
        SiteLock(path, "deploy").__enter__()


def test_the_refusal_has_the_code_busy() -> None:
    assert RunInProgress.code == "busy"


def test_a_lock_is_free_after_its_run(path: Path) -> None:
    with SiteLock(path, "up"):
        pass
    with SiteLock(path, "up"):
        pass


def test_a_lock_is_free_after_a_run_that_raised(path: Path) -> None:
    with pytest.raises(KeyError), SiteLock(path, "up"):
        raise KeyError
    assert lock.held(path) is None


def test_the_owner_of_a_held_lock_is_told_and_of_a_free_one_not(path: Path) -> None:
    assert lock.held(path) is None
    with SiteLock(path, "up"):
        owner = lock.held(path)
        assert owner is not None
        assert (owner.pid, owner.command, owner.alive()) == (os.getpid(), "up", True)
    assert lock.held(path) is None


def test_an_owner_of_another_boot_is_not_alive(path: Path) -> None:
    assert not lock.LockOwner(os.getpid(), "up", 0.0, "another boot").alive()
    assert lock.LockOwner(os.getpid(), "up", 0.0, boot_id()).alive()


def test_what_a_dead_run_wrote_does_not_keep_a_free_lock(path: Path) -> None:
    path.parent.mkdir()
    path.write_text(json.dumps({"pid": 1, "command": "up", "started": 0.0, "boot_id": boot_id()}))
    with SiteLock(path, "up"):
        assert lock.owner_of(path) == lock.held(path)


def test_the_next_run_waits_while_a_killed_runs_tether_still_cleans_up(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = SiteLock(path, "up").__enter__()
    dead = {"pid": 1, "command": "up", "started": 0.0, "boot_id": "another boot"}
    path.write_text(json.dumps(dead))
    waits: list[float] = []

    def pass_time(seconds: float) -> None:
        waits.append(seconds)
        holder.__exit__(None, None, None)

    monkeypatch.setattr(lock.time, "sleep", pass_time)
    with SiteLock(path, "up"):
        assert len(waits) == 1


def test_a_lock_on_a_removed_file_excludes_nobody_and_is_not_taken(path: Path) -> None:
    with SiteLock(path, "down"):
        path.unlink()
        with SiteLock(path, "up"):
            assert lock.held(path) is not None

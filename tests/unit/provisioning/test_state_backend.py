"""Where states are kept: what a dead engine left, who holds a lock, what a URL means."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.provisioning import state_backend
from infra.provisioning.pulumi_workspace import PulumiFiles
from infra.provisioning.stack_result import StackLocked
from infra.provisioning.state_backend import (
    EngineBackend,
    FileBackend,
    LockHolders,
    StateCutOff,
    holder_is_dead,
    patiently,
)

PROJECT, STACK, HOST = "platform", "lab", socket.gethostname()


def checkpoint_of(*names: str) -> str:
    resources = [{"urn": f"urn:pulumi:lab::platform::t::{name}", "type": "t"} for name in names]
    return json.dumps({"version": 3, "checkpoint": {"stack": STACK, "latest": {"resources": resources}}})


@pytest.fixture
def backend(tmp_path: Path) -> FileBackend:
    made = FileBackend(tmp_path / "state")
    made.checkpoint(PROJECT, STACK).parent.mkdir(parents=True)
    made.checkpoint(PROJECT, STACK).write_text(checkpoint_of("new"), encoding="utf-8")
    backup(made).write_text(checkpoint_of("old"), encoding="utf-8")
    return made


@pytest.fixture
def dead() -> int:
    """The number of a process that is gone."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


@pytest.fixture
def living_engine(tmp_path: Path) -> Iterator[int]:
    """A process that calls itself as the engine does."""
    program = tmp_path / "pulumi"
    program.symlink_to(sys.executable)
    command = [program, "-S", "-c", "print('up', flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def backup(backend: FileBackend) -> Path:
    file = backend.checkpoint(PROJECT, STACK)
    return file.with_name(f"{file.name}.bak")


def lock(backend: FileBackend, pid: int, host: str = HOST) -> Path:
    folder = backend.root / ".pulumi" / "locks" / "organization" / PROJECT / STACK
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{pid}.json"
    file.write_text(json.dumps({"pid": pid, "hostname": host, "timestamp": "now"}), encoding="utf-8")
    return file


def names(backend: FileBackend) -> list[str]:
    deployment = backend.deployment(PROJECT, STACK)
    assert deployment is not None
    return [one["urn"].rpartition("::")[2] for one in deployment["resources"]]


@pytest.mark.parametrize("left", ["", '{"version": 3, "checkpoint": {"sta', '{"version": 3}', "null"])
def test_a_checkpoint_that_was_cut_off_is_put_back_from_its_backup(backend: FileBackend, left: str) -> None:
    backend.checkpoint(PROJECT, STACK).write_text(left, encoding="utf-8")
    backend.mend(PROJECT, STACK)
    assert backend.checkpoint(PROJECT, STACK).read_text(encoding="utf-8") == checkpoint_of("old")
    assert backup(backend).exists()
    assert backend.stacks(PROJECT) == [STACK]
    assert {file.name for file in backup(backend).parent.iterdir()} == {"lab.json", "lab.json.bak"}


def test_who_only_reads_a_state_that_was_cut_off_gets_the_backup_too(backend: FileBackend) -> None:
    backend.checkpoint(PROJECT, STACK).write_text("", encoding="utf-8")
    assert names(backend) == ["old"]


def test_a_whole_checkpoint_is_left_alone(backend: FileBackend) -> None:
    before = backend.checkpoint(PROJECT, STACK).stat()
    backend.mend(PROJECT, STACK)
    assert backend.checkpoint(PROJECT, STACK).stat() == before
    assert names(backend) == ["new"]


@pytest.mark.parametrize("kept", [None, "", "[]", '{"version": 3, "check'])
def test_without_a_whole_backup_the_way_out_is_said_and_nothing_is_touched(
    backend: FileBackend, kept: str | None
) -> None:
    backend.checkpoint(PROJECT, STACK).write_text("{", encoding="utf-8")
    if kept is None:
        backup(backend).unlink()
    else:
        backup(backend).write_text(kept, encoding="utf-8")
    with pytest.raises(StateCutOff, match=r"state of stack lab was cut off .*lab\.json\. Put a copy") as told:
        backend.mend(PROJECT, STACK)
    assert told.value.code == "state_cut_off"
    assert backend.checkpoint(PROJECT, STACK).read_text(encoding="utf-8") == "{"


def test_nothing_is_put_back_while_an_engine_lives(backend: FileBackend, living_engine: int) -> None:
    held = lock(backend, living_engine)
    backend.checkpoint(PROJECT, STACK).write_text("", encoding="utf-8")
    with pytest.raises(StackLocked, match=f"locked by process {living_engine}"):
        backend.mend(PROJECT, STACK)
    assert held.exists()
    assert backend.checkpoint(PROJECT, STACK).read_text(encoding="utf-8") == ""


def test_a_stack_that_is_not_there_needs_no_mending(tmp_path: Path) -> None:
    backend = FileBackend(tmp_path / "state")
    backend.mend(PROJECT, STACK)
    assert backend.deployment(PROJECT, STACK) is None
    assert backend.digest(PROJECT, STACK) == ""
    assert backend.stacks(PROJECT) == []
    assert not backend.has_pending(PROJECT, STACK)


def test_attributes_that_were_cut_off_go_and_whole_ones_stay(backend: FileBackend, dead: int) -> None:
    checkpoint, held = backend.checkpoint(PROJECT, STACK), lock(backend, dead)
    cut = [
        checkpoint.with_name("lab.json.attrs"), held.with_name(f"{held.name}.attrs"),
        backend.root / ".pulumi" / "meta.yaml.attrs",
    ]  # fmt: skip
    for file in cut:
        file.write_text("", encoding="utf-8")
    whole = checkpoint.with_name("lab.json.bak.attrs")
    whole.write_text('{"md5": "x"}', encoding="utf-8")
    backend.mend(PROJECT, STACK)
    assert not [file for file in cut if file.exists()]
    assert whole.exists()
    assert names(backend) == ["new"]


def test_locks_of_the_dead_are_broken_and_those_of_another_host_are_not(
    backend: FileBackend, dead: int
) -> None:
    gone = lock(backend, dead)
    backend.mend(PROJECT, STACK)
    assert not gone.exists()
    gone.write_text("", encoding="utf-8")  # its writer was cut off
    backend.mend(PROJECT, STACK)
    assert not gone.exists()
    elsewhere = lock(backend, dead, "another-host")
    with pytest.raises(StackLocked, match="on another-host since now"):
        backend.mend(PROJECT, STACK)
    assert elsewhere.exists()


def test_a_holder_is_dead_when_its_number_is_free_or_somebody_elses(dead: int, living_engine: int) -> None:
    assert holder_is_dead({"pid": dead, "hostname": HOST})
    assert holder_is_dead({"pid": os.getpid(), "hostname": HOST})  # of this number, and no engine
    assert holder_is_dead({})
    assert not holder_is_dead({"pid": living_engine, "hostname": HOST})
    assert not holder_is_dead({"pid": dead, "hostname": "another-host"})


def test_holders_are_read_from_the_engines_words(dead: int, living_engine: int) -> None:
    def named(*whom: tuple[int, str]) -> LockHolders:
        lines = [f"  /locks/x.json: created by root@{host} (pid {pid}) at 2026-11-23T10:00:00Z"
                 for pid, host in whom]  # fmt: skip
        return LockHolders.named_in("error: the stack is currently locked by 1 lock(s).\n" + "\n".join(lines))

    assert named((dead, HOST)).all_dead
    assert not named((dead, HOST), (living_engine, HOST)).all_dead
    assert not named((dead, "another-host")).all_dead
    assert named((dead, "another-host")).sentence(STACK) == (
        f"stack lab is locked by process {dead} on another-host since 2026-11-23T10:00:00Z; wait for it to"
        " end"
    )
    nobody = LockHolders.named_in("error: something else")
    assert not nobody.all_dead
    assert nobody.sentence(STACK) == "stack lab is locked; wait for it to end"


def failing(times: int, failure: Exception) -> tuple[Callable[[], None], list[int]]:
    """Something that fails so often, and the count of its tries."""
    tries: list[int] = []

    def act() -> None:
        tries.append(len(tries))
        if len(tries) <= times:
            raise failure

    return act, tries


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time that goes on by itself only while somebody sleeps."""
    now = [0.0]
    monkeypatch.setattr(state_backend.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(state_backend.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))


@pytest.mark.usefixtures("no_pause")
def test_a_lock_is_waited_for_with_patience_and_not_for_ever() -> None:
    act, tries = failing(3, StackLocked("locked"))
    patiently(act)
    assert len(tries) == 4
    act, tries = failing(1000, StackLocked("locked"))
    with pytest.raises(StackLocked):
        patiently(act, patience=1.0)
    assert len(tries) == 6
    act, tries = failing(1, ValueError("another failure"))
    with pytest.raises(ValueError, match="another failure"):
        patiently(act)
    assert len(tries) == 1


@pytest.mark.parametrize(
    ("url", "kept"),
    [("", "pulumi/state"), ("file://{}/elsewhere", "elsewhere"), ("file://{}/odd?x=y", "odd")],
)
def test_files_are_read_directly_and_the_engine_writes_no_attributes(
    tmp_path: Path, url: str, kept: str, pulumi_stub: Path
) -> None:
    files = PulumiFiles(tmp_path, pulumi_stub, "passphrase", backend_url=url.format(tmp_path))
    assert isinstance(files.backend, FileBackend)
    assert files.backend.root == tmp_path / kept
    assert files.backend.url == f"file://{tmp_path / kept}?metadata=skip"
    assert files.backend.root.is_dir()


@pytest.mark.parametrize("url", ["postgres://citycloud@db/pulumi", "s3://states?endpoint=http://x:1"])
def test_any_other_store_is_asked_through_the_engine(tmp_path: Path, url: str, pulumi_stub: Path) -> None:
    files = PulumiFiles(tmp_path, pulumi_stub, "passphrase", backend_url=url)
    assert isinstance(files.backend, EngineBackend)
    assert files.backend.url == url


@pytest.fixture
def pulumi_stub(tmp_path: Path) -> Path:
    """An engine that can say its version, and no more."""
    stub = tmp_path / "stub"
    stub.write_text("#!/bin/sh\necho v3.259.0\n", encoding="utf-8")
    stub.chmod(0o755)
    return stub


def test_a_store_elsewhere_is_asked_for_its_stacks_once_and_again_after_a_change() -> None:
    asked: list[list[str]] = []
    state: dict[str, Any] = {"deployment": {"resources": [], "pending_operations": [{}]}}

    def ask(arguments: list[str], project: str) -> str:
        asked.append(arguments)
        listed = [{"name": "organization/landing_zone/lab-a"}, {"name": "lab"}]
        return json.dumps(listed if arguments[1] == "ls" else state)

    backend = EngineBackend("s3://states", ask)
    assert backend.stacks("landing_zone") == ["lab-a"]
    assert backend.stacks("platform") == ["lab"]
    assert len(asked) == 1
    assert backend.deployment("platform", "unknown") is None
    assert backend.digest("platform", "unknown") == ""
    before = backend.digest("landing_zone", "lab-a")
    assert backend.has_pending("landing_zone", "lab-a")
    state["deployment"] = {}
    assert backend.digest("landing_zone", "lab-a") != before
    assert not backend.has_pending("landing_zone", "lab-a")
    asked.clear()
    backend.changed("landing_zone", "lab-a")
    backend.stacks("platform")
    assert len(asked) == 1
    backend.mend("landing_zone", "lab-a")
    assert len(asked) == 1

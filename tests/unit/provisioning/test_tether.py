"""What a killed run started ends with it, and nothing else does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.provisioning.journal import new_run_id
from infra.provisioning.tether import VARIABLE, Tether, end_all, tethered

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
RUN = """
import subprocess, sys, time
from infra.provisioning.tether import Tether
with Tether(sys.argv[1]) as tether:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"],
                             env=tether.environment, start_new_session=True)
    print(child.pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(SLEEPER, env={VARIABLE: "another run"}) as process:
        yield process
        process.kill()


def wait_until_gone(pid: int) -> bool:
    for _ in range(3000):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_a_killed_run_takes_along_what_it_started_even_in_another_session() -> None:
    command = [sys.executable, "-c", RUN, new_run_id()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        child = int(run.stdout.readline())
        run.send_signal(signal.SIGKILL)
    assert wait_until_gone(child)


def test_a_run_that_fails_takes_along_what_it_started() -> None:
    tether = Tether(new_run_id()).__enter__()
    child = subprocess.Popen(SLEEPER, env=tether.environment)
    tether.__exit__(KeyError, KeyError(), None)
    assert child.wait(60) == -signal.SIGKILL


def test_a_run_that_ends_well_leaves_what_it_meant_to_leave() -> None:
    with Tether(new_run_id()) as tether:
        child = subprocess.Popen(SLEEPER, env=tether.environment)
    assert child.poll() is None
    child.kill()
    child.wait()


def test_processes_of_other_runs_are_not_touched(stranger: subprocess.Popen[bytes]) -> None:
    run_id = new_run_id()
    with subprocess.Popen(SLEEPER, env={VARIABLE: run_id}) as child:
        end_all(run_id)
        assert child.wait(60) == -signal.SIGKILL
    assert stranger.poll() is None


def test_only_processes_with_the_runs_own_id_are_found(stranger: subprocess.Popen[bytes]) -> None:
    assert stranger.pid in tethered("another run")
    assert stranger.pid not in tethered("another")
    assert os.getpid() not in tethered("another run")


def test_children_of_libraries_carry_the_runs_id_while_asked_for() -> None:
    tether = Tether(new_run_id())
    with tether.children():
        assert os.environ[VARIABLE] == tether.run_id
    assert VARIABLE not in os.environ

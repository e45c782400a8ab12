"""A build that is killed at any moment is finished by the next one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from infra.depot import verify

BUILD = """
import sys, time
from pathlib import Path
from infra.depot.building import Part, build_parts
from infra.depot.workshop import Workshop

def part(number):
    def make(workshop, work, say):
        for file in range(5):
            (work / f"part{number}").mkdir(exist_ok=True)
            (work / f"part{number}/file{file}").write_text(f"{number} {file}" * 1000)
            time.sleep(0.01)
    return Part(f"part{number}", (f"part{number - 1}",) if number else (), lambda workshop: "same", make)

root = Path(sys.argv[1])
workshop = Workshop(root / "depot", root / "cache", root)
result = build_parts([part(number) for number in range(4)], workshop, lambda *said: None, ())
print(len(result.made))
"""


def test_a_build_that_was_killed_again_and_again_ends_with_a_whole_depot(tmp_path: Path) -> None:
    seed = int(time.time())
    print(f"seed {seed}")
    chance = random.Random(seed)
    command = [sys.executable, "-c", BUILD, str(tmp_path)]
    for _ in range(8):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.1, 0.5))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    assert verify(tmp_path / "depot") == 20
    again = subprocess.run(command, check=True, capture_output=True, text=True)
    assert again.stdout == "0\n"
    assert not (tmp_path / "depot/.building").exists()

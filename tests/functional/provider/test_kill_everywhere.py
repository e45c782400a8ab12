"""A small, complete stack, killed at every boundary between an API call and the engine's journal."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_a_run_killed_at_any_boundary_is_finished_by_the_next(tmp_path: Path, cache: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "tests.functional.provider.kills", tmp_path, cache]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1500, check=False)
    assert done.returncode == 0, done.stderr[-5000:]
    told = json.loads(done.stdout)
    assert told["writes"] >= 10
    assert told["kills"] >= 6 * told["writes"]
    assert told["problems"] == []

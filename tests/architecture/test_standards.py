"""The tools that judge the code: each is a test, so that one command tells everything."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
TOOLS = {
    "ruff": [BIN / "ruff", "check", "."],
    "mypy": [BIN / "mypy"],
    "import contracts": [BIN / "lint-imports"],
    "ansible-lint": [BIN / "ansible-lint", "--profile", "production", "--offline", "--strict", "playbooks"],
}


@pytest.mark.parametrize("tool", TOOLS)
def test_the_tool_finds_nothing(tool: str) -> None:
    environment = {
        **os.environ,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "ANSIBLE_LIBRARY": str(ROOT / "playbooks/library"),
    }
    result = subprocess.run(
        [str(part) for part in TOOLS[tool]],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr

"""Programs of the build host: run one, keep what it said, die with the build."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.depot.errors import DepotPartFailed

_TAIL_LINES = 15


def run(
    part: str,
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> str:
    """Run a program to its end and return its standard output; raise DepotPartFailed with its last words.

    Variables are set by env(1) on top of what this process has. A killed build takes the program with it
    (PR_SET_PDEATHSIG), so that the next build finds nobody writing into its folders.
    """
    settings = [f"{name}={value}" for name, value in {"LC_ALL": "C.UTF-8", **(variables or {})}.items()]
    full = ["setpriv", "--pdeathsig", "KILL", "env", *settings, *map(str, argv)]
    if shutil.which(str(argv[0])) is None:
        raise DepotPartFailed(
            part, f"{argv[0]} is not installed; install the packages under build_host in packages.yaml"
        )
    done = subprocess.run(
        full, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode:
        words = (done.stdout + done.stderr).strip().splitlines()[-_TAIL_LINES:]
        raise DepotPartFailed(
            part, f"{' '.join(map(str, argv))[:300]}: exit {done.returncode}\n" + "\n".join(words)
        )
    return done.stdout


def enclosed(argv: Sequence[str | Path]) -> list[str | Path]:
    """The same program in its own mount and process namespaces: its mounts and children end with it."""
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", *argv]

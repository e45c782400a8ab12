"""Runs a program of the deploy host to its end."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence

from infra.errors import InfraError

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEADLINE_SECONDS = 30.0  # every program run here takes milliseconds; longer means that the machine is stuck


class CommandFailed(InfraError):
    """A program of the deploy host failed; the message holds its command line and its last words."""

    code = "command_failed"


def run(
    argv: Sequence[str],
    *,
    input_text: str | None = None,
    environment: Mapping[str, str] | None = None,
    cwd: str | None = None,
    pass_descriptors: Sequence[int] = (),
    deadline_seconds: float = DEADLINE_SECONDS,
) -> str:
    """Standard output of `argv`. Raises CommandFailed if it is missing, fails or passes the deadline.

    The environment is PATH and `environment`, never the caller's: what is started here may outlive the caller
    and must not carry its marks. No secret may stand in `argv`: every process of the machine can read it.
    """
    try:
        done = subprocess.run(
            argv,
            input=input_text,
            stdin=subprocess.DEVNULL if input_text is None else None,
            capture_output=True,
            text=True,
            timeout=deadline_seconds,
            env={"PATH": PATH, "LC_ALL": "C.UTF-8", **(environment or {})},
            cwd=cwd,
            pass_fds=pass_descriptors,
            check=False,
        )
    except FileNotFoundError:
        raise CommandFailed(f"{argv[0]} is not installed on the deploy host") from None
    except subprocess.TimeoutExpired:
        raise CommandFailed(f"`{' '.join(argv)}` did not end in {deadline_seconds:.0f} s") from None
    if done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise CommandFailed(f"`{' '.join(argv)}` failed with {done.returncode}: {words}")
    return done.stdout

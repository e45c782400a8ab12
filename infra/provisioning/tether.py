"""Ends what a run started when the run itself is killed.

A playbook that goes on after its `citycloud up` was killed would change servers under the feet of the next
run. SIGKILL cannot be caught, so a small process of its own waits at the other end of a pipe: when the pipe
closes without a farewell, the run is dead, and the tether kills every process that carries the run's id in
its environment (`CITYCLOUD_RUN`), wherever it was re-parented to. It shares the site's lock, so the next run
starts only after that.

Run as a script with the run's id as its argument; standard library only, so that it starts at once. It writes
`os.environ` (never reads it): a library's child can be marked in no other way.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

VARIABLE = "CITYCLOUD_RUN"
FAREWELL = b"done\n"
PASSES = 50  # processes that fork while being killed need another look; 50 x 20 ms


class Tether:
    """`with Tether(run_id, lock.descriptor) as tether:` and start children with `tether.environment`
    added."""

    def __init__(self, run_id: str, *descriptors: int) -> None:
        self.run_id = run_id
        self.environment = {VARIABLE: run_id}
        self._descriptors = descriptors
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def children(self) -> Iterator[None]:
        """Everything started meanwhile, by whatever library, inherits the run's id and so ends with the
        run."""
        os.environ.update(self.environment)
        try:
            yield
        finally:
            os.environ.pop(VARIABLE, None)

    def __enter__(self) -> Tether:
        self._process = subprocess.Popen(
            [sys.executable, "-I", __file__, self.run_id],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=self._descriptors,
            start_new_session=True,  # Ctrl-C at the terminal is for the run, not for this
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None:
            return
        # On a clean end children have ended too; after an error or a signal, what is left must go.
        farewell = FAREWELL if kind is None else b""
        self._process.communicate(farewell)
        self._process = None


def tethered(run_id: str) -> list[int]:
    """Processes that carry this run's id, but for the caller."""
    wanted = f"{VARIABLE}={run_id}".encode()
    found = []
    for directory in Path("/proc").iterdir():
        if not directory.name.isdigit() or int(directory.name) == os.getpid():
            continue
        try:
            if wanted in (directory / "environ").read_bytes().split(b"\0"):
                found.append(int(directory.name))
        except (PermissionError, FileNotFoundError, ProcessLookupError):
            continue  # another user's, or just gone
    return found


def end_all(run_id: str) -> None:
    for _ in range(PASSES):
        pids = tethered(run_id)
        if not pids:
            return
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)


def main(run_id: str) -> None:
    if sys.stdin.buffer.read() != FAREWELL:
        end_all(run_id)


if __name__ == "__main__":
    main(sys.argv[1])

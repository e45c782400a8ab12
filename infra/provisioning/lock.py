"""One run per site at a time.

The lock is the kernel's (flock): it goes when the last process that holds it is gone, so a killed run leaves
no stale lock. The run hands it to its tether (`infra.provisioning.tether`), which ends what a killed run
started: the lock is free only when nothing of the old run is at work on the site.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from infra.errors import InfraError
from infra.provisioning.journal import boot_id

AFTERMATH_SECONDS = 10.0  # how long a killed run's tether may take to end the run's processes


class RunInProgress(InfraError):
    """Another run works on this site; wait for it to end, or stop it."""

    code = "busy"


@dataclass(frozen=True)
class LockOwner:
    """Who holds a lock, as it wrote itself down."""

    pid: int
    command: str
    started: float
    boot_id: str

    def alive(self) -> bool:
        return self.boot_id == boot_id() and Path(f"/proc/{self.pid}").exists()


class SiteLock:
    """`with SiteLock(path, "up") as lock:`; raises RunInProgress at once if a live run has it."""

    def __init__(self, path: Path, command: str) -> None:
        self.path = path
        self.command = command
        self._descriptor: int | None = None

    @property
    def descriptor(self) -> int:
        """For the tether, which shares the lock."""
        if self._descriptor is None:
            raise ValueError("the lock is not held")
        return self._descriptor

    def __enter__(self) -> SiteLock:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        deadline = time.monotonic() + AFTERMATH_SECONDS
        while not self._try():
            owner = owner_of(self.path)
            if owner is None or owner.alive() or time.monotonic() > deadline:
                raise RunInProgress(_busy(self.path, owner))
            time.sleep(0.1)
        self._sign()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _try(self) -> bool:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # `down` removes the file with the site: a lock on a removed file excludes nobody
            current = self.path.exists() and os.path.samestat(os.fstat(descriptor), self.path.stat())
        except BlockingIOError:
            current = False
        if not current:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def _sign(self) -> None:
        owner = {"pid": os.getpid(), "command": self.command, "started": time.time(), "boot_id": boot_id()}
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, json.dumps(owner).encode(), 0)


def owner_of(path: Path) -> LockOwner | None:
    """Who last took this lock; None if nobody, or if it is just being written."""
    try:
        return LockOwner(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def held(path: Path) -> LockOwner | None:
    """The live owner of a lock, None when it is free. Takes nothing."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return owner_of(path)
    finally:
        os.close(descriptor)
    return None


def _busy(path: Path, owner: LockOwner | None) -> str:
    if owner is None:
        return f"another run works on this site ({path} is locked); wait for it to end"
    minutes = (time.time() - owner.started) / 60
    return (
        f"`citycloud {owner.command}` (process {owner.pid}, for {minutes:.0f} min) works on this site;"
        f" wait for it to end, or stop it with: kill {owner.pid}"
    )

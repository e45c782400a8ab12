"""One command at a time on a lab. The lock is the kernel's: it goes with the process that holds it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.errors import InfraError


class LabBusy(InfraError):
    """Another command is at work on this lab; wait for it to end."""

    code = "busy"


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Holds the lock file, made if need be; raises LabBusy at once if somebody else does."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not _take(descriptor, path):
            raise LabBusy(f"another command is at work on this lab ({path} is locked); wait for it to end")
        yield
    finally:
        os.close(descriptor)


@contextmanager
def taking_turns(path: Path) -> Iterator[int]:
    """Holds the lock file; waits for whoever else does. For work that several labs share.

    Yields the descriptor: a program that is given it keeps the lock if its starter is killed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    # the destroy that held it removes the file: a lock on a removed file excludes nobody
    return path.exists() and os.path.samestat(os.fstat(descriptor), path.stat())

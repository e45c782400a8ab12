"""System calls that Python 3.11 has no function for: namespaces and mounts."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
MS_NODEV_NOSUID_NOEXEC = 0x2 | 0x4 | 0x8
MS_BIND = 0x1000
MS_REC = 0x4000
MS_SLAVE = 0x80000

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def enter_network(path: Path) -> None:
    """Moves the calling thread, and what it starts from now on, into a network namespace."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(_libc.setns(descriptor, CLONE_NEWNET), f"enter the network namespace {path}")
    finally:
        os.close(descriptor)


def leave_mounts() -> None:
    """Gives the process mounts of its own: it sees the deploy host's later changes, never the reverse."""
    _check(_libc.unshare(CLONE_NEWNS), "make a mount namespace")
    _check(_libc.mount(None, b"/", None, MS_REC | MS_SLAVE, None), "detach the mounts from the deploy host's")


def mount(source: str, target: str, kind: str, options: str) -> None:
    _check(
        _libc.mount(source.encode(), target.encode(), kind.encode(), 0, options.encode()),
        f"mount {kind} on {target}",
    )

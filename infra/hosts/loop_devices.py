"""Loop devices that a lab server leaves attached: the kernel keeps them when a container dies.

The kernel tells the file's path as its server saw it, which may exist in two labs. What decides is the number
of the file system: that of the server's own root, which nobody else has while something holds it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK_DEVICES = Path("/sys/block")
DEVICES = Path("/dev")
PROCESSES = Path("/proc")
LOOP_CLR_FD = 0x4C01
LOOP_GET_STATUS64 = 0x4C05
STATUS_SIZE = 232  # struct loop_info64


@dataclass(frozen=True)
class LoopDevice:
    """An attached device: its name (`loop3`), the file system (as st_dev) and the inode of its file."""

    name: str
    file_system: int
    inode: int

    @classmethod
    def of_status(cls, name: str, status: bytes) -> LoopDevice:
        """From the kernel's struct loop_info64, which begins with file system and inode."""
        encoded = int.from_bytes(status[:8], "little")
        major, minor = encoded >> 8 & 0xFFF, encoded & 0xFF | encoded >> 12 & 0xFFF00
        return cls(name, os.makedev(major, minor), int.from_bytes(status[8:16], "little"))

    def detach(self) -> None:
        """At once, or as soon as it is not in use any more."""
        descriptor = os.open(DEVICES / self.name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            with contextlib.suppress(OSError):  # it was detached meanwhile
                fcntl.ioctl(descriptor, LOOP_CLR_FD, 0)
        finally:
            os.close(descriptor)


def attached() -> Iterator[LoopDevice]:
    """Every device of this machine that has a file."""
    for entry in sorted(BLOCK_DEVICES.glob("loop*/loop/backing_file")):
        name = entry.parent.parent.name
        try:
            descriptor = os.open(DEVICES / name, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue  # gone meanwhile
        status = bytearray(STATUS_SIZE)
        try:
            fcntl.ioctl(descriptor, LOOP_GET_STATUS64, status)
        except OSError:
            continue  # detached meanwhile
        finally:
            os.close(descriptor)
        yield LoopDevice.of_status(name, bytes(status))


def detach_all(file_system: int) -> None:
    """Detaches those with a file on the server's root `file_system`; those in use, when they are free."""
    for device in attached():
        if device.file_system == file_system:
            device.detach()


def detach_left(file_system: int) -> None:
    """The same for a dead server: if the number is another living one's root by now, nothing is ours."""
    if file_system not in roots_in_use():
        detach_all(file_system)


def roots_in_use() -> frozenset[int]:
    """File systems that are the root of a living process."""
    found = set()
    for entry in PROCESSES.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # it ended meanwhile
                found.add((entry / "root").stat().st_dev)
    return frozenset(found)

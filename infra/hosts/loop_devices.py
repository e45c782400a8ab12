"""Loop devices that a lab server leaves attached: the kernel keeps them when a container dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path

BLOCK_DEVICES = Path("/sys/block")
DEVICES = Path("/dev")
LOOP_CLR_FD = 0x4C01
DELETED = " (deleted)"


def attached(roots: Mapping[str, Path], blocks: Path = BLOCK_DEVICES) -> tuple[str, ...]:
    """Names (`loop3`) of loop devices whose file is below one of `roots`: a server's path -> our folder.

    The kernel tells the file's path as its server saw it, which may exist in two labs; the inode decides.
    """
    found = []
    for entry in sorted(blocks.glob("loop*/loop/backing_file")):
        device = entry.parent.parent.name
        try:
            inside = entry.read_text().strip().removesuffix(DELETED)
            inode = _inode(device)
        except OSError:
            continue  # detached meanwhile
        if any(_same_file(folder, prefix, inside, inode) for prefix, folder in roots.items()):
            found.append(device)
    return tuple(found)


def detach(roots: Mapping[str, Path]) -> None:
    """Detaches them; their server must be off."""
    for device in attached(roots):
        descriptor = os.open(DEVICES / device, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.ioctl(descriptor, LOOP_CLR_FD, 0)
        finally:
            os.close(descriptor)


def _inode(device: str) -> int:
    """Of the attached file; from LOOP_GET_STATUS64, whose second 64-bit field it is."""
    status = bytearray(232)
    descriptor = os.open(DEVICES / device, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.ioctl(descriptor, 0x4C05, status)
    finally:
        os.close(descriptor)
    return int.from_bytes(status[8:16], "little")


def _same_file(folder: Path, prefix: str, inside: str, inode: int) -> bool:
    if not inside.startswith(prefix):
        return False
    try:
        return (folder / inside.removeprefix(prefix).lstrip("/")).stat().st_ino == inode
    except OSError:
        return False

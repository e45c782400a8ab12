"""The bare Debian that all lab servers share, unpacked once per version of the depot's tarball."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from infra.errors import InfraError
from infra.hosts.command import run
from infra.hosts.lock import taking_turns

UNPACK_SECONDS = 300.0
PARTIAL = ".partial"


class RootFilesystemMissing(InfraError):
    """The depot has no server tarball; build the depot first: citycloud depot build."""

    code = "root_filesystem_missing"


class RootFilesystemGone(InfraError):
    """The bare server that this lab was made from is gone, and the depot holds another; make the lab anew."""

    code = "root_filesystem_gone"


def pinned(link: Path, tarball: Path, cache_dir: Path) -> Path:
    """The unpacked contents that `link` points to; at the first call, those of `tarball`.

    A server's disk is what it changed on top of them: under another version it would be neither the old
    server nor a new one. Raises RootFilesystemGone.
    """
    if link.is_symlink() and link.exists():
        return link.readlink()
    lower = unpack(tarball, cache_dir)
    if not link.is_symlink():
        link.symlink_to(lower)
    elif link.readlink() != lower:
        raise RootFilesystemGone(
            f"{link.readlink()} is gone and the depot holds another version; make the lab anew:"
            " citycloud lab destroy, then citycloud lab create"
        )
    return lower


def unpack(tarball: Path, cache_dir: Path) -> Path:
    """The folder with the contents of `tarball`, named by their digest; unpacks them if it is not there yet.

    Whole or not at all: it is renamed when complete, and a rest of a killed run is removed. Servers mount it
    as their lower layer and never write to it.
    """
    try:
        with tarball.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise RootFilesystemMissing(
            f"{tarball} does not exist; build the depot: citycloud depot build"
        ) from None
    target = cache_dir / "base" / digest
    with taking_turns(cache_dir / "base" / ".lock") as lock:
        if not target.is_dir():
            _unpack_whole(tarball, target, lock)
    return target


def _unpack_whole(tarball: Path, target: Path, lock: int) -> None:
    """The tar of a killed run keeps the lock, so nobody clears the folder under it."""
    partial = target.with_suffix(PARTIAL)
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    run(
        ("tar", "--extract", "--file", str(tarball), "--directory", str(partial), "--zstd",
         "--preserve-permissions", "--numeric-owner", "--xattrs", "--xattrs-include=*"),
        deadline_seconds=UNPACK_SECONDS,
        pass_descriptors=(lock,),
    )  # fmt: skip
    os.rename(partial, target)

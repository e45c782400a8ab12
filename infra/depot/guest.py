"""Guest images, made from the bare server and the depot's packages.

`debian-12.qcow2` boots by BIOS on virtual hardware, emulated or not; `debian-12-container.raw` is a file
system that nova's lxc support boots on the hypervisor's kernel. Both set themselves up from the metadata
service (images/first-boot) instead of cloud-init: on an emulated processor that saves 40 of 60 seconds.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from infra.depot import packages
from infra.depot.command import enclosed, run
from infra.depot.manifest import digest
from infra.depot.rootfs import ARCHIVE, MATERIAL
from infra.depot.workshop import Say, Workshop, tree_digest

PART = "images"
DISK = "images/debian-12.qcow2"
CONTAINER = "images/debian-12-container.raw"
# A server's first packages and logs fit beside the image; the file system grows to the flavor's disk.
_FREE_MIB = 160


def inputs(workshop: Workshop) -> str:
    """The bare server, the packages, their lists, and the material in images/."""
    lists = packages.load().sets
    return digest(
        workshop.own_source("guest.py"),
        workshop.made_from("base/"),
        workshop.made_from("apt/Packages"),
        tree_digest(MATERIAL, [MATERIAL]),
        *lists["guest"],
        "+",
        *lists["guest_boot"],
    )


def make(workshop: Workshop, work: Path, say: Say) -> None:
    """One tree grows: first into the container's file system, then with a kernel into the disk."""
    tree = workshop.cache("guest.partial")
    shutil.rmtree(tree)
    tree.mkdir()
    (work / "images").mkdir()
    say("unpacking the bare server", 0.05)
    run(
        PART,
        [
            "tar",
            "--extract",
            "--zstd",
            "--numeric-owner",
            "--xattrs",
            "--xattrs-include=*",
            "--file",
            workshop.depot_dir / ARCHIVE,
            "--directory",
            tree,
        ],
    )
    lists = packages.load().sets
    say("installing packages of every guest", 0.1)
    _install(workshop, tree, lists["guest"])
    say("making the container's file system", 0.3)
    with_masks = workshop.cache("container.partial")
    shutil.rmtree(with_masks)
    run(PART, ["cp", "--archive", "--reflink=auto", tree, with_masks])
    run(PART, ["sh", MATERIAL / "container.sh", with_masks])
    container = work / CONTAINER
    run(
        PART,
        [
            "mke2fs",
            "-q",
            "-t",
            "ext4",
            "-b",
            "4096",
            "-m",
            "1",
            "-L",
            "debian-root",
            "-d",
            with_masks,
            container,
            f"{_mib(with_masks)}M",
        ],
    )
    shutil.rmtree(with_masks)
    say("installing the kernel", 0.5)
    _install(workshop, tree, lists["guest_boot"])
    run(PART, ["sh", MATERIAL / "boot.sh", tree, MATERIAL])
    say("making the disk", 0.8)
    raw = workshop.cache() / "disk.partial"
    raw.unlink(missing_ok=True)
    run(PART, enclosed(["sh", MATERIAL / "disk.sh", tree, raw, str(_mib(tree))]))
    run(PART, ["qemu-img", "convert", "-O", "qcow2", raw, work / DISK])
    raw.unlink()
    shutil.rmtree(tree)


def _install(workshop: Workshop, tree: Path, names: tuple[str, ...]) -> None:
    run(PART, enclosed(["sh", MATERIAL / "guest.sh", tree, workshop.depot_dir / "apt", MATERIAL, *names]))


def _mib(tree: Path) -> int:
    """MiB of a file system for a tree: its blocks, a tenth for tables and journal, and room to work."""
    used = int(run(PART, ["du", "--summarize", "--block-size=1M", tree]).split()[0])
    return used + used // 10 + _FREE_MIB

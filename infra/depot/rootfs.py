"""base/debian-12.tar.zst: a bare Debian 12 server, made from the depot's own packages and nothing else.

Lab servers are clones of it and guest images grow from it. It stands for what a data center's installer
leaves behind, so no package of the cloud is in it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from infra.depot import packages
from infra.depot.command import enclosed, run
from infra.depot.manifest import digest
from infra.depot.workshop import Say, Workshop

PART = "base"
ARCHIVE = "base/debian-12.tar.zst"
MATERIAL = Path(__file__).with_name("images")
# Manuals and translations stay out; licences stay in.
_LEFT_OUT = [
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/info/*",
]


def inputs(workshop: Workshop) -> str:
    """The packages, the list of the server, and the script that makes it bare."""
    server = packages.load().sets["server"]
    material = (MATERIAL / "base.sh").read_bytes()
    return digest(workshop.own_source("rootfs.py"), workshop.made_from("apt/Packages"), material, *server)


def make(workshop: Workshop, work: Path, say: Say) -> None:
    """mmdebstrap into a folder, then one archive."""
    tree = workshop.cache() / "rootfs.partial"
    shutil.rmtree(tree, ignore_errors=True)
    say("unpacking packages", 0.05)
    options = [f"--dpkgopt={option}" for option in [*_LEFT_OUT, "force-unsafe-io"]]
    run(
        PART,
        enclosed(
            [
                "mmdebstrap",
                "--mode=root",
                "--variant=apt",
                "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
                "--format=directory",
                "--architectures=amd64",
                "--quiet",
                '--aptopt=APT::Install-Recommends "false"',
                '--aptopt=Acquire::Languages "none"',
                *options,
                f"--include={','.join(packages.load().sets['server'])}",
                "--skip=check/qemu",
                "bookworm",
                str(tree),
                source_line(workshop),
            ]
        ),
    )
    (tree / "etc/dpkg/dpkg.cfg.d/99mmdebstrap").write_text("\n".join(_LEFT_OUT) + "\n")
    run(PART, ["sh", MATERIAL / "base.sh", tree])
    say("packing", 0.85)
    archive = work / ARCHIVE
    archive.parent.mkdir(parents=True)
    pack(PART, tree, ".", archive)
    shutil.rmtree(tree)


def source_line(workshop: Workshop) -> str:
    """The depot as apt sees it on this machine, checked with the depot's key as a server checks it."""
    folder = workshop.depot_dir / "apt"
    return f"deb [signed-by={folder}/depot.asc] copy:{folder} ./"


def pack(part: str, parent: Path, name: str, archive: Path, *options: str) -> None:
    """A folder as .tar.zst that unpacks fast: the archive is read far more often than it is written."""
    run(
        part,
        [
            "tar",
            "--create",
            "--numeric-owner",
            "--xattrs",
            "--xattrs-include=security.*",
            "--acls",
            "--sort=name",
            *options,
            "--use-compress-program=zstd -T0 -3",
            "--file",
            archive,
            "--directory",
            parent,
            name,
        ],
    )

"""What the deploy host itself must have before it makes a lab or deploys a site."""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from infra.errors import PreflightFailed, Problem
from infra.hosts.command import PATH
from infra.hosts.control_group import ControlGroupsMissing, Hierarchies
from infra.hosts.lab import MIB, TARBALL, Lab
from infra.inventory import Inventory
from infra.settings import Settings

WHERE = "deploy host"
LAB_FREE_GIB = 20  # three servers' packages, environments and images, and the first guests' disks
GIB = 1024**3
PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "ethtool": "ethtool",
    "nsenter": "util-linux",
    "sysctl": "procps",
    "tar": "tar",
    "zstd": "zstd",
    "ssh": "openssh-client",
}
"""Programs that make a lab -> Debian packages that have them."""


def examine(inventory: Inventory, settings: Settings) -> list[Problem]:
    """Everything that is wrong with this machine; changes nothing."""
    problems = [*_depot(settings.depot_dir), *_api_name(inventory)]
    if inventory.lab is not None:
        problems += [*_lab_rights(), *_lab_programs(), *_lab_kernel(), *_lab_space(inventory, settings)]
    return sorted(problems)


def require(inventory: Inventory, settings: Settings) -> None:
    """Raises PreflightFailed with everything that is wrong with this machine."""
    if problems := examine(inventory, settings):
        raise PreflightFailed(problems)


def _depot(depot_dir: Path) -> Iterator[Problem]:
    if not (depot_dir / "manifest.json").exists():
        why = "there is no depot, from which servers install everything"
        yield Problem(WHERE, "depot", str(depot_dir), why, "build it: citycloud depot build")


def _api_name(inventory: Inventory) -> Iterator[Problem]:
    """URLs hold the name; the deploy host calls them as everybody does."""
    site = inventory.site
    try:
        infos = socket.getaddrinfo(site.api_name, None, socket.AF_INET, socket.SOCK_STREAM)
        found = sorted({str(info[4][0]) for info in infos})
    except OSError:
        found = []
    if str(site.api_address) not in found:
        yield Problem(
            str(inventory.path / "group_vars" / "all.yml"),
            "api_name",
            site.api_name,
            f"on the deploy host the name leads to {', '.join(found) or 'nothing'}, not {site.api_address}",
            "enter it in the name service, or in /etc/hosts of the deploy host",
        )


def _lab_rights() -> Iterator[Problem]:
    if os.geteuid() != 0:
        why = "a lab needs namespaces, mounts and control groups"
        yield Problem(WHERE, "user", str(os.geteuid()), why, "run citycloud as root")


def _lab_programs() -> Iterator[Problem]:
    for program, package in PROGRAMS.items():
        if shutil.which(program, path=PATH) is None:
            why = "the program is missing, and a lab is made with it"
            yield Problem(WHERE, "programs", program, why, f"apt-get install {package}")


def _lab_kernel() -> Iterator[Problem]:
    if not re.search(r"\boverlay$", Path("/proc/filesystems").read_text(), re.MULTILINE):
        why = "the kernel has no overlay file system, and lab servers share one base"
        yield Problem(WHERE, "kernel", "overlay", why, "modprobe overlay")
    if not Path("/dev/net/tun").exists():
        why = "the kernel has no tun devices, and Open vSwitch in a lab works with them"
        yield Problem(WHERE, "kernel", "/dev/net/tun", why, "modprobe tun")
    try:
        Hierarchies.of_this_machine()
    except ControlGroupsMissing as error:
        yield Problem(WHERE, "kernel", "cgroup2", str(error), "mount the unified hierarchy")


def _lab_space(inventory: Inventory, settings: Settings) -> Iterator[Problem]:
    """A lab that exists has its share already: it must not fail its own preflight."""
    lab = Lab.of(inventory, settings)
    if not (settings.depot_dir / TARBALL).exists():
        why = "the depot has no bare server"
        yield Problem(WHERE, "depot", str(settings.depot_dir / TARBALL), why, "citycloud depot build")
    available = available_memory(Path("/proc/meminfo").read_text()) + lab.group.memory()
    if available < lab.plan.spec.memory_mib * MIB:
        yield Problem(
            str(inventory.path / "group_vars" / "all.yml"),
            "lab.memory_mib",
            str(lab.plan.spec.memory_mib),
            f"the deploy host has {available // MIB} MiB to give",
            "end other programs, or give the lab less if it has no guests",
        )
    existing = next(path for path in (lab.directory, *lab.directory.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if not lab.directory.exists() and free < LAB_FREE_GIB * GIB:
        why = f"a lab needs {LAB_FREE_GIB} GiB there"
        yield Problem(
            WHERE, "disk", f"{existing}: {free // GIB} GiB free", why, "make room, or set CITYCLOUD_STATE"
        )


def available_memory(meminfo: str) -> int:
    """Bytes that programs may still take, of the text of /proc/meminfo."""
    match = re.search(r"MemAvailable:\s+(\d+) kB", meminfo)
    return int(match.group(1)) * 1024 if match else 0

"""The lab's network namespace: bridges that stand for the switches of a data center, with no way outside.

Everything that belongs to a lab talks inside it: no packet of the lab can reach a real network, and two labs
with the same addresses do not meet.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from infra.domain.lab import LabBridge
from infra.errors import InfraError
from infra.hosts import iproute, kernel
from infra.hosts.command import run

DIRECTORY = Path("/run/netns")
MOUNTS = Path("/proc/self/mountinfo")

T = TypeVar("T")


class NamespaceMissing(InfraError):
    """The lab's network namespace does not exist; start the lab first: citycloud lab start."""

    code = "lab_not_running"


def name_of(site_name: str, server: str | None = None) -> str:
    """The namespace of a lab, or of one of its servers."""
    return f"citycloud-{site_name}" if server is None else f"citycloud-{site_name}-{server}"


def path_of(name: str) -> Path:
    return DIRECTORY / name


def exists(name: str) -> bool:
    """Whether it is there and whole: a file without a mount is what a killed `ip netns add` leaves."""
    point = str(path_of(name))
    return any(line.split()[4] == point for line in MOUNTS.read_text().splitlines() if " nsfs " in line)


def create(name: str, bridges: Iterable[LabBridge] = ()) -> None:
    """Makes the namespace and what is missing in it. It forwards between its own bridges only."""
    if not exists(name):
        path_of(name).unlink(missing_ok=True)
        iproute.add_namespace(name)
    iproute.set_up(name, "lo")
    iproute.set_kernel_variables(name, ["net.ipv4.ip_forward=1"])
    present = iproute.links(name)
    for bridge in bridges:
        if bridge.name not in present:
            iproute.add_bridge(name, bridge.name, mac_address(name, bridge.name))
        if bridge.address is not None:
            iproute.set_address(name, bridge.name, str(bridge.address))
        iproute.set_up(name, bridge.name)


def destroy(name: str) -> None:
    """Removes it; one that is not there is fine. Interfaces in it go with it."""
    if exists(name):
        iproute.delete_namespace(name)
    path_of(name).unlink(missing_ok=True)


def release_directory() -> None:
    """Takes away the mount that a machine's first `ip netns add` makes, if no namespace needs it."""
    if DIRECTORY.is_dir() and not any(DIRECTORY.iterdir()):
        while DIRECTORY.is_mount():
            run(("umount", str(DIRECTORY)))


def enter(name: str) -> None:
    """Moves the calling thread and all it starts from now on into the namespace, for good.

    Call it in an entry point, before threads are started. Files, processes and /sys stay the deploy host's.
    """
    if not exists(name):
        raise NamespaceMissing(
            f"the network namespace {name} does not exist; start the lab: citycloud lab start"
        )
    kernel.enter_network(path_of(name))


def run_inside(name: str, work: Callable[[], T]) -> T:
    """What `work` returns, run in the namespace by a thread of its own; the caller stays where it is."""
    results: list[T] = []
    failures: list[BaseException] = []

    def inside() -> None:
        try:
            enter(name)
            results.append(work())
        except BaseException as error:  # handed to the caller below, whatever it is
            failures.append(error)

    thread = threading.Thread(target=inside, name=f"in {name}")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return results[0]


def mac_address(*names: str) -> str:
    """A locally administered address that is the same each time, as that of a real network card is."""
    digest = hashlib.sha256("/".join(names).encode()).hexdigest()
    return ":".join(["02", *(digest[start : start + 2] for start in range(0, 10, 2))])

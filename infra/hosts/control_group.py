"""Control groups: the kernel's own list of the processes that belong to the lab.

A process cannot leave its group by forking or being re-parented, and a group outlives whoever made it; so
what a lab started is found and ended without trusting process numbers, which the kernel uses again. Works on
machines with the unified hierarchy and on those that mount it beside the old controllers (hybrid).
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.errors import InfraError

MOUNTS = Path("/proc/self/mountinfo")
CONTROLLERS = ("cpu", "cpuset", "io", "memory", "pids")
REMOVE_SECONDS = 5.0
KILL_SECONDS = 20.0  # processes in uninterruptible sleep need their disk first


class ControlGroupsMissing(InfraError):
    """The deploy host has no unified control groups; boot a kernel of 5.14 or later with cgroup2."""

    code = "control_groups_missing"


class ProcessesRemain(InfraError):
    """Processes of the lab did not end although killed; see what the kernel holds them for (state D)."""

    code = "processes_remain"


@dataclass(frozen=True)
class Hierarchies:
    """Where control groups are mounted: `unified` counts processes, `legacy` are the old controllers."""

    unified: Path
    legacy: tuple[Path, ...]

    @classmethod
    def of_this_machine(cls) -> Hierarchies:
        unified, legacy = [], []
        for line in MOUNTS.read_text().splitlines():
            fields, _, rest = line.partition(" - ")
            point, root = Path(fields.split()[4]), fields.split()[3]
            if root != "/":
                continue
            if rest.startswith("cgroup2 "):
                unified.append(point)
            elif rest.startswith("cgroup "):
                legacy.append(point)
        if not unified:
            raise ControlGroupsMissing(str(ControlGroupsMissing.__doc__))
        return cls(unified[0], tuple(dict.fromkeys(legacy)))


@dataclass(frozen=True)
class ControlGroup:
    """A group and all below it; `path` is relative to each hierarchy's root: `citycloud-lab/ctl1`."""

    path: str
    hierarchies: Hierarchies

    @property
    def directories(self) -> tuple[Path, ...]:
        return tuple(root / self.path for root in (self.hierarchies.unified, *self.hierarchies.legacy))

    @property
    def unified(self) -> Path:
        return self.hierarchies.unified / self.path

    def child(self, name: str) -> ControlGroup:
        return ControlGroup(f"{self.path}/{name}", self.hierarchies)

    def create(self) -> None:
        """Makes it and its parents; the parents hand their controllers down."""
        parts = Path(self.path).parts
        for depth in range(1, len(parts) + 1):
            for root in (self.hierarchies.unified, *self.hierarchies.legacy):
                directory = root.joinpath(*parts[:depth])
                directory.mkdir(exist_ok=True)
                _inherit_processors(directory)
            if depth < len(parts):
                _hand_down(self.hierarchies.unified.joinpath(*parts[:depth]))

    def populated(self) -> bool:
        """Whether any process lives in it or below."""
        try:
            return "populated 1" in (self.unified / "cgroup.events").read_text()
        except OSError:
            return False

    def processes(self) -> tuple[int, ...]:
        """Numbers of its processes, those of groups below too, as the deploy host counts them."""
        found: list[int] = []
        for directory in _tree(self.unified):
            try:
                found += [int(line) for line in (directory / "cgroup.procs").read_text().split()]
            except OSError:
                continue  # removed meanwhile, and then empty
        return tuple(number for number in found if number > 0)

    def wait_empty(self, deadline_seconds: float) -> bool:
        deadline = time.monotonic() + deadline_seconds
        while self.populated():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def kill(self) -> None:
        """Ends every process in it at once, and waits until they are gone."""
        if not self.unified.is_dir():
            return
        (self.unified / "cgroup.kill").write_text("1")
        if not self.wait_empty(KILL_SECONDS):
            raise ProcessesRemain(
                f"processes {list(self.processes())} of {self.path} did not end when killed"
            )

    def remove(self) -> None:
        """Removes it and all below; it must be empty. One that is not there is fine."""
        for top in self.directories:
            for directory in reversed(list(_tree(top))):
                _remove_directory(directory)

    def remove_if_empty(self) -> None:
        """Removes the group itself if nothing is below it, else leaves it."""
        for directory in self.directories:
            if directory.is_dir() and not any(entry.is_dir() for entry in directory.iterdir()):
                directory.rmdir()

    def limit_memory(self, size: int) -> None:
        """At most `size` bytes for everything in it, page cache included; the cache goes first."""
        for directory, file in self._memory_files("memory.max", "memory.limit_in_bytes"):
            (directory / file).write_text(str(size))

    def memory(self) -> int:
        """Bytes in use that cannot be dropped at once: all but the cache of files not read lately."""
        for directory, file in self._memory_files("memory.current", "memory.usage_in_bytes"):
            try:
                usage = int((directory / file).read_text())
                lines = (directory / "memory.stat").read_text().splitlines()
            except FileNotFoundError:
                return 0
            statistics = dict(line.split() for line in lines)
            return usage - int(statistics.get("total_inactive_file", statistics.get("inactive_file", "0")))
        return 0

    def _memory_files(self, unified: str, legacy: str) -> Iterator[tuple[Path, str]]:
        for directory in self.directories:
            file = unified if directory == self.unified else legacy
            if (directory / file).exists():
                yield directory, file


def _tree(top: Path) -> Iterator[Path]:
    """The directory and all below it, parents first. One that goes meanwhile had no process."""
    try:
        with os.scandir(top) as entries:
            below = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return
    yield top
    for name in below:
        yield from _tree(top / name)


def _remove_directory(directory: Path) -> None:
    """The old controllers hear of a process's end a moment later than the unified hierarchy."""
    deadline = time.monotonic() + REMOVE_SECONDS
    while True:
        try:
            directory.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _inherit_processors(directory: Path) -> None:
    """An old cpuset group takes no process before it is told its processors and memory banks."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        file, above = directory / name, directory.parent / name
        if (directory / "cpuset.cpu_exclusive").exists() and not file.read_text().strip():
            file.write_text(above.read_text())


def _hand_down(directory: Path) -> None:
    file = directory / "cgroup.subtree_control"
    available = (directory / "cgroup.controllers").read_text().split()
    wanted = [f"+{name}" for name in CONTROLLERS if name in available]
    if wanted:
        file.write_text(" ".join(wanted))

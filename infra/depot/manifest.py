"""manifest.json: what the depot holds, with hashes, and from what each part was made.

{"files": {relpath: {"sha256", "size" (bytes), "mtime_ns", "part"}}, "parts": {name: {"inputs", "seconds"}}}
`inputs` is a digest of everything that the part was made from: equal inputs, nothing to do.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

NAME = "manifest.json"


@dataclass(frozen=True)
class FileEntry:
    """A file of the depot; `mtime_ns` only tells whether hashing it again is worth while."""

    sha256: str
    size: int
    mtime_ns: int
    part: str


@dataclass(frozen=True)
class PartEntry:
    """A part that is complete: digest of what it was made from, seconds that it took."""

    inputs: str
    seconds: float


@dataclass
class Manifest:
    """The depot as last recorded. An absent or unreadable manifest is an empty one for a build."""

    files: dict[str, FileEntry] = field(default_factory=dict)
    parts: dict[str, PartEntry] = field(default_factory=dict)

    @classmethod
    def read(cls, depot_dir: Path) -> Manifest:
        """Raises FileNotFoundError or ValueError (not JSON, or not a manifest)."""
        data = json.loads((depot_dir / NAME).read_text())
        try:
            return cls(
                files={path: FileEntry(**entry) for path, entry in data["files"].items()},
                parts={name: PartEntry(**entry) for name, entry in data["parts"].items()},
            )
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"not a manifest of a depot: {error!r}") from error

    @classmethod
    def read_or_empty(cls, depot_dir: Path) -> Manifest:
        """What a build starts from."""
        try:
            return cls.read(depot_dir)
        except (FileNotFoundError, ValueError):
            return cls()

    def write(self, depot_dir: Path) -> None:
        """Replace the manifest in one step."""
        text = json.dumps(
            {
                "files": {path: asdict(entry) for path, entry in sorted(self.files.items())},
                "parts": {name: asdict(entry) for name, entry in sorted(self.parts.items())},
            },
            indent=1,
        )
        partial = depot_dir / f".{NAME}"
        partial.write_text(text + "\n")
        os.replace(partial, depot_dir / NAME)

    def of_part(self, part: str) -> dict[str, FileEntry]:
        """The files of one part."""
        return {path: entry for path, entry in self.files.items() if entry.part == part}


def sha256(path: Path) -> str:
    """Hex digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_all(paths: Iterable[Path]) -> list[str]:
    """Digests in the order of the paths; hashing releases the interpreter lock, so threads help."""
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(sha256, paths))


def digest(*values: str | bytes) -> str:
    """One digest of several values; a value's end cannot be mistaken for the next one's start."""
    whole = hashlib.sha256()
    for value in values:
        raw = value.encode() if isinstance(value, str) else value
        whole.update(len(raw).to_bytes(8, "big") + raw)
    return whole.hexdigest()

"""The folder that an agency's data is exported to.

metadata/<kind>.json    what the APIs told of each thing
volumes/<id>.qcow2      the bytes of volumes
servers/<id>.<format>   the disks of servers
images/<id>.<format>    images of the agency's own
SHA256SUMS              checksums of all of these, for `sha256sum -c SHA256SUMS`
record/                 the signed record, with checksums of its own

A file that is being written ends in `.part`; only a whole one, on disk, whose bytes are those that the cloud
promised, gets its name.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.cloud.collection import Thing
from infra.cloud.errors import Unavailable
from infra.cloud.image_data import ImageData
from infra.errors import InfraError
from infra.provisioning.offboarding_case import replace_file

SUMS = "SHA256SUMS"
READ = 4 * 1024 * 1024
ATTEMPTS = 8  # a stream that is cut goes on where it was; each that brought bytes starts the count anew
SAY_SECONDS = 2.0
SPARE = 64 * 1024 * 1024  # bytes that are left free on the file system


class ExportDamaged(InfraError):
    """A file of the export is not what was written or what the cloud promised; nothing was deleted. Remove
    the file and run again: it is fetched anew."""

    code = "export_damaged"


class NoRoomForExport(InfraError):
    """The file system of the export folder is too small for what comes; nothing was deleted. Make room, or
    mount a larger one at the folder, and run again."""

    code = "no_room_for_export"


@dataclass(frozen=True)
class ExportedFile:
    """One file: its path below the folder, its size in bytes and its SHA-256 in hexadecimal."""

    path: str
    size: int
    sha256: str


class ExportFolder:
    """`say` hears how many bytes of a long transfer are there."""

    def __init__(
        self, root: Path, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.root = root
        self._say = say
        self._clock = clock

    def prepare(self) -> None:
        """Make the folder, for nobody else to read; raises NoRoomForExport where it cannot be made."""
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as refused:
            raise NoRoomForExport(f"{self.root} cannot be made: {refused.strerror}") from refused

    def write_json(self, path: str, value: Any) -> ExportedFile:
        """A readable JSON document."""
        data = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True).encode() + b"\n"
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(target, [data])
        return ExportedFile(path, len(data), hashlib.sha256(data).hexdigest())

    def fetch(self, path: str, image: Thing, data: ImageData, what: str) -> ExportedFile:
        """Write an image's bytes, going on where a run before was cut. Raises ExportDamaged, NoRoomForExport,
        CloudError."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        ready = _Hashes(image)
        for chunk in _read(target):
            ready.update(chunk)
        if not target.exists() or ready.wrong(image):
            ready = self._fetched(target, image, data, what)
        return ExportedFile(path, ready.size, ready.sha256.hexdigest())

    def _fetched(self, target: Path, image: Thing, data: ImageData, what: str) -> _Hashes:
        part = target.with_name(target.name + ".part")
        hashes = _Hashes(image)
        with open(part, "ab", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
            for chunk in _read(part):
                hashes.update(chunk)
            resumed = hashes.size > 0
            self._room(int(image.get("size") or 0) - hashes.size)
            for chunk in self._patiently(data, image, what, hashes):
                stream.write(chunk)
                hashes.update(chunk)
            stream.flush()
            os.fsync(stream.fileno())
        wrong = hashes.wrong(image)
        if wrong:
            part.unlink()
            if resumed:  # the image may have been made anew since: the part was of another one
                return self._fetched(target, image, data, what)
            raise ExportDamaged(f"{what}: {wrong}; the part that was written is removed, run again")
        os.replace(part, target)
        return hashes

    def write_sums(self, files: Mapping[str, Mapping[str, Any]]) -> str:
        """SHA256SUMS over these files (`path` and `sha256` of each); returns its own SHA-256."""
        lines = sorted(f"{file['sha256']}  {file['path']}\n" for file in files.values())
        data = "".join(lines).encode()
        replace_file(self.root / SUMS, [data])
        return hashlib.sha256(data).hexdigest()

    def read_back(self, files: Mapping[str, Mapping[str, Any]]) -> int:
        """Read every file whole and compare it with its size and checksum; returns the bytes. Raises
        ExportDamaged with every file that differs."""
        wrong: list[str] = []
        total, told = 0, self._clock()
        whole = sum(int(file["size"]) for file in files.values())
        for file in files.values():
            digest, size = hashlib.sha256(), 0
            for chunk in _read(self.root / file["path"]):
                digest.update(chunk)
                size += len(chunk)
                if self._clock() - told > SAY_SECONDS:
                    told = self._clock()
                    self._say(f"read back: {amount(total + size)} of {amount(whole)}")
            total += size
            if (size, digest.hexdigest()) != (file["size"], file["sha256"]):
                wrong.append(f"{file['path']} ({size} of {file['size']} bytes)")
        if wrong:
            raise ExportDamaged("not as they were written: " + ", ".join(wrong))
        return total

    def _patiently(self, data: ImageData, image: Thing, what: str, hashes: _Hashes) -> Iterator[bytes]:
        whole, told, left = int(image.get("size") or 0), self._clock(), ATTEMPTS
        while True:
            before = hashes.size
            try:
                if hashes.size and hashes.size >= whole:
                    return
                for chunk in data.chunks(image["id"], hashes.size):
                    yield chunk
                    if self._clock() - told > SAY_SECONDS:
                        told = self._clock()
                        self._say(f"{what}: {amount(hashes.size)} of {amount(whole)}")
            except Unavailable:
                left = ATTEMPTS if hashes.size > before else left - 1
                if not left:
                    raise
                continue
            return

    def _room(self, needed: int) -> None:
        free = shutil.disk_usage(self.root).free
        if needed + SPARE > free:
            raise NoRoomForExport(
                f"{self.root} has {amount(free)} free, {amount(needed)} are needed; make room, or mount a"
                " larger file system there, and run again"
            )


class _Hashes:
    """SHA-256 of the bytes so far, and the hash by which Glance can be held to its word."""

    def __init__(self, image: Thing) -> None:
        self.sha256 = hashlib.sha256()
        self.size = 0
        algorithm = str(image.get("os_hash_algo") or "")
        known = algorithm in hashlib.algorithms_available and image.get("os_hash_value")
        self._promised = hashlib.new(algorithm) if known else None

    def update(self, chunk: bytes) -> None:
        self.sha256.update(chunk)
        if self._promised is not None:
            self._promised.update(chunk)
        self.size += len(chunk)

    def wrong(self, image: Thing) -> str:
        """What is not as Glance said, "" when all is."""
        if image.get("size") is not None and self.size != image["size"]:
            return f"{self.size} bytes came, Glance says {image['size']}"
        if self._promised is not None and self._promised.hexdigest() != image["os_hash_value"]:
            return f"the {image['os_hash_algo']} of what came is not the one that Glance keeps"
        return ""


def amount(size: int) -> str:
    """`512 B`, `1.5 KiB`, `20.0 MiB`."""
    value, unit = float(size), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def _read(path: Path) -> Iterator[bytes]:
    """Its bytes; nothing when there is no such file."""
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(READ):
                yield chunk
    except FileNotFoundError:
        return

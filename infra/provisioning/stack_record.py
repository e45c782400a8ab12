"""What the last successful up of a stack was made from, so that an up of the same can be left out.

A record holds a digest of everything that decides the outcome (the stack's share of the inventory, the
program, the provider, what the stack reads of others) and one of the state file. If both are as they were,
the engine would find no difference: it compares programs with the state, not with the cloud. Whether the
cloud still is what the state says is the question that a refresh answers.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from infra.provisioning.stack_result import ServerResult


@dataclass(frozen=True)
class StackRecord:
    """The last successful up: digests in, outputs out."""

    inputs_digest: str
    state_digest: str
    outputs: Mapping[str, Any] = field(default_factory=dict)
    servers: tuple[ServerResult, ...] = ()


class StackRecords:
    """One JSON file per stack in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, stack: str) -> StackRecord | None:
        """The record, None when there is none or it cannot be read (then the up is simply run)."""
        try:
            told = json.loads(self._file(stack).read_text(encoding="utf-8"))
            servers = tuple(ServerResult(**server) for server in told["servers"])
            return StackRecord(told["inputs_digest"], told["state_digest"], told["outputs"], servers)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, stack: str, record: StackRecord) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        fresh = self._file(stack).with_suffix(".new")
        fresh.write_text(json.dumps(asdict(record), sort_keys=True), encoding="utf-8")
        os.replace(fresh, self._file(stack))

    def invalidate(self, stack: str) -> StackRecord | None:
        """Called before anything is run, so that a run that is cut off is never taken for done; the old
        record.
        """
        found = self.find(stack)
        if found is not None:
            self.write(stack, replace(found, inputs_digest=""))
        return found

    def forget(self, stack: str) -> None:
        """The stack is gone."""
        self._file(stack).unlink(missing_ok=True)

    def _file(self, stack: str) -> Path:
        return self._folder / f"{stack}.json"


def digest_of(*parts: Any) -> str:
    """A digest of plain values and dataclasses' dictionaries."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def digest_of_files(files: Iterable[Path]) -> str:
    """A digest of names and contents; a file that is not there counts as such."""
    told = hashlib.sha256()
    for file in sorted(files):
        told.update(file.name.encode() + b"\0")
        told.update(hashlib.sha256(file.read_bytes()).digest() if file.is_file() else b"absent")
    return told.hexdigest()

"""A depot of small parts, made in memory and in a temporary folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infra.depot.building import BuildResult, Part, build_parts
from infra.depot.workshop import Say, Workshop


@dataclass
class SmallDepot:
    """Parts whose files and inputs a test sets; `made` tells which were made, in order."""

    root: Path
    contents: dict[str, dict[str, str]] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    needs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    said: list[tuple[str, str, float]] = field(default_factory=list)

    @property
    def depot_dir(self) -> Path:
        return self.root / "depot"

    def part(self, name: str) -> Part:
        def make(workshop: Workshop, work: Path, say: Say) -> None:
            self.made.append(name)
            say("half way", 0.5)
            for path, content in self.contents[name].items():
                (work / path).parent.mkdir(parents=True, exist_ok=True)
                (work / path).write_text(content)

        return Part(name, self.needs.get(name, ()), lambda workshop: self.inputs.get(name, "same"), make)

    def build(self, *parts: Part, renew: tuple[str, ...] = ()) -> BuildResult:
        self.made.clear()
        workshop = Workshop(self.depot_dir, self.root / "cache", self.root / "project")
        chosen = parts or tuple(self.part(name) for name in self.contents)
        return build_parts(chosen, workshop, lambda *said: self.said.append(said), renew)


@pytest.fixture
def make_depot(tmp_path: Path) -> Callable[..., SmallDepot]:
    def make(**contents: dict[str, str]) -> SmallDepot:
        return SmallDepot(tmp_path, contents)

    return make

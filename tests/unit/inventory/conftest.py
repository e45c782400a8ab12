"""A copy of the lab's inventory that tests spoil, one place at a time."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from infra.errors import InventoryInvalid, Problem
from infra.inventory import Inventory, load

INVENTORIES = Path(__file__).parents[3] / "inventories"


class Folder:
    """An inventory folder under test."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, file: str, content: str | bytes) -> None:
        target = self.path / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)

    def change(self, file: str, old: str, new: str) -> None:
        """Replace the first `old`, which must be there, by `new`."""
        text = (self.path / file).read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {file}"
        self.write(file, text.replace(old, new, 1))

    def load(self) -> Inventory:
        return load(self.path)

    def problems(self) -> list[Problem]:
        with pytest.raises(InventoryInvalid) as caught:
            load(self.path)
        for problem in caught.value.problems:
            assert problem.why
            assert problem.way_out
            assert problem.file.startswith(str(self.path))
        return caught.value.problems

    def problem(self) -> Problem:
        """The only problem."""
        found = self.problems()
        assert len(found) == 1, "\n".join(str(problem) for problem in found)
        return found[0]


@pytest.fixture
def lab(tmp_path: Path) -> Folder:
    shutil.copytree(INVENTORIES / "lab", tmp_path / "lab")
    return Folder(tmp_path / "lab")


@pytest.fixture
def production(tmp_path: Path) -> Folder:
    shutil.copytree(INVENTORIES / "production", tmp_path / "production")
    return Folder(tmp_path / "production")

"""verify names every file that is not as the manifest says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from infra.depot import DepotBroken, verify
from tests.unit.depot.conftest import SmallDepot


def test_every_missing_and_altered_file_is_named(make_depot: Callable[..., SmallDepot]) -> None:
    depot = make_depot(a={"gone": "1", "short": "1234", "other": "1234", "right": "1"})
    depot.build()
    folder = depot.depot_dir
    (folder / "gone").unlink()
    (folder / "short").write_text("1")
    (folder / "other").write_text("4321")
    with pytest.raises(DepotBroken) as broken:
        verify(folder)
    assert [(problem.file, problem.key) for problem in broken.value.problems] == [
        (str(folder / "gone"), "file"),
        (str(folder / "other"), "sha256"),
        (str(folder / "short"), "size"),
    ]
    assert broken.value.code == "depot_broken"
    assert all("citycloud depot build" in problem.way_out for problem in broken.value.problems)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "there is no manifest"),
        ("{", "cannot be read"),
        ('{"files": {}, "parts": {}}', "names no file"),
        ('{"parts": {}}', "cannot be read: not a manifest of a depot"),
    ],
)
def test_a_depot_without_a_manifest_is_broken(tmp_path: Path, content: str | None, why: str) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(DepotBroken, match=why):
        verify(tmp_path)

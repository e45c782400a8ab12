"""A program that fails is told by its last words."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.depot import DepotPartFailed
from infra.depot.command import run


def test_the_error_names_the_part_the_program_and_its_last_words() -> None:
    with pytest.raises(
        DepotPartFailed, match=r"(?s)depot part images: sh -c .*exit 3\nno room left"
    ) as failed:
        run("images", ["sh", "-c", "echo no room left >&2; exit 3"])
    assert failed.value.part == "images"


def test_a_program_that_is_not_installed_is_told_with_the_way_out() -> None:
    with pytest.raises(DepotPartFailed, match=r"no-such-program is not installed; .*build_host"):
        run("base", ["no-such-program"])


def test_variables_and_folder_reach_the_program(tmp_path: Path) -> None:
    assert (
        run("apt", ["sh", "-c", 'echo "$WORD $(pwd)"'], cwd=tmp_path, variables={"WORD": "x"})
        == f"x {tmp_path}\n"
    )

"""The house's own rules, which no tool knows: sizes, names, and who may read the environment."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LARGEST_MODULE = 400
"""Lines. Past that, a noun is missing."""
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}
ENTRY_POINTS = {
    "infra/provider/server.py",
    "monitoring/exporters/canary.py",
    "monitoring/exporters/capacity.py",
    "monitoring/exporters/uptime.py",
}
"""Beside every module of `infra/cli`."""


def modules() -> Iterator[Path]:
    for folder in ("infra", "monitoring", "stacks"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def reads_environment(tree: ast.Module) -> bool:
    """Whether the module reads `os.environ` or calls `os.getenv`; writing for a child is no reading."""
    reads = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and is_os(node)]
    writes = {
        id(node.func.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("update", "pop")
        and isinstance(node.func.value, ast.Attribute)
    }
    return any(id(node) not in writes for node in reads)


def is_os(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "os" and node.attr in ("environ", "getenv")


@pytest.mark.parametrize("module", list(modules()), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_small_has_a_noun_for_a_name_and_leaves_the_environment_alone(module: Path) -> None:
    source = module.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= LARGEST_MODULE
    assert module.stem not in FORBIDDEN_NAMES
    place = str(module.relative_to(ROOT))
    if place not in ENTRY_POINTS and not place.startswith("infra/cli/"):
        assert not reads_environment(ast.parse(source))

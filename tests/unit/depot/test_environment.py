"""Only test suites that no service imports are left out of an environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.depot.environment import remove_unused
from infra.depot.workshop import Workshop, tree_digest


@pytest.mark.parametrize(
    ("module", "text", "kept"),
    [
        ("api.py", "import os\n", False),
        ("api.py", "from nova.tests import fixtures\n", True),
        ("virt/fake.py", "    from nova import exception, tests\n", True),
        ("test.py", "from nova.tests import fixtures\n", False),
        ("virt/fake.py", "# see nova.tests.functional\n", False),
    ],
)
def test_a_test_suite_stays_when_a_module_imports_it(
    tmp_path: Path, module: str, text: str, kept: bool
) -> None:
    package = tmp_path / "nova"
    (package / "tests").mkdir(parents=True)
    (package / "tests/fixtures.py").write_text("from nova.tests import unit\n")
    (package / module).parent.mkdir(exist_ok=True)
    (package / module).write_text(text)
    remove_unused(tmp_path)
    assert (package / "tests").exists() is kept


def test_a_module_is_the_same_when_only_its_words_and_layout_change(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, tmp_path, tmp_path)
    one, two, other = (tmp_path / name for name in ("one.py", "two.py", "other.py"))
    one.write_text('"""Doc."""\nx = f(1,\n      2)  # why\n')
    two.write_text('"""Other doc."""\nx = f(1, 2)\n')
    other.write_text('"""Doc."""\nx = f(1, 3)\n')
    digests = [workshop.own_source(str(path)) for path in (one, two, other)]
    assert digests[0] == digests[1] != digests[2]


def test_byte_code_does_not_change_a_trees_digest(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    before = tree_digest(tmp_path, [tmp_path])
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__/a.pyc").write_text("x")
    assert tree_digest(tmp_path, [tmp_path]) == before
    (tmp_path / "b.py").write_text("1")
    assert tree_digest(tmp_path, [tmp_path]) != before

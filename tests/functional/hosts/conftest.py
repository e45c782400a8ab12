"""Real labs, removed at the end whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.hosts.lab_site import Site, make_site


@pytest.fixture(scope="module")
def site(built_depot: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A lab that runs; a test that stops it starts it again."""
    made = make_site(tmp_path_factory.mktemp("site"))
    made.lab.create(print)
    yield made
    made.lab.destroy(print)


@pytest.fixture
def unmade(built_depot: Path, tmp_path: Path) -> Iterator[Site]:
    """A lab that does not exist yet."""
    made = make_site(tmp_path)
    yield made
    made.lab.destroy(print)

"""A site's rendered files that several modules read, and none changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.monitoring.rendering import render


@pytest.fixture(scope="session")
def plain_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of one monitoring server, with nothing set that need not be: see `rendering.render`."""
    return render(tmp_path_factory.mktemp("plain"))

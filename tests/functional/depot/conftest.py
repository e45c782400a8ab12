"""The depot of this machine, as `citycloud depot build` left it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from infra.depot.manifest import NAME
from infra.settings import Settings


@pytest.fixture(scope="session")
def built_depot() -> Path:
    """Tests of what is in the depot need one; scripts/test builds it first."""
    depot_dir = Settings.from_environment(os.environ).depot_dir
    if not (depot_dir / NAME).is_file():
        pytest.fail(f"there is no depot at {depot_dir}; run: citycloud depot build")
    return depot_dir

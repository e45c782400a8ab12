"""Nearly all of these stand on the depot: its engine, its base of servers, its images."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def depot(built_depot: Path) -> Path:
    return built_depot

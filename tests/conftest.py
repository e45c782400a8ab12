"""What a whole test run shares: who runs which test when, and the depot.

scripts/test runs two processes, file by file; the lab's tests come last, all in one of them, as each needs
what the one before left. The machine is theirs alone then.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from infra.depot.manifest import NAME
from infra.settings import Settings

# No test fails because the machine has something else to do: hypothesis would after 200 ms.
settings.register_profile(
    "any machine", parent=settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

LAB = "tests/cloud/"
LAST = ("test_dashboards.py", "test_watching.py")
"""Of the lab's. Panels are empty until canaries have flown, ten minutes and more after a deployment: the
others are at work then. Why watching comes after them all, it says itself."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> tuple[bool, int]:
        live = item.nodeid.startswith(LAB)
        return live, LAST.index(item.path.name) + 1 if live and item.path.name in LAST else 0

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests stay together, for what they share is made once; all of the lab's do."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return LAB if nodeid.startswith(LAB) else nodeid.partition("::")[0]

    config.option.loadscopereorder = False  # the lab's stay last
    return ByFile(config, log)


@pytest.fixture(scope="session")
def built_depot() -> Path:
    """The depot of this machine, and with it Pulumi's engine. scripts/test has it made by who needs it first:
    on a new machine that takes minutes, in which tests run that do not. Otherwise it is as it was left.
    """
    depot_dir = Settings.from_environment(os.environ).depot_dir
    if os.environ.get("CITYCLOUD_TEST_DEPOT") == "build":
        with Path(__file__).open() as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            command = [str(Path(sys.executable).with_name("citycloud")), "depot", "build"]
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
            )
        if done.returncode:
            pytest.fail(
                f"citycloud depot build: exit {done.returncode}\n{done.stderr[-6000:]}", pytrace=False
            )
    if not (depot_dir / NAME).is_file():
        pytest.fail(f"there is no depot at {depot_dir}; run: citycloud depot build", pytrace=False)
    return depot_dir

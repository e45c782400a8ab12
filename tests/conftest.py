"""What a whole test run shares: who runs which test when, and the depot.

scripts/test runs two processes, file by file. What loads a machine comes first, the longest before the
shortest. Then one of them has the lab's tests, all of them, as each needs what the one before left; the other
has what waits for nothing and can wait, and takes only what the lab leaves of the machine.
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
FIRST = (
    "tests/functional/depot/",  # one process makes the depot, on a new machine, while the other needs none
    "tests/functional/portal/test_keycloak.py",
    "tests/functional/portal/test_browser.py",
    "tests/functional/portal/test_change_browser.py",
    "tests/monitoring/",
    "tests/architecture/",
    "tests/functional/provider/test_stacks.py",
    "tests/functional/provider/test_kill_everywhere.py",
    "tests/functional/provider/",
    "tests/functional/hosts/",
)
"""Of all: what loads the machine, by the beginning of its name."""
CALM = ("tests/unit/", "tests/functional/store/", "tests/functional/cli/", "tests/functional/portal/")
"""Beside the lab, but for what is of the first. Nothing of it fails because it has to wait."""
NICENESS = 5
IN_TWO_PROCESSES = "PYTEST_XDIST_WORKER" in os.environ


def beside_the_lab(nodeid: str) -> bool:
    return nodeid.startswith(CALM) and not nodeid.startswith(FIRST)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> tuple[int, int]:
        if item.nodeid.startswith(LAB):
            return 2, LAST.index(item.path.name) + 1 if item.path.name in LAST else 0
        if IN_TWO_PROCESSES and beside_the_lab(item.nodeid):
            return 3, 0
        ranks = [rank for rank, name in enumerate(FIRST) if item.nodeid.startswith(name)]
        return (0, ranks[0]) if ranks else (1, 0)

    items.sort(key=place)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """What is made beside the lab comes last in its process, which therefore stays nice."""
    if IN_TWO_PROCESSES and beside_the_lab(item.nodeid):
        os.setpriority(os.PRIO_PROCESS, 0, max(os.getpriority(os.PRIO_PROCESS, 0), NICENESS))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests stay together, for what they share is made once; all of the lab's do."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return LAB if nodeid.startswith(LAB) else nodeid.partition("::")[0]

    config.option.loadscopereorder = False  # the order is ours
    return ByFile(config, log)


@pytest.fixture(scope="session")
def built_depot() -> Path:
    """The depot of this machine, and with it Pulumi's engine. scripts/test has it made by who needs it first:
    on a new machine that takes minutes, in which the other process has tests that need none. Otherwise it is
    as it was left.
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

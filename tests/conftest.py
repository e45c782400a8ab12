"""Who runs which test when, where a run has several processes (`pytest -n`), as that of scripts/test.

The lab's tests wait for servers much of their time, and each needs what the one before left: one process runs
them all, from the start, while another one runs everything else.
"""

from __future__ import annotations

from typing import Any

import pytest

LAB = "tests/cloud/"
LAST = ("test_dashboards.py", "test_watching.py")
"""Of the lab's. Panels are empty until canaries have flown, ten minutes and more after a deployment: meanwhile
the others are at work. Why watching comes after them all, it says itself."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    distributed = hasattr(config, "workerinput")

    def place(item: pytest.Item) -> tuple[bool, int]:
        live = item.nodeid.startswith(LAB)
        late = LAST.index(item.path.name) + 1 if live and item.path.name in LAST else 0
        return live is not distributed, late

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests stay together, for what they share is made once; all of the lab's do."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return LAB if nodeid.startswith(LAB) else nodeid.partition("::")[0]

    config.option.loadscopereorder = False  # the lab's come first, however few they are
    return ByFile(config, log)

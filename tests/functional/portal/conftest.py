from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.functional.portal.portal import Stand


@pytest.fixture
def stand() -> Stand:
    return Stand()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Of one file's tests: while Playwright is there its loop runs, beside which no test can run one. What is
    expected of a page has as long as Playwright gives everything else.
    """
    expect.set_options(timeout=30_000)
    with sync_playwright() as made:
        chromium = made.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield chromium
        chromium.close()

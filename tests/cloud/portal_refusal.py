"""A request that its agency's approver rejects, in a real browser in the lab's network.

    python -m tests.cloud.portal_refusal INVENTORY PEOPLE FOLDER

PEOPLE and FOLDER are those of `portal_walk`. Prints the request's number as people read it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.cloud.portal_walk import Walk


def main() -> None:
    people, folder = json.loads(Path(sys.argv[2]).read_text()), Path(sys.argv[3])
    with sync_playwright() as made:
        browser = made.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        walk = Walk(browser, people, folder)
        with walk.as_person("approver"):
            pass  # who never signed in is told of nothing
        request, _ = walk.ask()
        walk.decide(request, "reject")
        with walk.as_person("member") as page:
            print(walk.told(page, f"requests/{request.rpartition('/')[2]}")["summary"]["number"])
        browser.close()


if __name__ == "__main__":
    main()

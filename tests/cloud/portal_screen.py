"""The screen of a deployment that stands, in a real browser, on this machine in the lab's network.

    python -m tests.cloud.portal_screen INVENTORY PEOPLE FOLDER DEPLOYMENT

PEOPLE is a file as `portal_walk` takes it; its member owns DEPLOYMENT (an id). Prints what noVNC says beside
the screen, or why there is none. FOLDER gets a picture of it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.cloud.portal_walk import Walk


def main() -> None:
    people, folder, deployment = json.loads(Path(sys.argv[2]).read_text()), Path(sys.argv[3]), sys.argv[4]
    with sync_playwright() as made:
        browser = made.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        print(Walk(browser, people, folder).screen(deployment))
        browser.close()


if __name__ == "__main__":
    main()

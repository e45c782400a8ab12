"""A mail server and a webhook in the lab's network, until standard input ends.

usage: python -m tests.cloud.alert_sink ADDRESS FOLDER

FOLDER gets `smtp-ca.pem` (whose the mail server's certificate is), `sinks.json` (where both listen) and
then `arrived.jsonl`: a line for each mail and each alert that the webhook got.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from infra.hosts.keys import write_whole
from tests.monitoring.sinks import Sinks, sinks


def arrivals(found: Sinks, ended: threading.Event) -> Iterator[dict[str, Any]]:
    mails = posts = 0
    while not ended.is_set():
        for mail in found.mails[mails:]:
            mails += 1
            yield {"mail": asdict(mail)}
        for post in found.posts[posts:]:
            posts += 1
            yield from ({"alert": alert} for alert in post["alerts"])
        time.sleep(0.2)


def main() -> None:
    address, folder = sys.argv[1], Path(sys.argv[2])
    ended = threading.Event()

    def watch() -> None:
        sys.stdin.read()
        ended.set()

    with sinks(folder, address) as found, (folder / "arrived.jsonl").open("a", encoding="utf-8") as arrived:
        threading.Thread(target=watch, daemon=True).start()
        told = {"smtp": found.smtp, "webhook": found.webhook}
        write_whole(folder / "sinks.json", json.dumps(told).encode(), 0o600)
        for one in arrivals(found, ended):
            arrived.write(json.dumps(one, ensure_ascii=False) + "\n")
            arrived.flush()


if __name__ == "__main__":
    main()

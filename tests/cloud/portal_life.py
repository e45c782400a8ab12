"""The life of a virtual machine through the portal's API, by its owner: run inside the lab's network.

usage: python -m tests.cloud.portal_life INVENTORY TOKENS

TOKENS is a folder with the files `member`, `colleague` and `approver`, each a token of the portal, `key` with
`key.pub`, and `people.json` as `portal_walk` takes it. A machine is asked for, its screen is looked at, it
gets another size and a data volume, a larger one, a snapshot, is made anew, brought back to its snapshot,
stopped, started, handed on and given back. What it holds is looked at over SSH each time. Prints JSON: by
step, what was found and the seconds that it took.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.cloud import admin
from tests.cloud.portal_kills import ENDED, People
from tests.cloud.portal_walk import Walk

PATIENCE_SECONDS = 900.0
LOOK = {
    "cores": "nproc",
    "system": "cat kept 2>/dev/null || echo none",
    "volume": "cat /srv/data/kept 2>/dev/null || echo none",
    "volume_mib": "echo $(( $(findmnt -bno SIZE /srv/data || echo 0) / 1048576 ))",
}
"""What is looked at in the machine: the file on its system disk, the one on its volume, the volume's size."""


class Life:
    def __init__(self, people: People, tokens: Path, cloud: Any) -> None:
        self.people, self.tokens, self.cloud = people, tokens, cloud
        self.told: dict[str, Any] = {}
        self.deployment = self.address = ""
        self._began = 0.0

    def begin(self) -> None:
        self._began = time.monotonic()

    def say(self, step: str, **found: Any) -> None:
        self.told[step] = {**found, "seconds": round(time.monotonic() - self._began, 1)}
        print(step, json.dumps(self.told[step], ensure_ascii=False), file=sys.stderr, flush=True)

    def made(self, values: Mapping[str, str]) -> dict[str, Any]:
        """Asks for it, or for a change of what stands, has it approved and waits for its end."""
        line: dict[str, Any] = {"item": "plain-server", "count": 1, "values": dict(values)}
        if self.deployment:
            line = {
                "item": "plain-server", "deployment": self.deployment, "values": dict(values),
                "version": self.found()["version"],
            }  # fmt: skip
        asked = self.people.member.change("requests", body={"items": [line], "purpose": "Kiểm tra vòng đời"})
        self.people.approve(str(asked["id"]))
        return self.people.until("requests", str(asked["id"]), states=ENDED)

    def found(self) -> dict[str, Any]:
        found: dict[str, Any] = self.people.member.read("deployments", self.deployment)
        return found

    def order(self, action: str, **values: str) -> None:
        body = {"action": action, "version": self.found()["version"], "values": values}
        self.people.member.change("deployments", self.deployment, "actions", body=body)

    def upkeep(self) -> dict[str, Any]:
        """What is told of its snapshots and its rebuild, once nothing of it is under way."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            found: dict[str, Any] = self.found()["upkeep"]
            states = [one["state"] for one in found["snapshots"]]
            if found["rebuild"]:
                states.append(found["rebuild"]["state"])
            if not {"wanted", "leaving"} & set(states) or time.monotonic() > deadline:
                return found
            time.sleep(1)

    def run(self, script: str) -> str:
        """What the machine says, as its user, to the key that it was made with; it is the same machine all
        its life, so its host key must be, too, until it is made anew.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            done = subprocess.run(
                ["ssh", "-i", self.tokens / "key", "-o", "StrictHostKeyChecking=no",
                 "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20",
                 "-o", "LogLevel=ERROR", f"debian@{self.address}", script],
                capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
            )  # fmt: skip
            if done.returncode == 0 or time.monotonic() > deadline:
                return (done.stdout + done.stderr).strip()
            time.sleep(5)

    def look(self) -> dict[str, str]:
        return {name: self.run(command) for name, command in LOOK.items()}

    def server(self, wanted: str) -> str:
        """Nova's status of the server, once it is the wanted one."""
        name, deadline = self.found()["summary"]["name"], time.monotonic() + PATIENCE_SECONDS
        while True:
            (found,) = self.cloud.compute.servers(all_projects=True, name=f"^{name}$")
            if found.status == wanted or time.monotonic() > deadline:
                return str(found.status)
            time.sleep(1)

    def state(self, *wanted: str) -> str:
        return str(self.people.until("deployments", self.deployment, states=set(wanted))["summary"]["state"])


def lived(life: Life) -> None:
    key = (life.tokens / "key.pub").read_text().strip()
    life.begin()
    request = life.made({"size": "vm.small", "public_address": "true", "ssh_key": key})
    (life.deployment,) = request["deployments"]
    life.address = life.found()["summary"]["address"]
    life.run("echo first > kept && sync")
    life.say("made", state=request["summary"]["state"], failure=request["failure"], **life.look())
    life.begin()
    life.say("screen", told=screen(life.tokens, life.deployment))
    for step, values in (
        ("larger", {"size": "vm.medium", "volume_gib": "1"}),
        ("larger volume", {"volume_gib": "2"}),
    ):
        life.begin()
        request = life.made(values)
        life.say(step, state=request["summary"]["state"], failure=request["failure"], **life.look())
        life.run("test -s /srv/data/kept || { echo data | sudo tee /srv/data/kept && sync; }")
    life.begin()
    life.order("snapshot", name="truoc-khi-doi")
    (snapshot,) = life.upkeep()["snapshots"]
    life.say("snapshot", state=snapshot["state"], note=snapshot["note"], size=snapshot["size"])
    for action, values in (("rebuild", {}), ("revert", {"snapshot": snapshot["id"]})):
        life.begin()
        life.order(action, **values)
        rebuild = life.upkeep()["rebuild"]
        life.say(action, state=rebuild["state"], note=rebuild["note"], **life.look())
    for action, status in (("stop", "SHUTOFF"), ("start", "ACTIVE")):
        life.begin()
        life.order(action)
        life.say(action, state=life.server(status))
    life.say("started", **life.look())
    life.begin()
    (heir,) = life.found()["upkeep"]["heirs"]
    life.order("transfer", to=heir["id"])
    life.people.member = life.people.of("colleague")
    life.say("handed on", owner=life.found()["owner"])
    life.begin()
    life.order("retire")
    life.say("given back", state=life.state("retired"))


def screen(tokens: Path, deployment: str) -> str:
    """What noVNC says in the owner's browser, beside the screen."""
    people = json.loads((tokens / "people.json").read_text())
    with sync_playwright() as made:
        browser = made.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        told = Walk(browser, people, tokens).screen(deployment)
        browser.close()
    return told


def main() -> None:
    tokens = Path(sys.argv[2])
    site = admin.site_of(sys.argv[1])
    life = Life(People(site, tokens), tokens, admin.connect(site))
    lived(life)
    print(json.dumps(life.told, ensure_ascii=False))


if __name__ == "__main__":
    main()

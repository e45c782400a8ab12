"""Requests of an agency while what makes them is killed: run inside the lab's network.

usage: python -m tests.cloud.portal_kills INVENTORY TOKENS [VICTIM...]

TOKENS is a folder with the files `member` and `approver`, each a token of the portal, and `key.pub`. For each
victim a request is approved, the victim is killed with SIGKILL while the cloud makes what was asked for, and
the request is followed to its end and given back. Prints JSON: a row for each.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.cli.portal_client import Portal, PortalUnreachable, token_of
from infra.hosts import ssh
from infra.hosts.preflight import target_of
from infra.provisioning.site import SiteContext
from infra.provisioning.textfile import as_root
from tests.cloud import admin

PATIENCE_SECONDS = 600.0
_CHILD = "kill -KILL $(pgrep -P $(systemctl show -P MainPID citycloud-portal) {})"
VICTIMS: Mapping[str, tuple[str, float]] = {
    "portal, worker, engine and provider": ("systemctl kill -s KILL citycloud-portal", 3.0),
    "engine": (_CHILD.format("-x pulumi"), 2.0),
    "provider": (_CHILD.format("-f infra.provider.server"), 4.0),
    "RabbitMQ": ("systemctl kill -s KILL rabbitmq-server", 2.0),
    "MariaDB": ("systemctl kill -s KILL mariadb", 2.0),
    "nova-conductor": ("systemctl kill -s KILL nova-conductor", 3.0),
}
"""Command on the controller, and the seconds after the engine began."""
ENDED = {"fulfilled", "failed"}


class People:
    """A member and an approver of one agency, by their tokens."""

    def __init__(self, site: SiteContext, tokens: Path) -> None:
        self._site, self._tokens = site, tokens
        self.member, self.approver = self.of("member"), self.of("approver")
        self._key = (tokens / "key.pub").read_text().strip()

    def of(self, role: str) -> Portal:
        """The portal as this person reaches it."""
        address = f"https://{self._site.inventory.site.api_name}"
        return Portal(address, token_of(self._tokens / role), ca=self._site.paths.ca_certificate)

    def ask(self, why: str) -> str:
        item = {
            "item": "web-server", "count": 1,
            "values": {"size": "container.small", "public_address": "true", "ssh_key": self._key},
        }  # fmt: skip
        made = self.member.change("requests", body={"items": [item], "purpose": f"Kiểm tra: {why}"})
        return str(made["id"])

    def approve(self, request: str) -> None:
        version = self.approver.read("requests", request)["version"]
        verdict = {"verdict": "approve", "reason": "Kiểm tra", "version": version}
        self.approver.change("requests", request, "decision", body=verdict)

    def give_back(self, deployment: str) -> str:
        """The state that it ends in."""
        found = self.member.read("deployments", deployment)
        if "retire" in found["may"]:
            order = {"action": "retire", "version": found["version"]}
            self.member.change("deployments", deployment, "actions", body=order)
        return str(self.until("deployments", deployment, states={"retired"})["summary"]["state"])

    def until(self, *path: str, states: set[str], step: str = "") -> dict[str, Any]:
        """Asks until its state is one of these or the step has begun, whoever is down meanwhile."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        found: dict[str, Any] = {}
        while time.monotonic() < deadline:
            try:
                found = self.member.read(*path)
            except PortalUnreachable:
                continue
            begun = {one["name"] for one in found.get("steps", ())}
            if found["summary"]["state"] in states or step in begun:
                break
            time.sleep(0.5)
        return found


def tried(people: People, controller: ssh.Target, victim: str) -> dict[str, Any]:
    command, delay = VICTIMS[victim]
    request = people.ask(victim)
    people.approve(request)
    people.until("requests", request, states=ENDED, step="create")
    time.sleep(delay)
    struck = time.monotonic()
    ssh.run(controller, as_root(command, controller.user))
    ended = people.until("requests", request, states=ENDED)
    row = {
        "victim": victim, "seconds": round(time.monotonic() - struck, 1),
        "state": ended["summary"]["state"], "failure": ended["failure"],
        "steps": [f"{one['name']} {one['state']}" for one in ended["steps"]],
        "given back": [people.give_back(one) for one in ended["deployments"]],
    }  # fmt: skip
    print(json.dumps(row, ensure_ascii=False), file=sys.stderr)
    return row


def main() -> None:
    site, tokens = admin.site_of(sys.argv[1]), Path(sys.argv[2])
    people = People(site, tokens)
    controller = target_of(site.inventory, site.settings, site.inventory.controllers()[0])
    rows = [tried(people, controller, victim) for victim in sys.argv[3:] or VICTIMS]
    print(json.dumps(rows, ensure_ascii=False))


if __name__ == "__main__":
    main()

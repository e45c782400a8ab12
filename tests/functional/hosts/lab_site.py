"""A lab for tests: under a name that no other lab has, in a state folder of its own."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra import inventory as inventories
from infra.hosts import namespace, ssh
from infra.hosts.lab import Lab
from infra.inventory import Inventory
from infra.settings import Settings

ROOT = Path(__file__).parents[3]
CITYCLOUD = str(Path(sys.executable).with_name("citycloud"))


@dataclass(frozen=True)
class Site:
    """A lab with its inventory folder and its settings."""

    inventory: Inventory
    settings: Settings
    lab: Lab

    def citycloud(self, *words: str) -> list[str]:
        """The command line of `citycloud` on this site."""
        return [CITYCLOUD, *words, "--inventory", str(self.inventory.path)]

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "CITYCLOUD_STATE": str(self.settings.state_dir),
            "CITYCLOUD_CACHE": str(self.settings.cache_dir),
            "CITYCLOUD_DEPOT": str(self.settings.depot_dir),
        }

    def run_citycloud(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.citycloud(*words),
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    def run(self, server: str, command: str, deadline_seconds: float = 30.0) -> str:
        """Output of a command on a server."""
        target = self.lab.target(server)
        return self.inside(lambda: ssh.run(target, command, deadline_seconds=deadline_seconds).output)

    def inside(self, work: Callable[[], str]) -> str:
        return namespace.run_inside(self.lab.namespace, work)


def make_site(folder: Path) -> Site:
    name = f"test-{secrets.token_hex(3)}"
    shutil.copytree(ROOT / "inventories" / "lab", folder / "inventory")
    variables = folder / "inventory" / "group_vars" / "all.yml"
    variables.write_text(re.sub(r"(?m)^site_name: .*$", f"site_name: {name}", variables.read_text()))
    usual = Settings.from_environment(os.environ)
    settings = Settings(folder / "state", usual.cache_dir, usual.depot_dir, ROOT)
    inventory = inventories.load(folder / "inventory")
    return Site(inventory, settings, Lab.of(inventory, settings))

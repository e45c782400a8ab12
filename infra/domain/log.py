"""Log: what a unit of a server wrote into its journal, and what of it is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

SERVICES = {
    "identity": "keystone", "image": "glance", "placement": "placement", "compute": "nova",
    "network": "neutron", "block-storage": "cinder", "volumev3": "cinder",
}  # fmt: skip
"""OpenStack's types of services, as alerts name them, and the names of their units."""
PRIORITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
_SUFFIXES = (".service", ".socket", ".timer", ".scope", ".slice", ".mount", ".target")


@dataclass(frozen=True)
class LogEntry:
    """`at` is UTC in ISO form, `priority` one of PRIORITIES, `unit` "" where no unit wrote it."""

    at: str
    host: str
    unit: str
    priority: str
    message: str


@dataclass(frozen=True)
class LogQuery:
    """What is asked for; empty is everything. Moments are as journalctl takes them (-1h, 2026-11-26 22:00).

    `hosts` are servers of the site, `units` names of units or of OpenStack's services, `grep` a regular
    expression (PCRE2), `mentions` ids of which one must occur.
    """

    hosts: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    grep: str = ""
    mentions: tuple[str, ...] = ()
    priority: str = ""
    lines: int = 200

    def arguments(self, folder: str, addresses: Mapping[str, str]) -> list[str]:
        """journalctl's arguments for a folder of journals that are named by the `addresses` of their servers.

        The patterns of --file are journalctl's own to expand: they must reach it as they are. One for both
        the file that is written (`.journal`) and full ones (`@...`): one that matches no file is refused.
        """
        words = [f"--file={folder}/remote-{addresses[host]}[.@]*journal" for host in self.hosts]
        words = words or [f"--directory={folder}"]
        words += [f"--unit={pattern}" for unit in self.units for pattern in unit_patterns(unit)]
        for name, value in (("since", self.since), ("until", self.until), ("priority", self.priority)):
            words += [f"--{name}={value}"] if value else []
        if pattern := self.pattern():
            words.append(f"--grep={pattern}")
        return [*words, f"--lines={self.lines}", "--output=json", "--no-pager", "--quiet", "--all"]

    def pattern(self) -> str:
        """One expression for both: journalctl takes one only."""
        one_of = "|".join(re.escape(word) for word in self.mentions)
        if self.grep and one_of:
            return f"(?s)^(?=.*(?:{one_of}))(?=.*(?:{self.grep}))"
        return self.grep or one_of


def unit_patterns(name: str) -> Iterator[str]:
    """A unit as people name it: `nova` is all of its units, `nova-api` one, `nova*` what it says."""
    name = SERVICES.get(name, name)
    yield name if name.endswith(_SUFFIXES) or any(sign in name for sign in "*?[") else f"{name}.service"
    if not name.endswith(_SUFFIXES) and not any(sign in name for sign in "*?[@"):
        yield f"{name}-*.service"
        yield f"{name}@*.service"

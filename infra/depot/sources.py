"""Where this machine gets Debian from: its own entries, and of them only Debian's.

Third-party sources never reach the depot: an entry counts when it names a suite of Debian 12, the component
`main`, and a path that ends as Debian's archives do. Packages are checked with Debian's archive key only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

SUITES = ("bookworm", "bookworm-updates", "bookworm-security")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def debian_entries(apt_dir: Path) -> list[tuple[str, str]]:
    """(address, suite) of each Debian entry under /etc/apt, in order, without doubles."""
    entries: list[tuple[str, str]] = []
    lists = [apt_dir / "sources.list", *sorted((apt_dir / "sources.list.d").glob("*.list"))]
    for path in lists:
        if path.is_file():
            entries += _one_line_entries(path.read_text())
    for path in sorted((apt_dir / "sources.list.d").glob("*.sources")):
        entries += _stanza_entries(path.read_text())
    return list(dict.fromkeys(entries))


def as_lines(entries: list[tuple[str, str]]) -> str:
    """The content of a sources.list with these entries."""
    return "".join(f"deb [signed-by={KEYRING}] {address} {suite} main\n" for address, suite in entries)


def _one_line_entries(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+([^#]*)", line)
        if match:
            yield from _debian([match[1]], [match[2]], match[3].split())


def _stanza_entries(text: str) -> Iterator[tuple[str, str]]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        fields = {
            key.lower(): value.split()
            for key, value in re.findall(r"^([\w-]+):((?:.*)(?:\n[ \t].*)*)", stanza, re.M)
        }
        if "deb" in fields.get("types", []) and fields.get("enabled", ["yes"])[0].lower() != "no":
            yield from _debian(fields.get("uris", []), fields.get("suites", []), fields.get("components", []))


def _debian(addresses: list[str], suites: list[str], components: list[str]) -> Iterator[tuple[str, str]]:
    for address in addresses:
        ending = urlsplit(address).path.rstrip("/").rpartition("/")[2]
        if "main" not in components or ending not in ("debian", "debian-security"):
            continue
        for suite in suites:
            name = suite.rstrip("/").replace("bookworm/updates", "bookworm-security")
            if name in SUITES:
                yield address.rstrip("/"), name

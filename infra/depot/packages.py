"""The lists of Debian packages in packages.yaml beside this file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

LIST = Path(__file__).with_name("packages.yaml")


@dataclass(frozen=True)
class PackageList:
    """`build_host`: for the machine that builds; `sets`: name -> packages for servers and guests.

    `files_only`: packages that come without what they need, as no program of theirs runs. `environments`:
    Python packages that City Cloud's own programs on servers need, by what they are for.
    """

    build_host: tuple[str, ...]
    files_only: tuple[str, ...]
    sets: dict[str, tuple[str, ...]]
    environments: dict[str, tuple[str, ...]]

    def closures(self) -> dict[str, tuple[str, ...]]:
        """The sets to resolve, each together with the bare server that it is installed on."""
        server = self.sets["server"]
        return {name: tuple(sorted({*server, *packages})) for name, packages in self.sets.items()}


def load(path: Path = LIST) -> PackageList:
    """Read the list; it is a file of this package: a mistake in it is a bug, and raises as one."""
    data = yaml.safe_load(path.read_text())
    return PackageList(
        build_host=tuple(data["build_host"]),
        files_only=tuple(data["files_only"]),
        sets={name: tuple(packages) for name, packages in data["sets"].items()},
        environments={name: tuple(packages) for name, packages in data["environments"].items()},
    )

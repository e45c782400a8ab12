"""Removes a lab with everything that was made for it. Production sites are not removed by one command."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.depot.signing import key_home
from infra.hosts.lab import Lab, LabAbsent
from infra.inventory import Inventory
from infra.provisioning.lock import SiteLock
from infra.settings import Settings


@dataclass(frozen=True)
class RemovalPlan:
    """What `down` removes and what it leaves; only folders that exist."""

    removed: tuple[Path, ...]
    kept: tuple[Path, ...]


def plan(settings: Settings, inventory: Inventory, *, purge: bool) -> RemovalPlan:
    """Raises LabAbsent for a real site, before anything else."""
    if inventory.lab is None:
        raise LabAbsent(f"{inventory.path} is a real site: `down` removes labs only")
    name = inventory.site.site_name
    own = [settings.lab_dir(name), settings.site(name).directory]
    shared = [settings.depot_dir, key_home(settings.depot_dir), settings.cache_dir]
    removed, kept = ([*own, *shared], []) if purge else (own, shared)
    return RemovalPlan(tuple(p for p in removed if p.exists()), tuple(p for p in kept if p.exists()))


def down(settings: Settings, inventory: Inventory, what: RemovalPlan, step: Callable[[str], None]) -> None:
    """Remove it. Raises RunInProgress while a run works on the site. May be repeated after a kill."""
    paths = settings.site(inventory.site.site_name)
    with SiteLock(paths.lock, "down"):
        Lab.of(inventory, settings).destroy(step)
        # last within the site: a `down` that is killed before this is repeated under the same lock
        for path in what.removed:
            if path != paths.directory and path.exists():
                shutil.rmtree(path)
        shutil.rmtree(paths.directory)
    for folder in (settings.state_dir / "sites", settings.state_dir / "labs", settings.state_dir):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()

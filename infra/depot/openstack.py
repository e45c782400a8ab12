"""OpenStack of one release: its wheels, and the environment for /opt/openstack/<release>."""

from __future__ import annotations

from pathlib import Path

from infra.depot import environment, wheels
from infra.depot.manifest import digest
from infra.depot.workshop import Say, Workshop


def releases(project_root: Path) -> list[str]:
    """The releases that have a lock, oldest first."""
    return sorted(path.parent.name for path in project_root.glob("playbooks/releases/*/requirements.lock"))


def wheels_inputs(workshop: Workshop, release: str) -> str:
    """The lock decides."""
    return digest(workshop.own_source("wheels.py"), _lock(workshop, release), wheels.TOOLS.read_bytes())


def make_wheels(workshop: Workshop, release: str, work: Path, say: Say) -> None:
    """Fill work/wheels/openstack-<release>."""
    locked = wheels.read_lock(_lock(workshop, release).decode())
    wheels.fetch(f"wheels-{release}", workshop, locked, work / _folder(release), say)


def environment_inputs(workshop: Workshop, release: str) -> str:
    """The wheels, as they are in the depot."""
    return digest(workshop.own_source("environment.py"), workshop.made_from(f"{_folder(release)}/"))


def make_environment(workshop: Workshop, release: str, work: Path, say: Say) -> None:
    """Write work/environments/openstack-<release>.tar.zst."""
    archive = work / f"environments/openstack-{release}.tar.zst"
    source = workshop.depot_dir / _folder(release)
    environment.make(
        f"openstack-{release}", workshop, say, wheels=source, name=release, archive=archive, libvirt=True
    )


def _lock(workshop: Workshop, release: str) -> bytes:
    return (workshop.project_root / "playbooks/releases" / release / "requirements.lock").read_bytes()


def _folder(release: str) -> str:
    return f"wheels/openstack-{release}"

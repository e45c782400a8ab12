"""City Cloud itself: the wheels of its deploy host, and the environments of its exporters and of its portal.

Each environment is small on purpose: servers get the exporters and what they need; the portal's servers also
get Ansible and Pulumi, by which its worker makes what was approved.
"""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from infra.depot import environment, packages, wheels
from infra.depot.command import run
from infra.depot.manifest import digest
from infra.depot.workshop import Say, Workshop, tree_digest

WHEELS = "wheels/citycloud"
ENVIRONMENTS = {"exporters": "citycloud", "portal": "citycloud-portal"}
"""What an environment is for, and what it is called."""
_SHIPPED = ("infra", "monitoring", "playbooks/blueprints", "stacks", "pyproject.toml")


def version(project_root: Path) -> str:
    """The project's version, from pyproject.toml."""
    return str(_project(project_root)["version"])


def wheels_inputs(workshop: Workshop) -> str:
    """The lock of the runtime and every file that the project's own wheel is made of."""
    root = workshop.project_root
    shipped = tree_digest(root, [root / name for name in _SHIPPED if (root / name).exists()])
    return digest(
        workshop.own_source("wheels.py", "citycloud.py"), (root / "requirements.lock").read_bytes(), shipped
    )


def make_wheels(workshop: Workshop, work: Path, say: Say) -> None:
    """Fill work/wheels/citycloud: what the project depends on at run time, and the project."""
    root = workshop.project_root
    roots = [re.split(r"[^A-Za-z0-9._-]", text)[0] for text in _project(root)["dependencies"]]
    wheels.fetch(
        "wheels-citycloud",
        workshop,
        needed((root / "requirements.lock").read_text(), roots),
        work / WHEELS,
        say,
    )
    say("building the project's wheel", 0.9)
    run(
        "wheels-citycloud",
        [
            wheels.tool_python(workshop),
            "-m",
            "hatchling",
            "build",
            "--target",
            "wheel",
            "--directory",
            work / WHEELS,
        ],
        cwd=root,
        variables={"PYTHONDONTWRITEBYTECODE": "1"},
    )


def environment_inputs(workshop: Workshop, kind: str) -> str:
    """The wheels, and which of them exporters (or the portal) need."""
    return digest(
        workshop.own_source("environment.py", "citycloud.py"),
        workshop.made_from(f"{WHEELS}/"),
        *packages.load().environments[kind],
    )


def make_environment(workshop: Workshop, work: Path, say: Say, kind: str) -> None:
    """Write work/environments/<name>-<version>.tar.zst: the project's wheel and what `kind` needs."""
    root = workshop.project_root
    chosen = workshop.cache(f"wheels-{kind}")
    shutil.rmtree(chosen)
    chosen.mkdir()
    names = {
        package.name
        for package in needed((root / "requirements.lock").read_text(), packages.load().environments[kind])
    }
    for path in (workshop.depot_dir / WHEELS).glob("*.whl"):
        if wheels.normal_name(path.name.split("-")[0]) in {*names, "citycloud"}:
            shutil.copyfile(path, chosen / path.name)
    release = version(root)
    archive = work / f"environments/{ENVIRONMENTS[kind]}-{release}.tar.zst"
    environment.make(ENVIRONMENTS[kind], workshop, say, wheels=chosen, name=release, archive=archive)
    shutil.rmtree(chosen)


def needed(lock: str, roots: Iterable[str]) -> list[wheels.Locked]:
    """The packages of a lock that these roots need, by the `# via` notes that uv wrote under each."""
    parents: dict[str, set[str]] = {}
    for block in re.split(r"\n(?=\S)", lock):
        name = wheels.normal_name(block.split("==")[0])
        notes = block.partition("# via")[2].replace("#", " ")
        parents[name] = {
            wheels.normal_name(word)
            for word in re.findall(r"[A-Za-z0-9][\w.-]*", re.sub(r"\(.*?\)", "", notes))
        }
    wanted = {wheels.normal_name(name) for name in roots}
    while more := {name for name, above in parents.items() if above & wanted} - wanted:
        wanted |= more
    return [package for package in wheels.read_lock(lock) if package.name in wanted]


def _project(root: Path) -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    return project

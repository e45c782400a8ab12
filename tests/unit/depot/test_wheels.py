"""Locks are read exactly, and hold what the depot may say about where packages come from: nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.depot import citycloud, openstack, wheels
from infra.depot.manifest import sha256

ROOT = Path(__file__).parents[3]
LOCKS = [*ROOT.glob("playbooks/releases/*/requirements.lock"), ROOT / "infra/depot/tools.lock"]
A, B = "a" * 64, "b" * 64


def test_a_lock_gives_names_versions_and_all_hashes() -> None:
    hashes = f"    --hash=sha256:{A} \\\n    --hash=sha256:{B}\n"
    text = f"# made by a tool\nNova_Thing==34.0.0 \\\n{hashes}    # via x\nb==1\n"
    nova, other = wheels.read_lock(text)
    assert (nova.name, nova.version, nova.hashes) == ("nova-thing", "34.0.0", (A, B))
    assert (other.name, other.hashes) == ("b", ())
    assert nova.line == f"nova-thing==34.0.0 --hash=sha256:{A} --hash=sha256:{B}"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_locked_package_has_hashes_and_no_index_is_named(lock: Path) -> None:
    text = lock.read_text()
    locked = wheels.read_lock(text)
    assert len(locked) == text.count("==")
    assert all(package.hashes for package in locked)
    assert "://" not in text
    assert "--index" not in text


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_lock_holds_what_was_asked_for(lock: Path) -> None:
    locked = {package.name: package.version for package in wheels.read_lock(lock.read_text())}
    asked = [line for line in lock.with_suffix(".in").read_text().splitlines() if not line.startswith("#")]
    for line in filter(None, asked):
        name, _, version = line.partition("==")
        assert wheels.normal_name(name) in locked, f"{name} is not in {lock}: make the lock again"
        assert locked[wheels.normal_name(name)].startswith(version.rstrip("*")), f"{line} and {lock} disagree"


def test_the_release_of_the_lab_has_a_lock() -> None:
    assert "2026.2" in openstack.releases(ROOT)


LOCK = f"""\
click==8.1 \\
    --hash=sha256:{A}
    # via citycloud (pyproject.toml)
openstacksdk==4.22.0 \\
    --hash=sha256:{A}
    # via citycloud (pyproject.toml)
keystoneauth1==5 \\
    --hash=sha256:{A}
    # via openstacksdk
os-service-types==1 \\
    --hash=sha256:{A}
    # via
    #   keystoneauth1
    #   openstacksdk
pytest==9 \\
    --hash=sha256:{A}
    # via citycloud (pyproject.toml:dev)
"""


def test_a_part_of_a_lock_is_its_roots_and_what_they_need() -> None:
    names = [package.name for package in citycloud.needed(LOCK, ["OpenStackSDK"])]
    assert names == ["openstacksdk", "keystoneauth1", "os-service-types"]


def test_the_projects_lock_holds_every_runtime_package_of_the_exporters() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    names = {package.name for package in citycloud.needed(lock, ["openstacksdk", "prometheus-client"])}
    assert {"openstacksdk", "keystoneauth1", "requests", "prometheus-client"} <= names
    assert not {"pulumi", "ansible-core", "pytest"} & names


def test_an_environment_is_asked_for_exactly_the_wheels_that_are_there(tmp_path: Path) -> None:
    wheel = tmp_path / "oslo_config-9.1-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    (tmp_path / "source-1.tar.gz").write_bytes(b"source")
    assert wheels.wheel_requirements(tmp_path) == f"oslo_config==9.1 --hash=sha256:{sha256(wheel)}\n"


def test_the_command_that_makes_a_lock_stands_in_what_it_is_made_from() -> None:
    for lock in LOCKS:
        assert re.search(r"uv pip compile --generate-hashes --no-header", lock.with_suffix(".in").read_text())

"""Bad input, as a person meets it: the real command, an answer with the way out, and nothing changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CITYCLOUD = Path(sys.executable).parent / "citycloud"
INVALID_INPUT = 3


def citycloud(state: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "CITYCLOUD_STATE": str(state),
        "CITYCLOUD_CACHE": str(state / "cache"),
        **more,
    }
    environment.pop("CITYCLOUD_DEPOT", None)
    return subprocess.run(
        [str(CITYCLOUD), *words],
        env=environment,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def replaced(file: str, old: str, new: str) -> Callable[[Path], None]:
    def apply(inventory: Path) -> None:
        path = inventory / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return apply


def appended(file: str, text: str) -> Callable[[Path], None]:
    def apply(inventory: Path) -> None:
        with (inventory / file).open("a") as out:
            out.write(text)

    return apply


MISTAKES: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "an agency code that stands twice": (
        replaced("agencies.yaml", "code: sonv\n", "code: vpubnd\n"),
        ("agencies.yaml", "agencies[1].code", "vpubnd"),
    ),
    "a malformed agency code": (
        replaced("agencies.yaml", "code: sonv\n", "code: Sở_Nội_vụ\n"),
        ("agencies.yaml", "agencies[1].code", "Sở_Nội_vụ"),
    ),
    "an unknown size class": (
        replaced("agencies.yaml", "size: S\n", "size: XXL\n"),
        ("agencies.yaml", ".size", "XXL"),
    ),
    "an unknown flavor": (
        replaced("agencies.yaml", "flavor: container.small", "flavor: container.huge"),
        ("agencies.yaml", ".flavor", "container.huge"),
    ),
    "quotas beyond the hypervisors": (
        replaced("group_vars/all.yml", "quota_overcommit: 8.0", "quota_overcommit: 1.0"),
        ("agencies.yaml", "quota_overcommit", "7.4"),
    ),
    "overlapping networks": (
        replaced("agencies.yaml", "network: 10.64.2.0/24", "network: 10.64.1.128/25"),
        ("agencies.yaml", ".network", "10.64.1.128/25"),
    ),
    "an anchor": (
        replaced("agencies.yaml", "size_classes:\n", "size_classes: &classes\n"),
        ("agencies.yaml", "anchor"),
    ),
    "a tab": (appended("platform.yaml", "\tname: x\n"), ("platform.yaml", "tab")),
    "a wrong type": (
        replaced("group_vars/all.yml", "service_down_seconds: 25", "service_down_seconds: soon"),
        ("all.yml", "service_down_seconds", "soon"),
    ),
    "an unknown key": (
        replaced("group_vars/all.yml", "service_down_seconds: 25", "service_down_second: 25"),
        ("all.yml", "service_down_second", "service_down_seconds"),
    ),
    "ten megabytes": (
        appended("agencies.yaml", "# padding\n" * 1_100_000),
        ("agencies.yaml", "1048576 bytes"),
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("command", ["up", "inventory check"])
def test_a_mistake_is_answered_before_anything_changes(tmp_path: Path, mistake: str, command: str) -> None:
    inventory, state = tmp_path / "site", tmp_path / "state"
    shutil.copytree(ROOT / "inventories/lab", inventory)
    make, words = MISTAKES[mistake]
    make(inventory)
    result = citycloud(state, *command.split(), "--inventory", str(inventory))
    assert result.returncode == INVALID_INPUT, result.stdout + result.stderr
    for word in words:
        assert word in result.stderr
    assert "Traceback" not in result.stderr
    assert not state.exists()


def test_a_production_site_without_its_vault_password_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "state"
    result = citycloud(state, "up", "--inventory", "inventories/production")
    assert result.returncode == INVALID_INPUT, result.stderr
    assert "CITYCLOUD_VAULT_PASSWORD_FILE" in result.stderr
    assert not list(state.rglob("secrets.yml"))


def test_a_broken_file_of_the_depot_is_named(tmp_path: Path) -> None:
    depot = tmp_path / "state/depot"
    depot.mkdir(parents=True)
    (depot / "manifest.json").write_text("{")
    result = citycloud(tmp_path / "state", "depot", "verify")
    assert result.returncode == INVALID_INPUT, result.stderr
    assert "manifest.json" in result.stderr
    assert "Traceback" not in result.stderr

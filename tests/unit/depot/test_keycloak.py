"""Keycloak's archive: by its digest or not at all."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import yaml

from infra.depot import keycloak
from infra.depot.errors import DepotPartFailed

ROOT = Path(__file__).parents[3]
MAVEN = """#!/bin/sh
for one; do case $one in -Dmaven.repo.local=*) repository=${one#*=};; esac; done
folder=$repository/org/keycloak/keycloak-quarkus-dist/%(version)s
mkdir -p "$folder"
printf '%(content)s' > "$folder/keycloak-quarkus-dist-%(version)s.tar.gz"
"""


@pytest.fixture(autouse=True)
def archive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keycloak, "SHA256", hashlib.sha256(b"right").hexdigest())


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a program that plays Maven is to be written; nothing else of that name is found."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/sbin:/bin")
    return tmp_path / "bin/mvn"


def plays(maven: Path, content: str) -> None:
    maven.write_text(MAVEN % {"version": keycloak.VERSION, "content": content})
    maven.chmod(0o755)


def test_what_was_fetched_whole_is_not_fetched_again(tmp_path: Path, maven: Path) -> None:
    plays(maven, "right")
    found = keycloak.fetched(tmp_path)
    maven.write_text("#!/bin/sh\nexit 1\n")
    assert (keycloak.fetched(tmp_path), found.read_bytes()) == (found, b"right")
    assert not (tmp_path / "maven").exists()


def test_an_archive_with_another_digest_is_refused(tmp_path: Path, maven: Path) -> None:
    plays(maven, "wrong")
    with pytest.raises(DepotPartFailed, match="expected is"):
        keycloak.fetched(tmp_path)
    assert not (tmp_path / Path(keycloak.FILE).name).exists()


def test_one_that_was_spoiled_in_the_cache_is_fetched_anew(tmp_path: Path, maven: Path) -> None:
    (tmp_path / Path(keycloak.FILE).name).write_bytes(b"spoiled")
    plays(maven, "right")
    assert keycloak.fetched(tmp_path).read_bytes() == b"right"


def test_without_maven_the_way_out_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DepotPartFailed, match="scripts/prepare maven"):
        keycloak.fetched(tmp_path)


def test_the_role_installs_the_release_that_the_depot_has() -> None:
    defaults = yaml.safe_load((ROOT / "playbooks/roles/keycloak/defaults/main.yml").read_text())
    assert defaults["keycloak_version"] == keycloak.VERSION

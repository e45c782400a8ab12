"""The base that lab servers share."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from infra.hosts.command import CommandFailed
from infra.hosts.root_filesystem import RootFilesystemGone, RootFilesystemMissing, pinned, unpack


def make_tarball(path: Path, text: str = "12\n") -> Path:
    source = path.parent / f"source-{path.name}"
    (source / "etc").mkdir(parents=True)
    (source / "etc" / "debian_version").write_text(text)
    subprocess.run(["tar", "--zstd", "-cf", path, "-C", source, "."], check=True)
    return path


def test_a_tarball_is_unpacked_once(tmp_path: Path) -> None:
    tarball = make_tarball(tmp_path / "base.tar.zst")
    folder = unpack(tarball, tmp_path / "cache")
    assert (folder / "etc" / "debian_version").read_text() == "12\n"
    (folder / "mark").touch()
    assert unpack(tarball, tmp_path / "cache") == folder
    assert (folder / "mark").exists()


def test_what_a_killed_run_left_is_made_anew(tmp_path: Path) -> None:
    tarball = make_tarball(tmp_path / "base.tar.zst")
    folder = unpack(tarball, tmp_path / "cache")
    partial = folder.rename(folder.with_suffix(".partial"))
    (partial / "rubbish").touch()
    again = unpack(tarball, tmp_path / "cache")
    assert sorted(path.name for path in again.iterdir()) == ["etc"]
    assert {path.name for path in again.parent.iterdir()} == {".lock", again.name}


def test_a_broken_tarball_leaves_no_base(tmp_path: Path) -> None:
    (tmp_path / "base.tar.zst").write_bytes(b"not a tarball")
    with pytest.raises(CommandFailed, match="tar"):
        unpack(tmp_path / "base.tar.zst", tmp_path / "cache")
    assert {path.suffix for path in (tmp_path / "cache" / "base").iterdir()} == {"", ".partial"}


def test_without_a_tarball_the_way_out_is_the_depot(tmp_path: Path) -> None:
    with pytest.raises(RootFilesystemMissing, match="citycloud depot build"):
        unpack(tmp_path / "none.tar.zst", tmp_path)


def test_a_lab_keeps_its_base_when_the_depot_has_a_newer_one(tmp_path: Path) -> None:
    link, cache = tmp_path / "base", tmp_path / "cache"
    first = pinned(link, make_tarball(tmp_path / "old.tar.zst"), cache)
    newer = make_tarball(tmp_path / "new.tar.zst", "13\n")
    assert pinned(link, newer, cache) == first


def test_a_lost_base_is_made_again_only_from_the_same_tarball(tmp_path: Path) -> None:
    link, cache = tmp_path / "base", tmp_path / "cache"
    old = make_tarball(tmp_path / "old.tar.zst")
    first = pinned(link, old, cache)
    first.rename(tmp_path / "lost")
    newer = make_tarball(tmp_path / "new.tar.zst", "13\n")
    with pytest.raises(RootFilesystemGone, match="citycloud lab destroy"):
        pinned(link, newer, cache)
    assert pinned(link, old, cache) == first

"""Keys are made once, kept private, and pinned by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.hosts import keys

KNOWN = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIOsE0J6S1TWkDjeHi2nT7SbsGj3zUbTMkf7dXOm5zcW"


def test_a_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "ssh" / "id_ed25519"
    public = keys.ensure_key(path, "citycloud-lab")
    content = path.read_bytes()
    assert keys.ensure_key(path, "citycloud-lab") == public
    assert path.read_bytes() == content
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert public.startswith("ssh-ed25519 ")
    assert public.endswith(" citycloud-lab")
    assert path.with_name("id_ed25519.pub").read_text() == f"{public}\n"


def test_a_lost_public_half_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "id"
    public = keys.ensure_key(path, "x")
    path.with_name("id.pub").unlink()
    assert keys.ensure_key(path, "x") == public
    assert path.with_name("id.pub").exists()


def test_the_fingerprint_is_that_of_openssh() -> None:
    assert keys.fingerprint(KNOWN) == "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"


def test_pinning_replaces_the_key_of_these_names_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    keys.pin(path, ("172.30.0.11", "ctl1"), KNOWN)
    keys.pin(path, ("172.30.0.21", "hv1"), KNOWN)
    keys.pin(path, ("172.30.0.11", "ctl1"), f"{OTHER} a comment")
    assert path.read_text() == f"172.30.0.21,hv1 {KNOWN}\n172.30.0.11,ctl1 {OTHER}\n"


def test_pinning_what_is_pinned_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    keys.pin(path, ("ctl1",), KNOWN)
    inode = path.stat().st_ino
    keys.pin(path, ("ctl1",), KNOWN)
    assert path.stat().st_ino == inode


def test_unpinning_removes_every_line_of_a_name(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    keys.pin(path, ("172.30.0.11", "ctl1"), KNOWN)
    keys.pin(path, ("hv1",), OTHER)
    keys.unpin(path, ("ctl1",))
    assert path.read_text() == f"hv1 {OTHER}\n"
    keys.unpin(tmp_path / "none", ("ctl1",))


def test_a_file_is_replaced_whole_also_after_a_writer_died(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    (tmp_path / ".secret.partial").write_text("rest of a dead writer, longer than what comes")
    keys.write_whole(path, b"new", 0o600)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755])
def test_a_written_file_has_exactly_its_mode(tmp_path: Path, mode: int) -> None:
    keys.write_whole(tmp_path / "file", b"", mode)
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode

"""What makes a lab server out of the shared base."""

from __future__ import annotations

import os
import subprocess
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

import pytest

from infra.domain.lab import LabInterface, LabServer
from infra.hosts import server_files

NAMES = {"ctl1": IPv4Address("172.30.0.11"), "hv1": IPv4Address("172.30.0.21")}
SERVER = LabServer(
    "ctl1",
    (LabInterface("mgmt0", "mgmt", IPv4Interface("172.30.0.11/24")), LabInterface("tun0", "tun", None)),
)


def write(root: Path) -> str:
    return server_files.write(
        root, SERVER, IPv4Address("172.30.0.1"), NAMES, "ssh-ed25519 AAAA deploy", memory_mib=0
    )


def snapshot(root: Path) -> dict[str, tuple[int, str]]:
    found = {}
    for path in sorted(root.rglob("*")):
        text = os.readlink(path) if path.is_symlink() else path.read_text() if path.is_file() else ""
        found[str(path.relative_to(root))] = (path.lstat().st_mode, text)
    return found


def test_a_server_has_its_name_and_knows_the_others(tmp_path: Path) -> None:
    write(tmp_path)
    assert (tmp_path / "etc/hostname").read_text() == "ctl1\n"
    assert "172.30.0.21 hv1\n" in (tmp_path / "etc/hosts").read_text()


def test_addresses_are_set_on_the_interfaces_that_have_one(tmp_path: Path) -> None:
    write(tmp_path)
    script = (tmp_path / "usr/local/lib/citycloud-lab/network").read_text()
    assert "ip address replace 172.30.0.11/24 dev mgmt0\n" in script
    assert "ip link set tun0 up\n" in script
    assert "dev tun0" not in script
    assert "ip route replace default via 172.30.0.1\n" in script


def test_a_second_call_restores_the_same_files_and_keys(tmp_path: Path) -> None:
    public = write(tmp_path)
    before = snapshot(tmp_path)
    (tmp_path / "etc/hosts").write_text("damaged")
    (tmp_path / "etc/systemd/system/apt-daily.timer").unlink()
    assert write(tmp_path) == public
    assert public.startswith(server_files.public_host_key(tmp_path))
    assert snapshot(tmp_path) == before


def test_two_servers_share_no_key_and_no_machine_id(tmp_path: Path) -> None:
    assert write(tmp_path / "a") != write(tmp_path / "b")
    ids = [(tmp_path / name / "etc/machine-id").read_text() for name in "ab"]
    assert ids[0] != ids[1]
    assert all(len(found.strip()) == 32 for found in ids)


def test_folders_have_debians_modes_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        write(tmp_path)
    finally:
        os.umask(old)
    modes = {
        path: (tmp_path / path).stat().st_mode & 0o777
        for path in ("etc", "usr/local/lib", "root", "root/.ssh")
    }
    assert modes == {"etc": 0o755, "usr/local/lib": 0o755, "root": 0o700, "root/.ssh": 0o700}
    assert (tmp_path / "root/.ssh/authorized_keys").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "etc/hosts").stat().st_mode & 0o777 == 0o644


def test_the_private_host_key_is_private(tmp_path: Path) -> None:
    write(tmp_path)
    assert (tmp_path / server_files.HOST_KEY).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("script", ["hardware", "network"])
def test_the_scripts_are_shell(tmp_path: Path, script: str) -> None:
    write(tmp_path)
    subprocess.run(["sh", "-n", tmp_path / "usr/local/lib/citycloud-lab" / script], check=True)


def test_units_that_have_nothing_to_do_in_a_lab_are_masked(tmp_path: Path) -> None:
    write(tmp_path)
    for unit in server_files.MASKED:
        assert os.readlink(tmp_path / "etc/systemd/system" / unit) == "/dev/null"

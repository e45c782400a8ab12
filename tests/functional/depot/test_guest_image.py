"""debian-12.qcow2 under plain emulation: boots, asks the metadata service, lets the owner of the key in."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

# A stand-in for the metadata service: qemu starts it for each connection to 169.254.169.254.
METADATA = """\
#!/usr/bin/env python3
import sys
answers = {
    "meta-data/instance-id": "i-1", "meta-data/hostname": "tram-y-te-01.novalocal",
    "meta-data/public-keys/0/openssh-key": open(sys.path[0] + "/key.pub").read(),
    "user-data": "#!/bin/sh\\necho done > /root/user-data-ran\\n",
}
path = sys.stdin.buffer.readline().decode().split()[1].removeprefix("/latest/")
status = "200 OK" if path in answers else "404 Not Found"
sys.stdout.write(f"HTTP/1.0 {status}\\r\\nServer: stand-in\\r\\n\\r\\n{answers.get(path, 'no')}")
"""
BOOT = "cat /proc/sys/kernel/random/boot_id"
SECONDS = 180  # a busy machine; an idle one needs about 15


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def guest(built_depot: Path, tmp_path: Path) -> Iterator[list[str]]:
    """The ssh command that reaches a new server of the image."""
    if shutil.which("qemu-system-x86_64") is None:
        pytest.fail("qemu-system-x86_64 is not installed")
    (tmp_path / "metadata").write_text(METADATA)
    (tmp_path / "metadata").chmod(0o755)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    image, disk, port = built_depot / "images/debian-12.qcow2", tmp_path / "disk.qcow2", free_port()
    create = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(image), str(disk), "2G"]
    subprocess.run(create, check=True)
    network = (
        "user,id=net,restrict=on,net=169.254.0.0/16,dhcpstart=169.254.10.10,"
        f"guestfwd=tcp:169.254.169.254:80-cmd:{tmp_path}/metadata,hostfwd=tcp:127.0.0.1:{port}-:22"
    )
    process = subprocess.Popen(
        ["qemu-system-x86_64", "-machine", "pc", "-accel", "tcg,thread=multi,tb-size=64", "-smp", "2",
         "-m", "512", "-display", "none", "-serial", f"file:{tmp_path}/console",
         "-drive", f"file={disk},if=virtio", "-netdev", network, "-device", "virtio-net-pci,netdev=net"]
    )  # fmt: skip
    yield [
        "ssh", "-i", str(tmp_path / "key"), "-p", str(port), "-o", "StrictHostKeyChecking=no",
        "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10",
        "-o", "ServerAliveInterval=5", "-o", "LogLevel=ERROR", "debian@127.0.0.1",
    ]  # fmt: skip
    process.kill()
    process.wait()


def answer(guest: list[str], command: str) -> str:
    """What a command prints in the guest, once it can be reached."""
    end = time.monotonic() + SECONDS
    while True:
        done = subprocess.run([*guest, command], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout
        assert time.monotonic() < end, done.stderr
        time.sleep(1)


def test_a_new_server_takes_key_name_and_user_data_from_the_metadata_service(guest: list[str]) -> None:
    assert answer(guest, "hostname") == "tram-y-te-01\n"
    assert answer(guest, "sudo cat /root/user-data-ran") == "done\n"
    assert answer(guest, "sudo cat /etc/ssh/ssh_host_ed25519_key.pub").startswith("ssh-ed25519 ")
    root = [*guest[:-1], "root@127.0.0.1", "true"]
    assert subprocess.run(root, check=False, capture_output=True).returncode != 0


def test_a_server_whose_ssh_failed_many_times_lets_its_owner_in_again(guest: list[str]) -> None:
    key = "/etc/ssh/ssh_host_ed25519_key"
    away = f"mv {key} /root/away; systemctl kill --kill-whom=main -s KILL ssh; sleep 20; mv /root/away {key}"
    assert answer(guest, f"sudo sh -c '{away}; echo back'") == "back\n"
    assert answer(guest, "hostname") == "tram-y-te-01\n"

    # As a hard power-off in the first half minute leaves it.
    cut = "sleep 2; echo b > /proc/sysrq-trigger"
    emptied = f"truncate -s 0 {key}; sync; ({cut}) > /dev/null 2>&1 &"
    boot = answer(guest, BOOT)
    assert answer(guest, f"sudo sh -c '{emptied}'") == ""
    end = time.monotonic() + SECONDS
    while answer(guest, BOOT) == boot:
        assert time.monotonic() < end, "the guest did not start again"
        time.sleep(1)
    assert answer(guest, f"sudo head -c 35 {key}") == "-----BEGIN OPENSSH PRIVATE KEY-----"

"""The script that servers run: on any python3 that Debian has, and never failing on what it meets."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

from infra.hosts import collect_facts

SS = (
    'LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=80,fd=3))\n'
    'LISTEN 0 128 [::]:22 [::]:* users:(("sshd",pid=80,fd=4))\n'
    'LISTEN 0 80 172.30.0.11:3306 0.0.0.0:* users:(("mariadbd",pid=90,fd=5),("mariadbd",pid=91,fd=5))\n'
    "LISTEN 0 80 127.0.0.1:99 0.0.0.0:*\n"
)
CGROUPS = {
    "/proc/80/cgroup": "9:name=systemd:/system.slice/ssh.service\n8:pids:/\n0::/system.slice/ssh.service\n",
    "/proc/90/cgroup": "0::/system.slice/mariadb.service/worker\n",
    "/proc/91/cgroup": "0::/system.slice/mariadb.service\n",
}


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    contents: dict[str, str] = dict(CGROUPS)
    monkeypatch.setattr(collect_facts, "text_of", lambda path: contents.get(path, ""))
    return contents


def test_it_is_python_that_old_servers_understand() -> None:
    source = Path(collect_facts.__file__).read_text()
    ast.parse(source, feature_version=(3, 9))
    imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    assert [node.module for node in imports] == ["__future__"]


def test_listeners_are_told_by_their_units(files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect_facts, "output_of", lambda *argv: SS)
    assert collect_facts.listeners() == {"22": ["ssh.service"], "3306": ["mariadb.service"], "99": ["?"]}


def test_a_process_without_a_unit_is_told_by_its_name(files: dict[str, str]) -> None:
    files["/proc/7/cgroup"] = "0::/\n"
    files["/proc/7/comm"] = "nc\n"
    assert collect_facts.unit_of("7") == "nc"


def test_a_release_is_read_without_its_quotes(files: dict[str, str]) -> None:
    files["/etc/os-release"] = 'ID=debian\nVERSION_ID="12"\n# comment\n'
    assert collect_facts.os_release() == {"ID": "debian", "VERSION_ID": "12"}


def test_addresses_are_those_of_ipv4_by_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = (
        '[{"ifname": "mgmt0", "addr_info": [{"family": "inet", "local": "10.0.0.1", "prefixlen": 24},'
        ' {"family": "inet6", "local": "fe80::1", "prefixlen": 64}]}, {"ifname": "tun0"}, {}]'
    )
    monkeypatch.setattr(collect_facts, "output_of", lambda *argv: listed)
    assert collect_facts.addresses() == {"mgmt0": ["10.0.0.1/24"], "tun0": []}


def test_a_strange_server_is_told_as_empty(files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect_facts, "output_of", lambda *argv: "")
    assert (collect_facts.addresses(), collect_facts.listeners(), collect_facts.memory_kib()) == ({}, {}, 0)


def test_what_city_cloud_stored_counts_as_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status = os.statvfs("/var/lib")
    monkeypatch.setattr(os, "statvfs", lambda path: status)
    (tmp_path / "disk").write_bytes(b"x" * 2**24)
    assert collect_facts.free_bytes([str(tmp_path)]) >= collect_facts.free_bytes([]) + 2**24


def test_a_program_that_is_missing_or_fails_has_no_output() -> None:
    assert collect_facts.output_of("no-such-program") == ""
    assert collect_facts.output_of("false") == ""

"""What servers get from the depot works as they use it."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from infra.depot import packages, verify

UNPACK = Path(__file__).parents[3] / "playbooks/roles/service/files/unpack_package.sh"


def test_the_depot_is_whole(built_depot: Path) -> None:
    assert verify(built_depot) > 500


def test_the_signing_key_is_not_in_the_served_folder(built_depot: Path) -> None:
    key = built_depot.with_name(built_depot.name + "-key")
    assert key.stat().st_mode & 0o777 == 0o700
    assert not list(built_depot.rglob("private-keys-v1.d"))


@pytest.fixture(scope="module")
def apt_of_an_empty_server(built_depot: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """apt-get that knows the depot and nothing else, and has nothing installed."""
    root = tmp_path_factory.mktemp("apt")
    for folder in ("lists/partial", "cache/archives/partial"):
        (root / folder).mkdir(parents=True)
    (root / "status").write_text("")
    source = f"deb [signed-by={built_depot}/apt/depot.asc] copy:{built_depot}/apt ./\n"
    (root / "sources.list").write_text(source)
    settings = {
        "Dir::Etc::sourcelist": root / "sources.list", "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State": root, "Dir::State::lists": root / "lists", "Dir::State::status": root / "status",
        "Dir::Cache": root / "cache", "APT::Sandbox::User": "root", "APT::Install-Recommends": "false",
    }  # fmt: skip
    apt = ["apt-get", "-q", *(word for key, value in settings.items() for word in ("-o", f"{key}={value}"))]
    subprocess.run([*apt, "update", "--error-on=any"], check=True, capture_output=True)
    return apt


@pytest.mark.parametrize("name", sorted(packages.load().sets))
def test_every_set_installs_on_an_empty_server_from_the_signed_index(
    apt_of_an_empty_server: list[str], name: str
) -> None:
    names = packages.load().closures()[name]
    done = subprocess.run(
        [*apt_of_an_empty_server, "--simulate", "install", "?essential", *names],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_a_package_of_which_only_files_are_taken_is_unpacked_once_and_whole(
    apt_of_an_empty_server: list[str], tmp_path: Path
) -> None:
    """By the script that servers use, with an apt-get that knows the depot alone."""
    (tmp_path / "bin").mkdir()
    for name in ("apt-get", "apt-cache"):
        program = tmp_path / "bin" / name
        words = shlex.join([f"/usr/bin/{name}", *apt_of_an_empty_server[1:]])
        program.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        program.chmod(0o755)
    into = tmp_path / "novnc"
    told = [
        subprocess.run(
            ["bash", str(UNPACK), "novnc", str(into)], capture_output=True, text=True, check=True,
            env={"PATH": f"{tmp_path}/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
        ).stdout
        for _ in range(2)
    ]  # fmt: skip
    assert told == ["unpacked\n", ""]
    assert (into / "usr/share/novnc/vnc_lite.html").is_file()
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


@pytest.fixture(scope="module")
def environment(built_depot: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """OpenStack's environment, at a path that it was not made for, behind a `current` link."""
    parent = tmp_path_factory.mktemp("opt")
    archive = built_depot / "environments/openstack-2026.2.tar.zst"
    subprocess.run(["tar", "--zstd", "-xf", archive, "-C", parent], check=True)
    (parent / "current").symlink_to("2026.2")
    return parent / "current"


@pytest.mark.parametrize(
    "command",
    [["nova-manage", "--version"], ["keystone-manage", "--version"], ["neutron-db-manage", "--help"],
     ["cinder-manage", "--version"], ["openstack", "--version"], ["oslo-config-validator", "--help"],
     ["privsep-helper", "--help"], ["nova-novncproxy", "--help"]],
    ids=lambda command: command[0],
)  # fmt: skip
def test_programs_of_the_environment_run_where_it_was_unpacked(environment: Path, command: list[str]) -> None:
    program = [str(environment / "bin" / command[0]), *command[1:]]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-1000:]


def test_the_environment_brings_its_byte_code(environment: Path) -> None:
    site = environment / "lib/python3.11/site-packages"
    assert (site / "nova/__pycache__/version.cpython-311.pyc").is_file()
    before = set((site / "keystone").rglob("*.pyc"))
    subprocess.run([environment / "bin/keystone-manage", "--version"], check=True, capture_output=True)
    assert set((site / "keystone").rglob("*.pyc")) == before


def test_the_exporters_environment_holds_the_project_and_neither_ansible_nor_pulumi(
    built_depot: Path, tmp_path: Path
) -> None:
    (archive,) = built_depot.glob("environments/citycloud-[0-9]*.tar.zst")
    subprocess.run(["tar", "--zstd", "-xf", archive, "-C", tmp_path], check=True)
    (folder,) = tmp_path.iterdir()
    site = folder / "lib/python3.11/site-packages"
    code = "import infra.errors, openstack, prometheus_client"
    subprocess.run([folder / "bin/python", "-c", code], check=True)
    assert not any((site / name).exists() for name in ("pulumi", "ansible", "pytest"))


def test_the_bare_server_holds_no_identity_and_no_other_source_of_packages(
    built_depot: Path, tmp_path: Path
) -> None:
    archive = built_depot / "base/debian-12.tar.zst"
    subprocess.run(["tar", "--zstd", "-xf", archive, "-C", tmp_path, "./etc"], check=True)
    etc = tmp_path / "etc"
    assert (etc / "machine-id").read_text() == ""
    assert not list((etc / "ssh").glob("ssh_host_*"))
    assert (etc / "apt/sources.list").read_text() == ""
    assert not list((etc / "apt/sources.list.d").iterdir())

"""hosts.yml and group variables: merged as Ansible merges them, refused where Ansible would guess."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.domain.host import GROUPS
from infra.inventory import load

from .conftest import INVENTORIES, Folder

HOST_KEYS = ("virt_type", "cpus", "memory_mib", "disk_gib")


@pytest.mark.parametrize("name", ["lab", "production", "scale"])
def test_ansible_reads_the_same_hosts_and_variables(name: str, tmp_path: Path) -> None:
    program = Path(sys.executable).parent / "ansible-inventory"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "ANSIBLE_LOCAL_TEMP": str(tmp_path),
        "LC_ALL": "C.UTF-8",
    }
    command = [str(program), "-i", str(INVENTORIES / name / "hosts.yml"), "--list"]
    answer = subprocess.run(command, capture_output=True, check=True, env=environment)
    said = json.loads(answer.stdout)
    variables = said["_meta"]["hostvars"]
    inventory = load(INVENTORIES / name)
    assert set(variables) == {host.name for host in inventory.hosts}
    for group in GROUPS:
        found = set(said.get(group, {}).get("hosts", ()))
        assert found == {host.name for host in inventory.hosts if group in host.groups}
    for host in inventory.hosts:
        theirs = variables[host.name]
        assert theirs["ansible_host"] == str(host.address)
        assert theirs["tunnel_address"] == str(host.tunnel_address)
        assert theirs["site_name"] == inventory.site.site_name
        assert theirs["external_network"]["gateway"] == str(inventory.site.external_network.gateway)
        assert [theirs.get(key) for key in HOST_KEYS] == [getattr(host, key) for key in HOST_KEYS]


def test_a_range_gives_its_variables_to_every_host(production: Folder) -> None:
    hosts = {host.name: host for host in production.load().hosts}
    assert (hosts["hv12"].cpus, hosts["hv13"].cpus) == (120, 184)
    assert str(hosts["hv13"].address) == "10.20.0.113"


def test_group_variables_reach_the_hosts_of_the_group_and_give_way_to_their_own(lab: Folder) -> None:
    lab.change("hosts.yml", "virt_type: qemu, cpus: 2, ", "virt_type: qemu, ")
    lab.write("group_vars/hypervisors.yml", "cpus: 3\n")
    assert [host.cpus for host in lab.load().hypervisors()] == [3, 2]


def test_vars_of_a_group_in_hosts_yml_give_way_to_group_vars(lab: Folder) -> None:
    lab.change("hosts.yml", "virt_type: qemu, cpus: 2, ", "virt_type: qemu, ")
    lab.change("hosts.yml", "hypervisors:\n", "hypervisors:\n  vars: {cpus: 9}\n")
    assert lab.load().host("hv1").cpus == 9
    lab.write("group_vars/hypervisors.yml", "cpus: 3\n")
    assert lab.load().host("hv1").cpus == 3


def test_a_problem_in_group_variables_is_told_once_and_at_its_place(lab: Folder) -> None:
    lab.change("hosts.yml", "virt_type: qemu, cpus: 2, ", "virt_type: qemu, ")
    lab.change("hosts.yml", "virt_type: lxc, cpus: 2, ", "virt_type: lxc, ")
    lab.write("group_vars/hypervisors.yml", "cpus: two\n")
    problem = lab.problem()
    assert problem.file.endswith("group_vars/hypervisors.yml")
    assert (problem.key, problem.value, problem.why) == ("cpus", "two", "must be a whole number")


def test_two_patterns_that_disagree_about_a_host_are_refused(lab: Folder) -> None:
    lab.change("hosts.yml", "hypervisors:\n  hosts:\n", "hypervisors:\n  hosts:\n    hv[1:2]: {cpus: 4}\n")
    problems = lab.problems()
    assert {problem.key for problem in problems} == {
        "hypervisors.hosts.hv1.cpus",
        "hypervisors.hosts.hv2.cpus",
    }
    assert "hypervisors.hosts.hv[1:2].cpus, which says 4" in problems[0].why


def test_a_group_that_names_an_unknown_host_is_refused(lab: Folder) -> None:
    lab.change("hosts.yml", "monitoring:\n  hosts:\n    ctl1", "monitoring:\n  hosts:\n    ctl2")
    problem = lab.problem()
    assert (problem.key, problem.value) == ("monitoring.hosts.ctl2", "ctl2")
    assert "unknown host" in problem.why
    assert "did you mean ctl1?" in problem.way_out


def test_an_unknown_group_is_refused_with_the_nearest_one(lab: Folder) -> None:
    lab.change("hosts.yml", "hypervisors:\n", "hypervisor:\n")
    keys = {problem.key: problem for problem in lab.problems()}
    assert "did you mean hypervisors?" in keys["hypervisor"].way_out
    assert keys["hypervisors"].why == "is missing"


@pytest.mark.parametrize(
    ("old", "new", "key", "why"),
    [
        ("virt_type: qemu", "virt_type: xen", "hypervisors.hosts.hv1.virt_type", "is not a known value"),
        ("virt_type: qemu, ", "", "hypervisors.hosts.hv1.virt_type", "is missing"),
        ("cpus: 2", "cpu: 2", "hypervisors.hosts.hv1.cpu", "is not a known key"),
        ("cpus: 2", "cpus: -2", "hypervisors.hosts.hv1.cpus", "must be at least 1"),
        ("disk_gib: 40", "disk_gib: 40.5", "hypervisors.hosts.hv1.disk_gib", "must be a whole number"),
        (
            "172.30.0.21",
            "172.30.0.999",
            "hypervisors.hosts.hv1.ansible_host",
            "is not an IPv4 address of that form",
        ),
        ("    hv1:", "    HV1:", "hypervisors.hosts.HV1", "is not a host name (a DNS label)"),
        ("    hv1:", "    hv[1:", "hypervisors.hosts.hv[1", "has brackets that are not a range"),
        (
            "virt_type: qemu",
            "virt_type: qemu, fake_count: 3",
            "hypervisors.hosts.hv1.fake_count",
            "is only for virt_type fake",
        ),
        (
            "gateways:\n  hosts:\n    ctl1: {}",
            "gateways: {hosts: {}}",
            "gateways.hosts",
            "must name at least one host",
        ),
        ("gateways:\n  hosts:\n    ctl1: {}", "gateways: [ctl1]", "gateways", "must be a mapping"),
        ("gateways:\n", "gateways:\n  children: {}\n", "gateways.children", "is not a known key"),
        (
            "gateways:\n  hosts:\n    ctl1: {}",
            "gateways:\n  hosts:\n    ctl1: 7",
            "gateways.hosts.ctl1",
            "must be a mapping",
        ),
    ],
)
def test_a_wrong_host_is_told_with_key_and_reason(
    lab: Folder, old: str, new: str, key: str, why: str
) -> None:
    lab.change("hosts.yml", old, new)
    assert any(problem.key.startswith(key) and problem.why.startswith(why) for problem in lab.problems())


@pytest.mark.parametrize("count", [2, 4])
def test_an_even_number_of_controllers_is_refused(production: Folder, count: int) -> None:
    if count == 2:
        production.change(
            "hosts.yml", "    ctl3: {ansible_host: 10.20.0.13, tunnel_address: 10.20.4.13}\n", ""
        )
        production.change("hosts.yml", "    ctl3: {}\n", "")
    else:
        production.change(
            "hosts.yml",
            "    ctl1: {a",
            "    ctl4: {ansible_host: 10.20.0.14, tunnel_address: 10.20.4.14}\n    ctl1: {a",
        )
    problem = production.problem()
    assert (problem.key, problem.why.split(",")[0]) == ("controllers", f"has {count} hosts")


def test_fake_hypervisors_are_many_computes_on_one_host() -> None:
    host = load(INVENTORIES / "scale").host("hv1")
    assert host.compute_names == ("hv1-0", "hv1-1", "hv1-2", "hv1-3")


def test_files_that_only_ansible_would_read_are_refused(lab: Folder) -> None:
    lab.write("group_vars/computes.yml", "a: 1\n")
    lab.write("host_vars/hv1.yml", "a: 1\n")
    assert [Path(problem.file).name for problem in lab.problems()] == ["computes.yml", "host_vars"]


def test_editors_leftovers_are_not_read(lab: Folder) -> None:
    lab.write("group_vars/all.yml~", "\t")
    lab.write("group_vars/.all.yml.swp", b"\xff")
    assert lab.load()

"""The report: every problem of every server, at its place in the inventory."""

from __future__ import annotations

import pytest

from infra.errors import InfraError, PreflightFailed
from infra.hosts import preflight, ssh
from infra.hosts.facts import PythonMissing, ServerFacts
from infra.inventory import Inventory

from .conftest import DIGEST, make_facts


def answers(inventory: Inventory) -> dict[str, ServerFacts | InfraError]:
    return {host.name: make_facts(host) for host in inventory.hosts}


def test_servers_that_fit_make_a_report_without_problems(lab_inventory: Inventory) -> None:
    report = preflight.judge(lab_inventory, answers(lab_inventory), DIGEST)
    report.require()
    assert sorted(report.facts) == ["ctl1", "hv1", "hv2"]


def test_a_report_holds_the_problems_of_all_servers(lab_inventory: Inventory) -> None:
    told = answers(lab_inventory)
    told["hv1"] = make_facts(lab_inventory.host("hv1"), os_version="11", cpus=1)
    told["hv2"] = ssh.HostUnreachable("hv2 (172.30.0.22) does not answer on port 22")
    report = preflight.judge(lab_inventory, told, DIGEST)
    assert [problem.key for problem in report.problems] == [
        "hypervisors.hosts.hv1",
        "hypervisors.hosts.hv1.cpus",
        "hypervisors.hosts.hv2.ansible_host",
    ]
    assert {problem.file for problem in report.problems} == {str(lab_inventory.path / "hosts.yml")}
    with pytest.raises(PreflightFailed, match="Debian 12"):
        report.require()


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (ssh.HostUnreachable("x"), "sshd running"),
        (ssh.HostKeyUnknown("x"), "known_hosts"),
        (ssh.HostKeyChanged("x"), "reinstalled"),
        (ssh.LoginRefused("x"), "authorized_keys"),
        (PythonMissing("x"), "apt-get install python3"),
        (ssh.CommandTimedOut("x"), "by hand"),
    ],
)
def test_every_silence_has_its_way_out(lab_inventory: Inventory, error: InfraError, word: str) -> None:
    told = {**answers(lab_inventory), "ctl1": error}
    (problem,) = preflight.judge(lab_inventory, told, DIGEST).problems
    assert word in problem.way_out
    assert problem.value == "172.30.0.11"


def test_two_names_for_one_server_are_found(lab_inventory: Inventory) -> None:
    told = answers(lab_inventory)
    told["hv2"] = make_facts(lab_inventory.host("hv2"), machine_id="id-of-hv1")
    (problem,) = preflight.judge(lab_inventory, told, DIGEST).problems
    assert problem.key == "hypervisors.hosts.hv2.ansible_host"
    assert "hv2 and hv1 are one server" in problem.why


def test_a_host_in_several_groups_stands_in_the_first(lab_inventory: Inventory) -> None:
    assert (
        preflight.key_of(lab_inventory.host("ctl1"), "ansible_host") == "controllers.hosts.ctl1.ansible_host"
    )


def test_without_a_depot_on_the_deploy_host_servers_are_not_compared_with_it(
    lab_inventory: Inventory,
) -> None:
    assert preflight.judge(lab_inventory, answers(lab_inventory), None).problems == ()

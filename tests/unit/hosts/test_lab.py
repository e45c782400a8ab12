"""What an inventory means for a lab."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from infra.hosts.control_group import ControlGroup
from infra.hosts.lab import Lab, LabAbsent, LabElsewhere, LabPlan
from infra.inventory import Inventory
from infra.settings import Settings

from .conftest import ROOT


@pytest.fixture
def lab(lab_inventory: Inventory, tmp_path: Path) -> Lab:
    unused = replace(lab_inventory.site, site_name="never-made")
    inventory = replace(lab_inventory, site=unused)
    return Lab.of(inventory, Settings(tmp_path / "state", tmp_path / "cache", tmp_path / "depot", ROOT))


def test_a_real_site_has_no_lab(production_inventory: Inventory) -> None:
    with pytest.raises(LabAbsent, match="real"):
        LabPlan.of(production_inventory)


def test_servers_leave_their_network_through_the_deploy_host(lab_inventory: Inventory) -> None:
    assert LabPlan.of(lab_inventory).gateway == IPv4Address("172.30.0.1")


def test_a_lab_that_was_never_made_is_absent(lab: Lab) -> None:
    status = lab.status()
    assert [server.state for server in status.servers] == ["absent"] * 3
    assert (status.memory, status.daemons) == (0, ())


def test_removing_a_lab_that_was_never_made_is_done_at_once(lab: Lab) -> None:
    lab.destroy(pytest.fail)


def test_all_of_a_lab_is_in_its_folder_and_its_group(lab: Lab) -> None:
    for server in lab.servers:
        assert server.directory.is_relative_to(lab.directory)
        assert server.group.path == f"citycloud-never-made/{server.name}"
    assert lab.daemon("depot").group.path == "citycloud-never-made/daemon-depot"


def test_a_lab_of_the_same_name_that_others_run_is_left_alone(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ControlGroup, "populated", lambda group: True)
    lab.directory.mkdir(parents=True)
    for command in (lab.create, lab.start, lab.stop, lab.destroy):
        with pytest.raises(LabElsewhere, match="another state folder"):
            command(lambda text: None)


def test_servers_are_reached_with_the_sites_key_and_pins(lab: Lab) -> None:
    target = lab.target("hv1")
    assert (target.address, target.user) == ("172.30.0.21", "root")
    assert (target.key, target.known_hosts) == (lab.site.ssh_key, lab.site.known_hosts)

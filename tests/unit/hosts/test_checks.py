"""Every rule of the preflight, by what breaks it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from infra.hosts.checks import GIB, MIB_KIB, Finding, check
from infra.inventory import Inventory

from .conftest import make_subject


def findings(inventory: Inventory, name: str, **changes: Any) -> list[Finding]:
    return check(make_subject(inventory, name, **changes))


def only(found: list[Finding]) -> Finding:
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize("name", ["ctl1", "hv1", "hv2"])
def test_a_bare_server_that_fits_has_no_problem(lab_inventory: Inventory, name: str) -> None:
    assert findings(lab_inventory, name) == []


@pytest.mark.parametrize("found", [("ubuntu", "24.04"), ("debian", "13"), ("", "")])
def test_only_debian_12_is_fit(lab_inventory: Inventory, found: tuple[str, str]) -> None:
    finding = only(findings(lab_inventory, "ctl1", os_id=found[0], os_version=found[1]))
    assert finding.way_out == "install Debian 12"


def test_another_architecture_is_refused(lab_inventory: Inventory) -> None:
    assert only(findings(lab_inventory, "ctl1", architecture="aarch64")).value == "aarch64"


def test_the_hostname_must_be_the_inventorys_name(lab_inventory: Inventory) -> None:
    finding = only(findings(lab_inventory, "hv1", hostname="debian"))
    assert finding.value == "debian"
    assert "set-hostname hv1" in finding.way_out


def test_a_hypervisor_must_have_what_it_offers_and_its_own_share(lab_inventory: Inventory) -> None:
    host = lab_inventory.host("hv1")
    assert host.memory_mib is not None
    assert host.disk_gib is not None
    own_memory, own_disk = host.memory_mib + 1024, host.disk_gib + 8
    assert findings(lab_inventory, "hv1", memory_kib=own_memory * MIB_KIB, free_bytes=own_disk * GIB) == []
    short = findings(
        lab_inventory, "hv1", memory_kib=own_memory * MIB_KIB - 1, free_bytes=own_disk * GIB - 1, cpus=1
    )
    assert [finding.variable for finding in short] == ["cpus", "memory_mib", "disk_gib"]
    assert all("offer less" in finding.way_out for finding in short)


def test_a_fake_hypervisor_promises_nothing_of_the_real_machine(lab_inventory: Inventory) -> None:
    subject = make_subject(lab_inventory, "hv1", memory_kib=2048 * MIB_KIB, free_bytes=10 * GIB, cpus=1)
    fake = replace(subject, host=replace(subject.host, virt_type="fake", fake_count=10))
    assert check(fake) == []


def test_a_controller_that_is_too_small_is_not_told_to_offer_less(lab_inventory: Inventory) -> None:
    finding = only(findings(lab_inventory, "ctl1", memory_kib=2048 * MIB_KIB))
    assert finding.value == "2048 MiB"
    assert "offer less" not in finding.way_out


@pytest.mark.parametrize(("offset", "word"), [(61.0, "61 s ahead of"), (-61.0, "61 s behind")])
def test_a_clock_that_differs_is_told_with_its_side(
    lab_inventory: Inventory, offset: float, word: str
) -> None:
    assert word in only(findings(lab_inventory, "ctl1", clock_offset=offset)).value


def test_a_small_difference_of_clocks_is_left_to_the_time_service(lab_inventory: Inventory) -> None:
    assert findings(lab_inventory, "ctl1", clock_offset=4.9) == []


def test_the_management_interface_must_have_the_servers_address(lab_inventory: Inventory) -> None:
    subject = make_subject(lab_inventory, "hv1")
    links = {**subject.facts.addresses, "mgmt0": ("172.30.0.99/24",)}
    finding = only(findings(lab_inventory, "hv1", addresses=links))
    assert (finding.variable, finding.value) == ("ansible_host", "172.30.0.99/24")


def test_a_missing_interface_is_told_with_those_that_exist(lab_inventory: Inventory) -> None:
    links = {"eth0": ("10.0.0.1/24",), "mgmt0": ("172.30.0.21/24",)}
    finding = only(findings(lab_inventory, "hv1", addresses=links))
    assert finding.value == "eth0, mgmt0"
    assert "tun0" in finding.why


def test_only_a_gateway_needs_the_external_interface_unless_floating_addresses_are_distributed(
    lab_inventory: Inventory,
) -> None:
    subject = make_subject(lab_inventory, "hv1")
    links = {name: found for name, found in subject.facts.addresses.items() if name != "ext0"}
    assert findings(lab_inventory, "hv1", addresses=links) == []
    distributed = replace(subject, site=replace(subject.site, distributed_floating_ip=True))
    assert check(distributed) == []
    lacking = replace(distributed, facts=replace(subject.facts, addresses=links))
    assert "ext0" in only(check(lacking)).why


def test_with_the_kernels_datapath_the_tunnel_interface_must_have_its_address(
    lab_inventory: Inventory,
) -> None:
    subject = make_subject(lab_inventory, "hv1", openvswitch=True)
    system = replace(subject, site=replace(subject.site, ovs_datapath="system"))
    assert check(system) == []
    links = {**subject.facts.addresses, "tun0": ()}
    bare = replace(system, facts=replace(subject.facts, addresses=links))
    assert only(check(bare)).variable == "tunnel_address"


def test_with_the_userspace_datapath_a_bridge_may_have_the_tunnel_address(lab_inventory: Inventory) -> None:
    subject = make_subject(lab_inventory, "hv1")
    links = {**subject.facts.addresses, "tun0": (), "br-phy": ("172.30.1.21/24",)}
    assert findings(lab_inventory, "hv1", addresses=links) == []


def test_the_kernels_datapath_needs_its_module(lab_inventory: Inventory) -> None:
    subject = make_subject(lab_inventory, "hv1")
    system = replace(subject, site=replace(subject.site, ovs_datapath="system"))
    assert "openvswitch module" in only(check(system)).why


@pytest.mark.parametrize(
    "found",
    [(), ("172.30.0.22",), ("127.0.1.1",), ("127.0.1.1", "172.30.0.22"), ("172.30.0.22", "172.30.1.22")],
)
def test_a_name_that_is_unknown_right_or_the_servers_own_is_fine(
    lab_inventory: Inventory, found: tuple[str, ...]
) -> None:
    assert findings(lab_inventory, "hv2", resolved={"hv2": found}) == []


def test_a_name_that_leads_elsewhere_is_a_problem(lab_inventory: Inventory) -> None:
    finding = only(findings(lab_inventory, "ctl1", resolved={"hv2": ("10.1.1.1",)}))
    assert finding.value == "hv2 is 10.1.1.1"


def test_a_port_that_a_stranger_holds_is_a_problem(lab_inventory: Inventory) -> None:
    finding = only(findings(lab_inventory, "ctl1", listeners={3306: ("mysql.service",)}))
    assert finding.value == "port 3306: mysql.service"
    assert "systemctl disable --now mysql.service" in finding.way_out


def test_a_deployed_server_passes_again(lab_inventory: Inventory) -> None:
    listeners = {
        3306: ("mariadb.service",),
        5000: ("haproxy.service", "keystone-api.service"),
        4369: ("init.scope",),
        9090: ("prometheus.service",),
        8080: ("nginx.service",),
    }
    assert findings(lab_inventory, "ctl1", listeners=listeners) == []


def test_a_port_matters_only_where_it_is_needed(lab_inventory: Inventory) -> None:
    assert findings(lab_inventory, "hv1", listeners={3306: ("mysql.service",)}) == []


def test_a_server_that_cannot_read_the_depot_says_why(lab_inventory: Inventory) -> None:
    finding = only(findings(lab_inventory, "ctl1", depot_digest=None, depot_error="connection refused"))
    assert "connection refused" in finding.why


def test_another_depot_than_the_deploy_hosts_is_a_problem(lab_inventory: Inventory) -> None:
    assert "manifests differ" in only(findings(lab_inventory, "ctl1", depot_digest="0" * 64)).why


def test_kvm_must_work_where_it_is_promised(production_inventory: Inventory) -> None:
    host = production_inventory.hypervisors()[0]
    site = production_inventory.site
    links = {
        site.management_network.interface: (f"{host.address}/{site.management_network.cidr.prefixlen}",),
        site.tunnel_network.interface: (f"{host.tunnel_address}/{site.tunnel_network.cidr.prefixlen}",),
        site.external_network.interface: (),
    }
    assert findings(production_inventory, host.name, addresses=links, kvm=True, openvswitch=True) == []
    finding = only(findings(production_inventory, host.name, addresses=links, kvm=False, openvswitch=True))
    assert finding.variable == "virt_type"


def test_system_containers_need_their_devices(lab_inventory: Inventory) -> None:
    finding = only(findings(lab_inventory, "hv2", devices=("/dev/net/tun", "/dev/fuse")))
    assert "/dev/loop-control" in finding.why

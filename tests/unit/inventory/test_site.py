"""The site's variables: what each may be, and what the answer is if it is not."""

from __future__ import annotations

import pytest

from .conftest import Folder

ALL = "group_vars/all.yml"
UUID = "5c4b0a8e-8e0e-4f55-9d5e-0d6f0f0d2b11"
NFS = 'volume_backend: {driver: nfs, share: "172.30.0.11:/srv/volumes", bind_mount: true, capacity_gib: 100}'


@pytest.mark.parametrize(
    ("old", "new", "key", "why", "way_out"),
    [
        (
            'openstack_release: "2026.2"',
            "openstack_release: 2026.2",
            "openstack_release",
            "must be text",
            "in quotes",
        ),
        (
            'openstack_release: "2026.2"',
            'openstack_release: "zed"',
            "openstack_release",
            "is not an OpenStack",
            '"2026.2"',
        ),
        ("site_name: lab", "site_name: no", "site_name", "must be text", "yes/no"),
        ("site_name: lab", "site_name: my lab", "site_name", "is not a DNS label", "lower-case"),
        ("site_name: lab\n", "", "site_name", "is missing", "add it"),
        ("site_name: lab", "site_nam: lab", "site_nam", "is not a known key", "did you mean site_name?"),
        (
            "interface: tun0",
            "interface: tunnel-interface-0",
            "tunnel_network.interface",
            "is not an interface",
            "bond0",
        ),
        (
            "interface: tun0",
            "interfaces: tun0",
            "tunnel_network.interfaces",
            "is not a known key",
            "mean interface?",
        ),
        ("mtu: 1500", "mtu: 100", "external_network.mtu", "must be at least 1280", "range"),
        ("  vlan: null", "  vlan: 4095", "external_network.vlan", "must be at most 4094", "range"),
        (
            "ovs_datapath: netdev",
            "ovs_datapath: kernel",
            "ovs_datapath",
            "is not a known value",
            "'netdev' or 'system'",
        ),
        (
            "virtio_offload: false",
            'virtio_offload: "false"',
            "virtio_offload",
            "must be true or false",
            "quotes",
        ),
        ("quota_overcommit: 8.0", "quota_overcommit: .inf", "quota_overcommit", "must be a finite", "digits"),
        ("quota_overcommit: 8.0", "quota_overcommit: .nan", "quota_overcommit", "must be a finite", "digits"),
        (
            "ram_allocation_ratio: 1.0",
            "ram_allocation_ratio: 0",
            "ram_allocation_ratio",
            "must be more than 0",
            "range",
        ),
        (
            "service_down_seconds: 25",
            "service_down_seconds: 25s",
            "service_down_seconds",
            "must be a whole",
            "units",
        ),
        (
            "dns_servers: []",
            "dns_servers: [10.0.0.300]",
            "dns_servers[0]",
            "is not an IPv4 address",
            "10.64.1.5",
        ),
        ("dns_servers: []", "dns_servers: 10.0.0.3", "dns_servers", "must be a list", "[item, item]"),
        ("{neutron: 2}", "{neutrn: 2}", "api_workers.neutrn", "is not a known key", "mean neutron?"),
        (
            "depot_url: http://172.30.0.1:8090",
            "depot_url: ftp://x",
            "depot_url",
            "is not a plain HTTP",
            "http://",
        ),
        (
            "depot_url: http://172.30.0.1:8090",
            "depot_url: http://a:b@c/",
            "depot_url",
            "is not a plain HTTP",
            "http://",
        ),
        (
            "depot_url: http://172.30.0.1:8090",
            'depot_url: "http://[x"',
            "depot_url",
            "is not a plain HTTP",
            "http://",
        ),
        (
            "api_name: 172.30.0.10",
            "api_name: 'a b'",
            "api_name",
            "is neither an address nor",
            "api.cloud.example",
        ),
        (
            "bridge: ext, address: null",
            "bridg: ext, address: null",
            "lab.servers.ctl1.ext0.bridg",
            "is not a known",
            "mean bridge?",
        ),
        (
            NFS,
            "volume_backend: {driver: zfs}",
            "volume_backend",
            "is not a known value",
            "'nfs', 'lvm', 'rbd'",
        ),
        (NFS, "volume_backend: {}", "volume_backend", "does not say its driver", "add `driver`"),
        (NFS, "volume_backend: nfs", "volume_backend", "must be a mapping", "key: value"),
        (
            NFS,
            "volume_backend: {driver: lvm, capacity_gib: 100, volume_grop: v}",
            "volume_backend.volume_grop",
            "is not a known",
            "mean volume_group?",
        ),
        (
            NFS,
            "volume_backend: {driver: nfs, capacity_gib: 100}",
            "volume_backend.share",
            "is missing",
            "add it",
        ),
        (
            NFS,
            "volume_backend: {driver: nfs, capacity_gib: 100, share: /srv}",
            "volume_backend.share",
            "is not an NFS share",
            "10.20.3.5:/",
        ),
    ],
)
def test_a_wrong_variable_is_told_with_its_key_reason_and_way_out(
    lab: Folder, old: str, new: str, key: str, why: str, way_out: str
) -> None:
    lab.change(ALL, old, new)
    found = {problem.key: problem for problem in lab.problems()}
    assert found[key].why.startswith(why)
    assert way_out in found[key].way_out


def test_every_wrong_variable_is_told_at_once(lab: Folder) -> None:
    lab.write(ALL, "site_name: 1\nmanagement_network: {}\nunknown: {}\n")
    keys = {problem.key for problem in lab.problems()}
    assert {
        "site_name",
        "management_network.cidr",
        "management_network.interface",
        "unknown",
        "api_address",
    } <= keys


def test_a_value_under_a_secret_looking_key_is_never_repeated(lab: Folder) -> None:
    lab.change(ALL, "site_name: lab", "site_name: lab\nadmin_password: hunter2")
    problem = lab.problem()
    assert (problem.key, problem.value) == ("admin_password", "(hidden)")
    assert "hunter2" not in str(problem)


def test_a_long_value_is_shortened(lab: Folder) -> None:
    lab.change(ALL, "site_name: lab", f"site_name: {'x' * 5000}")
    assert len(lab.problem().value) == 80


def test_api_workers_that_are_not_named_are_one(lab: Folder) -> None:
    site = lab.load().site
    assert (site.workers("neutron"), site.workers("keystone")) == (2, 1)


@pytest.mark.parametrize(
    ("text", "driver"),
    [
        ("{driver: lvm, capacity_gib: 100, volume_group: cinder-volumes}", "lvm"),
        (
            "{driver: rbd, capacity_gib: 100, pool: p, user: u, secret_uuid: " + UUID + "}",
            "rbd",
        ),
        (NFS.removeprefix("volume_backend: "), "nfs"),
    ],
)
def test_volumes_may_be_on_nfs_lvm_or_ceph(lab: Folder, text: str, driver: str) -> None:
    lab.change(ALL, NFS, f"volume_backend: {text}")
    assert lab.load().site.volume_backend.driver == driver

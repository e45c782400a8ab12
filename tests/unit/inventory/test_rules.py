"""Rules across files: each breaks in one place and says what stands there and the way out."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from .conftest import Folder

ALL, HOSTS, PLATFORM, AGENCIES = "group_vars/all.yml", "hosts.yml", "platform.yaml", "agencies.yaml"


@dataclass(frozen=True)
class Case:
    """`old` in `file` becomes `new`; the only problem is at `key` and says `why` and `way_out`."""

    file: str
    old: str
    new: str
    key: str
    value: str
    why: str
    way_out: str


CASES = {
    "a duplicate agency code": Case(
        AGENCIES,
        "code: sonv",
        "code: vpubnd",
        "agencies[1].code",
        "vpubnd",
        "already the code of agencies[0]",
        "own code",
    ),
    "a malformed agency code": Case(
        AGENCIES,
        "code: sonv",
        "code: So_NV",
        "agencies[1].code",
        "So_NV",
        "not a DNS label",
        "lower-case letters",
    ),
    "an agency code that Keystone uses": Case(
        AGENCIES, "code: sonv", "code: admin", "agencies[1].code", "admin", "Keystone uses", "another code"
    ),
    "an unknown size class": Case(
        AGENCIES, "size: M", "size: XL", "agencies[0].size", "XL", "not a known size class", "did you mean L?"
    ),
    "a second operator": Case(
        AGENCIES,
        "    size: S\n",
        "    size: S\n    operator: true\n",
        "agencies[10].operator",
        "true",
        "sonv is already",
        "one agency",
    ),
    "an unknown flavor": Case(
        AGENCIES,
        "vm.small",
        "vm.smal",
        "agencies[10].servers[1].flavor",
        "vm.smal",
        "not a known flavor",
        "did you mean vm.small?",
    ),
    "an unknown image": Case(
        AGENCIES,
        "image: debian-12,",
        "image: debian-11,",
        "agencies[10].servers[1].image",
        "debian-11",
        "not a known image",
        "did you mean debian-12?",
    ),
    "an image for other hypervisors than the flavor": Case(
        AGENCIES,
        "image: debian-12,",
        "image: debian-12-container,",
        "agencies[10].servers[1].image",
        "debian-12-container",
        "runs on lxc hypervisors, but flavor vm.small is for qemu",
        "use an image for it (debian-12)",
    ),
    "an image that needs a larger disk": Case(
        PLATFORM,
        "hypervisor_type: qemu\n    min_disk_gib: 2",
        "hypervisor_type: qemu\n    min_disk_gib: 3",
        "agencies[10].servers[1].flavor",
        "vm.small",
        "has a disk of 2 GiB, but image debian-12 needs 3 GiB",
        "larger disk",
    ),
    "two servers of one name": Case(
        AGENCIES,
        "name: records",
        "name: web",
        "agencies[10].servers[1].name",
        "web",
        "already the name of servers[0]",
        "another name",
    ),
    "more servers than the agency's quota": Case(
        AGENCIES,
        "  L: {instances: 12",
        "  L: {instances: 1",
        "agencies[10].servers",
        "2",
        "take 2 instances, but size class L allows 1",
        "size_classes.L.instances",
    ),
    "a quota beyond the whole capacity": Case(
        AGENCIES,
        "cores: 16",
        "cores: 65",
        "size_classes.L.cores",
        "65",
        "2 x int(2 x 16) = 64 cores",
        "at most 64",
    ),
    "quotas whose sum passes the overcommit": Case(
        ALL,
        "quota_overcommit: 8.0",
        "quota_overcommit: 7.0",
        "size_classes.*.ram_mib",
        "90112",
        "90112 MiB of memory (4 x L 6144 + 7 x M 4096 + 24 x S 1536), but the site has "
        "2 x int(6144 x 1) = 12288 MiB of memory, "
        "times quota_overcommit 7 = 86016",
        "raise quota_overcommit to at least 7.4",
    ),
    "volumes beyond what there is": Case(
        ALL,
        "capacity_gib: 100",
        "capacity_gib: 60",
        "size_classes.*.gigabytes",
        "580",
        "= 60 GiB of volumes, times quota_overcommit 8 = 480",
        "at least 9.7",
    ),
    "a flavor that fits on no hypervisor": Case(
        PLATFORM,
        "\nflavors:\n",
        "\nflavors:\n  - {name: giant, vcpus: 33, memory_mib: 512, disk_gib: 2, hypervisor_type: qemu}\n",
        "flavors[0].name",
        "giant",
        "needs 33 cores, 512 MiB and 2 GiB, which no hypervisor has; the largest, hv1, offers 32 cores",
        "smaller",
    ),
    "an aggregate with an unknown host": Case(
        PLATFORM,
        "hosts: [hv1]",
        "hosts: [hv3]",
        "aggregates[0].hosts[0]",
        "hv3",
        "unknown host",
        "did you mean",
    ),
    "an aggregate with a controller": Case(
        PLATFORM,
        "hosts: [hv1]",
        "hosts: [ctl1]",
        "aggregates[0].hosts[0]",
        "ctl1",
        "not a hypervisor",
        "hypervisors only",
    ),
    "an aggregate with a host twice": Case(
        PLATFORM, "hosts: [hv1]", "hosts: [hv1, hv1]", "aggregates[0].hosts[1]", "hv1", "twice", "remove one"
    ),
    "two flavors of one name": Case(
        PLATFORM,
        "name: vm.medium, vcpus: 2",
        "name: vm.small, vcpus: 1",
        "flavors[1].name",
        "vm.small",
        "already the name of flavors[0]",
        "own name",
    ),
    "overlapping agencies": Case(
        AGENCIES,
        "10.64.2.0/24",
        "10.64.1.128/25",
        "agencies[1].network",
        "10.64.1.128/25",
        "overlaps agencies[0] (vpubnd) 10.64.1.0/24",
        "no other network",
    ),
    "an agency on the management network": Case(
        AGENCIES,
        "10.64.2.0/24",
        "172.30.0.0/25",
        "agencies[1].network",
        "172.30.0.0/25",
        "overlaps management_network",
        "no other network",
    ),
    "an agency on the tunnel network": Case(
        AGENCIES,
        "10.64.2.0/24",
        "172.30.1.0/24",
        "agencies[1].network",
        "172.30.1.0/24",
        "overlaps tunnel_network",
        "no other network",
    ),
    "an agency on the external network": Case(
        AGENCIES,
        "10.64.2.0/24",
        "172.30.2.0/24",
        "agencies[1].network",
        "172.30.2.0/24",
        "overlaps external_network",
        "no other network",
    ),
    "an agency on link-local addresses": Case(
        AGENCIES,
        "10.64.2.0/24",
        "169.254.0.0/16",
        "agencies[1].network",
        "169.254.0.0/16",
        "a meaning of its own",
        "private range",
    ),
    "an agency network of four addresses": Case(
        AGENCIES,
        "10.64.2.0/24",
        "10.64.2.0/30",
        "agencies[1].network",
        "10.64.2.0/30",
        "prefix /30",
        "/16 to /28",
    ),
    "a network with host bits": Case(
        AGENCIES,
        "10.64.2.0/24",
        "10.64.2.9/24",
        "agencies[1].network",
        "10.64.2.9/24",
        "bits set",
        "write 10.64.2.0/24",
    ),
    "a network without prefix": Case(
        AGENCIES, "10.64.2.0/24", "10.64.2.0", "agencies[1].network", "10.64.2.0", "no prefix", "10.64.1.0/24"
    ),
    "a tunnel address outside its network": Case(
        HOSTS,
        "172.30.1.21",
        "172.30.9.21",
        "hypervisors.hosts.hv1.tunnel_address",
        "172.30.9.21",
        "outside tunnel_network 172.30.1.0/24",
        "between 172.30.1.1 and 172.30.1.254",
    ),
    "a tunnel address twice": Case(
        HOSTS,
        "172.30.1.21",
        "172.30.1.11",
        "hypervisors.hosts.hv1.tunnel_address",
        "172.30.1.11",
        "already the tunnel_address of controllers",
        "own",
    ),
    "an api address outside the management network": Case(
        ALL,
        "api_address: 172.30.0.10",
        "api_address: 172.30.9.10",
        "api_address",
        "172.30.9.10",
        "outside management_network",
        "between",
    ),
    "an api address that a host has": Case(
        ALL,
        "api_address: 172.30.0.10",
        "api_address: 172.30.0.11",
        "api_address",
        "172.30.0.11",
        "already the address of ctl1",
        "free address",
    ),
    "a gateway outside the external network": Case(
        ALL,
        "gateway: 172.30.2.1\n",
        "gateway: 172.30.9.1\n",
        "external_network.gateway",
        "172.30.9.1",
        "outside external_network",
        "between",
    ),
    "a pool outside the external network": Case(
        ALL,
        "last: 172.30.2.250",
        "last: 172.30.3.250",
        "external_network.last",
        "172.30.3.250",
        "outside external_network",
        "between",
    ),
    "a pool with the gateway in it": Case(
        ALL,
        "gateway: 172.30.2.1\n",
        "gateway: 172.30.2.60\n",
        "external_network.gateway",
        "172.30.2.60",
        "inside the pool",
        "behind the gateway",
    ),
    "a pool whose ends are swapped": Case(
        ALL,
        "first: 172.30.2.50\n",
        "first: 172.30.2.251\n",
        "external_network.first",
        "172.30.2.251",
        "the pool is empty",
        "swap",
    ),
    "a lab server that is no host": Case(
        ALL,
        "    hv2:\n",
        "    hv3:\n      mgmt0: {bridge: mgmt, address: 172.30.0.23/24}\n    hv2:\n",
        "lab.servers.hv3",
        "hv3",
        "unknown host",
        "did you mean",
    ),
    "a lab interface on an unknown bridge": Case(
        ALL,
        "tun0: {bridge: tun,",
        "tun0: {bridge: tunnel,",
        "lab.servers.ctl1.tun0.bridge",
        "tunnel",
        "unknown bridge",
        "did you mean tun?",
    ),
    "a lab server with another address than its host": Case(
        ALL,
        "address: 172.30.0.21/24",
        "address: 172.30.0.22/24",
        "lab.servers.hv1.mgmt0.address",
        "172.30.0.22/24",
        "differs from the ansible_host",
        "same",
    ),
    "a lab server without an interface": Case(
        ALL,
        "      tun0: {bridge: tun, address: null}\n",
        "",
        "lab.servers.ctl1",
        "",
        "has no interface tun0",
        "add tun0",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_one_broken_rule_is_one_problem_with_its_place_and_way_out(lab: Folder, name: str) -> None:
    case = CASES[name]
    lab.change(case.file, case.old, case.new)
    problem = lab.problem()
    assert (problem.key, problem.value) == (case.key, case.value)
    assert case.why in problem.why
    assert case.way_out in problem.way_out


def test_a_duplicate_host_address_is_refused(production: Folder) -> None:
    production.change(HOSTS, "10.20.0.102", "10.20.0.101")
    problem = production.problem()
    assert (problem.key, problem.value) == ("hypervisors.hosts.hv[01:12].ansible_host", "10.20.0.101")


def test_a_pool_too_small_for_the_landing_zones_is_refused(lab: Folder) -> None:
    lab.change(ALL, "last: 172.30.2.250", "last: 172.30.2.87")
    problem = lab.problem()
    assert (
        "has 38 addresses, but 35 agencies' routers and 4 servers' floating addresses need 39" in problem.why
    )


def test_servers_that_do_not_fit_together_are_refused(lab: Folder) -> None:
    lab.change(
        HOSTS,
        "virt_type: lxc, cpus: 2, memory_mib: 6144, disk_gib: 40",
        "virt_type: lxc, cpus: 2, memory_mib: 6144, disk_gib: 5",
    )
    problem = lab.problem()
    assert (problem.key, "the lxc hypervisors offer 32 cores, 6144 MiB and 5 GiB" in problem.why) == (
        "agencies[*].servers",
        True,
    )


def test_a_flavor_for_a_type_that_no_hypervisor_has_is_refused(lab: Folder) -> None:
    lab.change(HOSTS, "virt_type: lxc", "virt_type: qemu")
    problems = [problem for problem in lab.problems() if problem.key.startswith("flavors")]
    assert [problem.key for problem in problems] == [
        "flavors[2].hypervisor_type",
        "flavors[3].hypervisor_type",
    ]
    assert "the site has qemu" in problems[0].why


def test_problems_in_different_files_are_told_at_once(lab: Folder) -> None:
    lab.change(AGENCIES, "code: sonv", "code: vpubnd")
    lab.change(AGENCIES, "10.64.3.0/24", "10.64.1.0/24")
    lab.change(HOSTS, "172.30.1.21", "172.30.9.21")
    lab.change(PLATFORM, "vcpus: 2, memory_mib: 512", "vcpus: 99, memory_mib: 512")
    lab.change(ALL, "ovs_datapath: netdev", "ovs_datapath: kernel")
    lab.write("group_vars/gateways.yml", "\tx")
    keys = {problem.key for problem in lab.problems()}
    assert {"agencies[1].code", "agencies[2].network", "ovs_datapath", "line 1, column 1"} <= keys


def test_an_invalid_part_makes_no_problems_elsewhere(lab: Folder) -> None:
    """A flavor that is wrong is still known by name; sums over a host that is wrong are not made."""
    lab.change(PLATFORM, "name: vm.small, vcpus: 1", "name: vm.small, vcpus: none")
    lab.change(HOSTS, "memory_mib: 6144", "memory_mib: much")
    assert {problem.key for problem in lab.problems()} == {
        "flavors[0].vcpus",
        "hypervisors.hosts.hv1.memory_mib",
    }

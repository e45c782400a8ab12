"""What is foreign, what OpenStack made itself, and what belongs to nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from infra.cloud.census import Census, take_census
from infra.domain.drift import Finding
from infra.provisioning.foreign import find_foreign, known_of, zone_of
from infra.provisioning.orphans import find_orphans
from infra.provisioning.stack_state import StateResource
from tests.fakes.openstack import FakeCloud, FakeOpenStack

PROJECT = "openstack:identity/project:Project"
BORN = "2026-11-01T00:00:00Z"


def make_state(token: str, name: str, identity: str, **inputs: Any) -> StateResource:
    return StateResource(f"urn::{token}::{name}", token, name, identity, inputs, inputs)


STATE = (
    make_state(PROJECT, "domain", "d1", isDomain=True),
    make_state(PROJECT, "project", "p1", domainId="d1"),
    make_state("openstack:networking/secGroup:SecGroup", "baseline", "g1"),
    make_state("openstack:networking/secGroupRule:SecGroupRule", "ssh", "r-ssh"),
    make_state("openstack:networking/router:Router", "router", "router1"),
    make_state("openstack:networking/floatingIp:FloatingIp", "address", "f1"),
    make_state("openstack:compute/instance:Instance", "web", "s1", networks=[{"port": "port-web"}]),
    make_state("openstack:blockstorage/volume:Volume", "data", "v1"),
)


def found(things: Mapping[str, Any], belongings: Any = None) -> list[Finding]:
    base: dict[str, Any] = {
        "projects": ({"id": "p1", "domain_id": "d1", "name": "sxd"}, {"id": "other", "domain_id": "d2"}),
        "security groups": ({"id": "g1", "name": "baseline", "project_id": "p1"},
                            {"id": "g0", "name": "default", "project_id": "p1"}),
    }  # fmt: skip
    census = Census({**base, **things})
    states = {"sxd": STATE}
    return find_foreign(zone_of("sxd", STATE, census), known_of(states), census, belongings or {})


def rule(identity: str, group: str = "g1", **given: Any) -> dict[str, Any]:
    return {"id": identity, "security_group_id": group, "direction": "ingress", "ethertype": "IPv4",
            "project_id": "admin", "created_at": BORN, **given}  # fmt: skip


def test_what_stacks_hold_and_what_neutron_makes_itself_is_not_foreign() -> None:
    rules = (
        rule("r-ssh", protocol="tcp"),
        rule("r1", direction="egress", protocol=None),
        rule("r2", direction="egress", ethertype="IPv6"),
        rule("r3", group="g0", remote_group_id="g0"),
        rule("r4", group="of-another-agency", protocol="tcp"),
    )
    ports = (
        {"id": "dhcp", "project_id": "p1", "device_owner": "network:distributed"},
        {"id": "port-web", "project_id": "p1", "device_owner": "compute:nova", "device_id": "s1"},
        {"id": "else", "project_id": "p1", "device_owner": "compute:nova", "device_id": "a server by hand"},
    )
    assert found({"security group rules": rules, "ports": ports}) == []


@pytest.mark.parametrize(
    ("kind", "thing", "noun", "identity"),
    [
        (
            "security group rules",
            rule("r9", protocol="tcp", port_range_min=22, port_range_max=22),
            "SecGroupRule",
            "r9",
        ),
        ("security group rules", rule("r9", group="g0", remote_ip_prefix="0.0.0.0/0"), "SecGroupRule", "r9"),
        ("security groups", {"id": "g9", "name": "mine", "project_id": "p1"}, "SecGroup", "g9"),
        ("servers", {"id": "s9", "name": "vm", "tenant_id": "p1", "created": BORN}, "Instance", "s9"),
        (
            "volumes",
            {"id": "v9", "name": "disk", "os-vol-tenant-attr:tenant_id": "p1", "attachments": []},
            "Volume",
            "v9",
        ),
        (
            "snapshots",
            {"id": "n9", "name": "", "os-extended-snapshot-attributes:project_id": "p1"},
            "snapshot",
            "n9",
        ),
        ("images", {"id": "i9", "name": "golden", "owner": "p1"}, "Image", "i9"),
        ("networks", {"id": "n1", "name": "n", "project_id": "p1"}, "Network", "n1"),
        (
            "floating IPs",
            {"id": "f9", "floating_ip_address": "172.30.2.9", "project_id": "p1"},
            "FloatingIp",
            "f9",
        ),
        (
            "floating IPs",
            {"id": "f1", "floating_ip_address": "172.30.2.8", "project_id": "p1", "port_id": "x"},
            "FloatingIpAssociate",
            "f1",
        ),
        ("ports", {"id": "q9", "project_id": "p1", "device_owner": ""}, "Port", "q9"),
        (
            "ports",
            {
                "id": "q9",
                "project_id": "p1",
                "device_owner": "network:router_interface",
                "device_id": "router1",
            },
            "RouterInterface",
            "q9",
        ),
        (
            "ports",
            {"id": "q9", "project_id": "p1", "device_owner": "compute:nova", "device_id": "s1"},
            "InterfaceAttach",
            "s1/q9",
        ),
        (
            "routers",
            {
                "id": "router1",
                "project_id": "p1",
                "routes": [{"destination": "10.9.0.0/16", "nexthop": "10.64.1.9"}],
            },
            "RouterRoute",
            "router1-route-10.9.0.0/16-10.64.1.9",
        ),
        ("users", {"id": "u9", "name": "an", "domain_id": "d1"}, "User", "u9"),
        ("groups", {"id": "gr9", "name": "team", "domain_id": "d1"}, "GroupV3", "gr9"),
        (
            "role assignments",
            {"scope": {"project": {"id": "p1"}}, "user": {"id": "u1"}, "role": {"id": "admin"}},
            "RoleAssignment",
            "/p1//u1/admin",
        ),
        (
            "role assignments",
            {
                "scope": {"domain": {"id": "d1"}, "OS-INHERIT:inherited_to": "projects"},
                "group": {"id": "gr"},
                "role": {"id": "reader"},
            },
            "InheritRoleAssignment",
            "d1//gr//reader",
        ),
        ("volume attachments", {"id": "a9", "instance": "s1", "volume_id": "v1"}, "VolumeAttach", "s1/v1"),
    ],
)
def test_what_a_person_made_in_an_agencys_zone_is_foreign_with_the_id_to_import_it_by(
    kind: str, thing: dict[str, Any], noun: str, identity: str
) -> None:
    base = (
        {"id": "g1", "name": "baseline", "project_id": "p1"},
        {"id": "g0", "name": "default", "project_id": "p1"},
    )
    things = {kind: (*base, thing) if kind == "security groups" else (thing,)}
    (finding,) = found(things)
    assert (finding.type.rpartition(":")[2], finding.identity) == (noun, identity)
    assert finding.kind == "foreign"
    assert finding.created_at == ("2026-11-01T00:00:00+00:00" if BORN in thing.values() else "")


def test_a_project_made_by_hand_and_all_that_is_in_it_is_the_agencys() -> None:
    projects = ({"id": "p1", "domain_id": "d1"}, {"id": "p2", "domain_id": "d1", "name": "shadow"})
    told = found({"projects": projects, "networks": ({"id": "n2", "name": "n", "project_id": "p2"},)})
    assert {finding.identity for finding in told} == {"p2", "n2"}


def test_the_disk_that_a_server_of_ours_booted_from_is_not_foreign() -> None:
    volume = {"id": "root", "os-vol-tenant-attr:tenant_id": "p1", "name": "",
              "attachments": [{"server_id": "s1", "device": "/dev/vda"}]}  # fmt: skip
    assert found({"volumes": (volume,)}) == []


def test_credentials_and_key_pairs_of_an_agencys_people_are_told_and_can_only_be_reverted() -> None:
    belongings = {"u1": ([{"id": "c1", "name": "robot"}], [{"name": "laptop"}])}
    told = [
        finding
        for finding in found({"users": ({"id": "u1", "name": "an", "domain_id": "d1"},)}, belongings)
        if "User" not in finding.type
    ]
    assert [finding.identity for finding in told] == ["u1/c1", "u1/laptop"]
    assert not any(finding.adoptable for finding in told)
    assert all("cannot be adopted" in finding.sentence for finding in told)


@pytest.fixture
def fake() -> FakeOpenStack:
    made = FakeOpenStack()
    made.kind("projects")["p1"] = {"id": "p1", "name": "sxd", "domain_id": "d1", "tags": []}
    made.kind("projects")["d1"] = {"id": "d1", "name": "sxd", "is_domain": True, "tags": []}
    return made


def orphans(fake: FakeOpenStack, owned: set[str] | None = None) -> dict[str, str]:
    cloud = FakeCloud(fake)
    census = take_census(cloud)
    return {one.kind: one.sentence for one in find_orphans(cloud, census, owned or {"p1", "d1"})}


def test_a_cloud_in_which_everything_has_its_owner_has_no_orphans(fake: FakeOpenStack) -> None:
    fake.kind("networks")["n1"] = {"id": "n1", "name": "n", "project_id": "p1"}
    assert orphans(fake) == {}


def test_things_of_gone_projects_servers_and_routers_are_orphans(fake: FakeOpenStack) -> None:
    fake.kind("networks")["n1"] = {"id": "n1", "name": "n", "project_id": "gone"}
    fake.kind("ports")["q1"] = {"id": "q1", "project_id": "p1", "device_owner": "compute:nova",
                                "device_id": "gone", "network_id": "n1"}  # fmt: skip
    fake.assignments.add("projects/gone/users/u1/roles/role-member")
    fake.kind("resource_providers")["h1"] = {"uuid": "h1", "name": "hv1"}
    told = orphans(fake)
    assert set(told) == {"network", "port", "role assignment"}
    assert "server gone is gone" in told["port"]


def test_domains_and_projects_that_no_stack_made_are_orphans_and_the_clouds_own_are_not(
    fake: FakeOpenStack,
) -> None:
    fake.kind("projects")["service"] = {"id": "x", "name": "service", "domain_id": "default", "tags": []}
    fake.kind("projects")["stray"] = {"id": "stray", "name": "stray", "domain_id": "default", "tags": []}
    assert set(orphans(fake)) == {"project"}
    assert set(orphans(fake, {"p1"})) == {"project", "domain"}


def test_what_found_its_owner_between_two_looks_is_no_orphan(fake: FakeOpenStack) -> None:
    fake.kind("networks")["n1"] = {"id": "n1", "name": "n", "project_id": "p2"}
    cloud = FakeCloud(fake)
    census = take_census(cloud)
    fake.kind("projects")["p2"] = {"id": "p2", "name": "new", "domain_id": "d1", "tags": []}
    assert find_orphans(cloud, census, {"p1", "d1"}) == ()


def test_allocations_for_no_server_and_no_migration_under_way_are_orphans(fake: FakeOpenStack) -> None:
    census = Census(
        {"servers": ({"id": "s1"},), "migrations": ({"uuid": "m1", "status": "running"},
                                                   {"uuid": "m2", "status": "completed"})},
        {"hv1": frozenset({"s1", "m1", "m2", "nobody"})},
    )  # fmt: skip
    from infra.provisioning.orphans import _allocations

    assert [one.identity for one in _allocations(census)] == ["m2", "nobody"]

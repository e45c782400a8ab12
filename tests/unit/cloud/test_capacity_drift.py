"""Drift: what Placement holds for servers that nova does not know, and only that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pytest

from infra.cloud.capacity_drift import read_drift
from infra.cloud.errors import NotFound, Refused

FLAVOR = {
    "original_name": "s", "vcpus": 1, "ram": 512, "disk": 3, "ephemeral": 0, "swap": 0, "extra_specs": {},
}  # fmt: skip


class Clouded:
    """Placement and nova. `allocations`: provider -> consumer -> resources; `later`: the same for a second
    look, where it differs; `servers`: id -> (hypervisor, status)."""

    def __init__(self) -> None:
        self.allocations: dict[str, dict[str, dict[str, int]]] = {"a": {}, "b": {}}
        self.later: dict[str, dict[str, Any]] = {}
        self.servers: dict[str, tuple[str, str]] = {}
        self.migrations: list[dict[str, str]] = []
        self.providers = {"a": "a", "b": "b"}
        self.whole = True

    def get(self, service: str, path: str, params: Any = None) -> dict[str, Any]:
        if path == "/resource_providers":
            return {"resource_providers": [
                {"uuid": uuid, "name": uuid, "generation": 1, "root_provider_uuid": root}
                for uuid, root in self.providers.items()
            ]}  # fmt: skip
        if path.startswith("/resource_providers/"):
            uuid = path.split("/")[2]
            if uuid not in self.allocations:
                raise NotFound(uuid)
            return {"allocations": {c: {"resources": r} for c, r in self.allocations[uuid].items()}}
        consumer = path.split("/")[2]
        now = {uuid: held[consumer] for uuid, held in self.allocations.items() if consumer in held}
        return {"allocations": self.later.get(consumer, now)}

    def items(self, service: str, path: str, plural: str, params: Any = None) -> list[dict[str, Any]]:
        return {
            "hypervisors": [{"id": name, "hypervisor_hostname": f"hv-{name}"} for name in ("a", "b")],
            "migrations": self.migrations,
        }[plural]

    def pages(
        self, service: str, path: str, plural: str, params: Mapping[str, Any]
    ) -> Iterator[dict[str, Any]]:
        if params and not self.whole:
            raise Refused("policy")
        for identity, (hypervisor, status) in self.servers.items():
            yield {"id": identity, "name": identity, "tenant_id": "p", "status": status, "flavor": FLAVOR,
                   "image": {"id": "i"}, "OS-EXT-SRV-ATTR:hypervisor_hostname": hypervisor}  # fmt: skip

    def each(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return [function(item) for item in items]

    def scope(self) -> tuple[str, str]:
        return "p", "u"


@pytest.fixture
def cloud() -> Clouded:
    cloud = Clouded()
    cloud.servers = {"s1": ("hv-a", "ACTIVE")}
    cloud.allocations["a"] = {"s1": {"VCPU": 1}}
    return cloud


def test_a_cloud_in_order_has_none(cloud: Clouded) -> None:
    drift = read_drift(cloud)
    assert drift.orphaned == drift.misplaced == drift.unallocated == {"hv-a": 0, "hv-b": 0}
    assert drift.orphaned_resources == {"VCPU": 0}


def test_an_allocation_of_a_server_that_nova_does_not_know_is_orphaned(cloud: Clouded) -> None:
    cloud.allocations["b"] = {"gone": {"VCPU": 4, "MEMORY_MB": 512}}
    drift = read_drift(cloud)
    assert drift.orphaned == {"hv-a": 0, "hv-b": 1}
    assert drift.orphaned_resources == {"VCPU": 4, "MEMORY_MB": 512}


def test_a_server_deleted_while_lists_were_read_is_no_orphan(cloud: Clouded) -> None:
    cloud.allocations["b"] = {"gone": {"VCPU": 4}}
    cloud.later["gone"] = {}
    assert read_drift(cloud).orphaned["hv-b"] == 0


@pytest.mark.parametrize(("status", "orphaned"), [("migrating", 0), ("confirmed", 1)])
def test_what_a_migration_holds_is_orphaned_only_when_it_is_over(
    cloud: Clouded, status: str, orphaned: int
) -> None:
    cloud.allocations["b"] = {"m1": {"VCPU": 1}}
    cloud.migrations = [{"uuid": "m1", "status": status}]
    assert read_drift(cloud).orphaned["hv-b"] == orphaned


def test_a_server_that_also_holds_another_hypervisor_is_misplaced_there(cloud: Clouded) -> None:
    cloud.allocations["b"] = {"s1": {"VCPU": 1}}
    assert read_drift(cloud).misplaced == {"hv-a": 0, "hv-b": 1}


def test_a_server_that_is_being_moved_is_not(cloud: Clouded) -> None:
    cloud.allocations["b"] = {"s1": {"VCPU": 1}}
    cloud.servers = {"s1": ("hv-a", "MIGRATING")}
    assert read_drift(cloud).misplaced == {"hv-a": 0, "hv-b": 0}


def test_a_running_server_without_allocation_is_told_and_one_that_just_came_is_not(cloud: Clouded) -> None:
    cloud.servers |= {"s2": ("hv-b", "ACTIVE"), "s3": ("hv-b", "ACTIVE"), "s4": ("hv-b", "BUILD")}
    cloud.later["s3"] = {"b": {"resources": {"VCPU": 1}}}
    assert read_drift(cloud).unallocated == {"hv-a": 0, "hv-b": 1}


def test_what_a_part_of_a_hypervisor_holds_is_the_hypervisors(cloud: Clouded) -> None:
    cloud.providers["a-gpu"] = "a"
    cloud.allocations["a-gpu"] = {"s1": {"VGPU": 1}, "gone": {"VGPU": 1}}
    drift = read_drift(cloud)
    assert (drift.orphaned["hv-a"], drift.misplaced["hv-a"]) == (1, 0)


def test_a_provider_that_is_no_hypervisor_is_none_of_our_business(cloud: Clouded) -> None:
    cloud.providers["pool"] = "pool"
    cloud.allocations["pool"] = {"s1": {"DISK_GB": 9}}
    assert "pool" not in read_drift(cloud).misplaced


def test_without_all_projects_servers_nothing_is_claimed(cloud: Clouded) -> None:
    cloud.whole = False
    with pytest.raises(Refused, match="all projects"):
        read_drift(cloud)

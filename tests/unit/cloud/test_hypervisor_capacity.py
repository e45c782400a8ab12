"""Capacity: Placement's arithmetic and nova's filters, on answers as the cloud gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.cloud.capacity import (
    Aggregate,
    FlavorDemand,
    Hypervisor,
    Provider,
    flavor_demand,
    read_capacity,
    read_compute_services,
)
from infra.cloud.capacity_placement import PlacementCache, ResourceInventory, read_placed
from infra.cloud.errors import NotFound, Refused


class CannedReading:
    """A reading of answers that are known beforehand; what is not among them is not found."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def get(self, service: str, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        self.asked.append(f"{service} {path}")
        if f"{service} {path}" not in self.answers:
            raise NotFound(path)
        return dict(self.answers[f"{service} {path}"])

    def items(
        self, service: str, path: str, plural: str, params: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        return list(self.get(service, path, params)[plural])

    def each(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return [function(item) for item in items]


def make_inventory(
    resource_class: str = "VCPU", total: int = 8, used: int = 0, **values: Any
) -> ResourceInventory:
    given = {"reserved": 0, "allocation_ratio": 1.0, "max_unit": total, **values}
    return ResourceInventory(resource_class=resource_class, total=total, used=used, **given)


def make_provider(
    *inventories: ResourceInventory, up: bool = True, enabled: bool = True, kind: str = "QEMU", **values: Any
) -> Provider:
    return Provider(Hypervisor("id", "hv1", kind, "", up, enabled), inventories, **values)


def make_flavor(**values: Any) -> FlavorDemand:
    return FlavorDemand(**{"name": "small", "resources": {"VCPU": 2}, **values})


@given(
    total=st.integers(1, 512),
    reserved=st.integers(0, 64),
    ratio=st.floats(0.1, 16.0),
    used=st.integers(0, 4096),
    amount=st.integers(1, 64),
)
def test_as_many_allocations_fit_as_placement_would_accept(
    total: int, reserved: int, ratio: float, used: int, amount: int
) -> None:
    held = make_inventory(total=total, reserved=reserved, allocation_ratio=ratio, used=used, max_unit=total)
    accepted, taken = 0, used
    # Placement's own check, one allocation after the other.
    while amount <= total and taken + amount <= int((total - reserved) * ratio):
        taken += amount
        accepted += 1
    assert held.holds(amount) == accepted


def test_an_amount_outside_unit_limits_or_steps_never_fits() -> None:
    assert make_inventory(total=100, max_unit=4).holds(5) == 0
    assert make_inventory(total=100, min_unit=4).holds(3) == 0
    assert make_inventory(total=100, step_size=4).holds(6) == 0


def test_the_scarcest_resource_decides() -> None:
    provider = make_provider(make_inventory("VCPU", 64), make_inventory("MEMORY_MB", 4096, used=1024))
    assert make_flavor(resources={"VCPU": 1, "MEMORY_MB": 1024, "DISK_GB": 0}).servers_on(provider) == 3


def test_a_resource_that_the_hypervisor_has_not_does_not_fit() -> None:
    assert (
        make_flavor(resources={"VCPU": 1, "VGPU": 1}).servers_on(make_provider(make_inventory("VCPU", 64)))
        == 0
    )


@pytest.mark.parametrize("state", [{"up": False}, {"enabled": False}])
def test_nothing_fits_on_a_hypervisor_that_is_down_or_disabled(state: dict[str, bool]) -> None:
    assert make_flavor().servers_on(make_provider(make_inventory(), **state)) == 0


def test_a_flavor_for_one_type_of_hypervisor_fits_on_no_other() -> None:
    flavor = make_flavor(hypervisor_type="LXC")
    assert flavor.servers_on(make_provider(make_inventory(), kind="QEMU")) == 0
    assert flavor.servers_on(make_provider(make_inventory(), kind="lxc")) == 4


def test_traits_and_aggregates_limit_a_flavor() -> None:
    flavor = make_flavor(required_traits=frozenset({"A"}), forbidden_traits=frozenset({"B"}))
    assert flavor.servers_on(make_provider(make_inventory(), traits=frozenset({"A"}))) == 4
    assert flavor.servers_on(make_provider(make_inventory())) == 0
    assert flavor.servers_on(make_provider(make_inventory(), traits=frozenset({"A", "B"}))) == 0
    tied = make_flavor(aggregate_metadata={"pool": "gold"})
    assert tied.servers_on(make_provider(make_inventory())) == 0
    assert (
        tied.servers_on(
            make_provider(make_inventory(), aggregates=(Aggregate("gold", metadata={"pool": "gold"}),))
        )
        == 4
    )


def test_a_flavors_demand_counts_swap_and_ephemeral_disk_and_own_resources() -> None:
    demand = flavor_demand(
        {
            "name": "f",
            "vcpus": 2,
            "ram": 512,
            "disk": 3,
            "swap": 1025,
            "OS-FLV-EXT-DATA:ephemeral": 4,
            "extra_specs": {
                "resources:VGPU": "1",
                "resources:VCPU": "0",
                "trait:A": "required",
                "trait:B": "forbidden",
                "capabilities:hypervisor_type": "s== QEMU",
                "aggregate_instance_extra_specs:pool": "gold",
            },
        }
    )
    assert demand.resources == {"VCPU": 0, "MEMORY_MB": 512, "DISK_GB": 9, "VGPU": 1}
    assert (demand.required_traits, demand.forbidden_traits) == ({"A"}, {"B"})
    assert (demand.hypervisor_type, demand.aggregate_metadata) == ("QEMU", {"pool": "gold"})


def hypervisor_item(name: str) -> dict[str, Any]:
    return {
        "id": f"id-{name}",
        "hypervisor_hostname": name,
        "hypervisor_type": "QEMU",
        "host_ip": "192.0.2.1",
        "state": "up",
        "status": "enabled",
        "service": {"host": f"host-{name}"},
    }


def test_a_compute_service_bears_its_hypervisors_name_and_a_new_one_its_hosts() -> None:
    reading = CannedReading(
        {
            "compute /os-hypervisors/detail": {"hypervisors": [hypervisor_item("hv1")]},
            "compute /os-services": {
                "services": [
                    {
                        "host": "host-hv1",
                        "state": "down",
                        "status": "enabled",
                        "updated_at": "1970-01-01T00:01:00.000000",
                    },
                    {"host": "new", "state": "up", "status": "disabled", "updated_at": None},
                ]
            },
        }
    )
    first, second = read_compute_services(reading)
    assert (first.hypervisor, first.up, first.enabled, first.reported_at) == ("hv1", False, True, 60.0)
    assert (second.hypervisor, second.up, second.enabled, second.reported_at) == ("new", True, False, 0.0)


class Placement:
    """A Placement of one-class providers: name -> (total, used, generation)."""

    def __init__(self, **providers: tuple[int, int, int]) -> None:
        self.providers = dict(providers)
        self.asked: list[str] = []
        self.refusing_candidates = False
        self.vanishing: set[str] = set()

    def get(self, service: str, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        self.asked.append(path)
        if path == "/resource_providers":
            return {"resource_providers": [
                {"uuid": uuid, "name": uuid, "generation": generation, "root_provider_uuid": uuid}
                for uuid, (_, _, generation) in self.providers.items()
            ]}  # fmt: skip
        if path == "/allocation_candidates":
            if self.refusing_candidates:
                raise Refused("policy")
            return {"provider_summaries": {
                uuid: {"resources": {"VCPU": {"capacity": total, "used": used}}, "traits": ["A"]}
                for uuid, (total, used, _) in self.providers.items() if used < total
            }}  # fmt: skip
        _, _, uuid, kind = path.split("/")
        if uuid in self.vanishing:
            raise NotFound(uuid)
        total, used, generation = self.providers[uuid]
        if kind == "usages":
            return {"usages": {"VCPU": used}}
        item = {
            "total": total,
            "reserved": 0,
            "allocation_ratio": 1.0,
            "min_unit": 1,
            "max_unit": total,
            "step_size": 1,
        }
        return {"inventories": {"VCPU": item}, "resource_provider_generation": generation}

    def items(self, *how: Any) -> list[dict[str, Any]]:
        raise AssertionError(how)

    def each(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return [function(item) for item in items]

    def used(self, cache: PlacementCache) -> dict[str, list[int]]:
        self.asked.clear()
        placed = read_placed(self, ["a", "b", "new"], cache)
        return {name: [held.used for held in found.inventories] for name, found in placed.items()}


def test_a_hypervisor_that_placement_does_not_know_yet_offers_nothing() -> None:
    assert Placement(a=(8, 3, 1)).used(PlacementCache()) == {"a": [3], "b": [], "new": []}


def test_inventories_are_read_again_only_at_another_generation_and_usages_each_time() -> None:
    placement, cache = Placement(a=(8, 3, 1), b=(8, 0, 1)), PlacementCache()
    placement.used(cache)
    assert len(placement.asked) == 4
    placement.providers["a"] = (8, 2, 1)  # a server was deleted, which raises no generation
    assert placement.used(cache)["a"] == [2]
    assert placement.asked == ["/resource_providers", "/allocation_candidates"]
    placement.providers["b"] = (16, 0, 2)
    placement.used(cache)
    assert [path for path in placement.asked if "inventories" in path] == [
        "/resource_providers/b/inventories"
    ]
    assert read_placed(placement, ["b"], cache)["b"].inventories[0].total == 16


def test_only_a_provider_that_is_full_is_asked_for_its_usage() -> None:
    placement = Placement(a=(8, 8, 1), b=(8, 0, 1))
    assert placement.used(PlacementCache())["a"] == [8]
    assert [path for path in placement.asked if "usages" in path] == ["/resource_providers/a/usages"]


def test_where_candidates_may_not_be_read_each_provider_is_asked() -> None:
    placement = Placement(a=(8, 8, 1), b=(8, 1, 1))
    placement.refusing_candidates = True
    found = placement.used(PlacementCache())
    assert (found["a"], found["b"]) == ([8], [1])


def test_a_provider_that_goes_while_it_is_read_takes_no_other_with_it() -> None:
    placement, cache = Placement(a=(8, 8, 1), b=(8, 1, 1)), PlacementCache()
    placement.vanishing = {"a"}
    assert placement.used(cache)["b"] == [1]
    placement.vanishing = set()
    placement.used(cache)
    placement.vanishing = {"a"}
    assert (placement.used(cache)["a"], placement.used(cache)["b"]) == ([], [1])


def test_a_provider_that_is_gone_is_forgotten() -> None:
    placement, cache = Placement(a=(8, 0, 1), b=(8, 0, 1)), PlacementCache()
    placement.used(cache)
    del placement.providers["a"]
    assert placement.used(cache)["a"] == []
    assert cache.kept.keys() == {"b"}


def test_a_hypervisor_kept_for_a_project_or_for_a_trait_says_so() -> None:
    aggregate = Aggregate("kept", metadata={"filter_tenant_id": "p1, p2", "filter_tenant_id3": "p3"})
    assert make_provider(aggregates=(aggregate,)).projects == {"p1", "p2", "p3"}
    licensed = make_provider(
        make_inventory(), aggregates=(Aggregate("w", metadata={"trait:CUSTOM_WINDOWS": "required"}),),
        traits=frozenset({"CUSTOM_WINDOWS"}),
    )  # fmt: skip
    assert make_flavor().servers_on(licensed) == 0
    assert make_flavor(required_traits=frozenset({"CUSTOM_WINDOWS"})).servers_on(licensed) == 4


def test_an_aggregates_value_may_be_one_of_several() -> None:
    flavor = make_flavor(aggregate_metadata={"pool": "<or> gold <or> silver"})
    silver = make_provider(make_inventory(), aggregates=(Aggregate("s", metadata={"pool": "silver"}),))
    assert flavor.servers_on(silver) == 4


def test_inventories_of_a_hypervisors_parts_count_together_but_no_server_spans_two() -> None:
    cells = make_provider(make_inventory(total=3), make_inventory(total=3))
    assert make_flavor(resources={"VCPU": 2}).servers_on(cells) == 2


def test_capacity_is_hypervisors_with_what_placement_and_their_aggregates_say() -> None:
    reading = CannedReading(
        {
            "compute /os-hypervisors/detail": {"hypervisors": [hypervisor_item("hv1")]},
            "compute /os-aggregates": {"aggregates": [
                {"name": "az1", "hosts": ["host-hv1"], "metadata": {"availability_zone": "az1"}}
            ]},
            "compute /flavors/detail": {"flavors": [
                {"name": "off", "vcpus": 1, "ram": 1, "disk": 1, "OS-FLV-DISABLED:disabled": True}
            ]},
            "placement /resource_providers": {"resource_providers": []},
        }
    )  # fmt: skip
    found = read_capacity(reading)
    assert (found.providers[0].zone, found.providers[0].inventories, found.flavors) == ("az1", (), ())

"""Capacity: Placement's arithmetic and nova's filters, on answers as the cloud gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.cloud.capacity import (
    FlavorDemand,
    Hypervisor,
    Provider,
    ResourceInventory,
    flavor_demand,
    read_capacity,
    read_compute_services,
)
from infra.cloud.errors import NotFound


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
    assert tied.servers_on(make_provider(make_inventory(), aggregates=({"pool": "gold"},))) == 4


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


def test_a_hypervisor_that_placement_does_not_know_yet_offers_nothing() -> None:
    reading = CannedReading(
        {
            "compute /os-hypervisors/detail": {
                "hypervisors": [hypervisor_item("hv1"), hypervisor_item("hv2")]
            },
            "compute /os-aggregates": {"aggregates": [{"hosts": ["host-hv1"], "metadata": {"pool": "gold"}}]},
            "compute /flavors/detail": {"flavors": []},
            "placement /resource_providers/id-hv1/inventories": {
                "inventories": {
                    "VCPU": {
                        "total": 2,
                        "reserved": 0,
                        "allocation_ratio": 16.0,
                        "min_unit": 1,
                        "max_unit": 2,
                        "step_size": 1,
                    }
                }
            },
            "placement /resource_providers/id-hv1/usages": {"usages": {"VCPU": 3}},
            "placement /resource_providers/id-hv1/traits": {"traits": ["A"]},
        }
    )
    known, unknown = read_capacity(reading).providers
    assert (known.inventories[0].allocatable, known.inventories[0].used) == (32, 3)
    assert (known.traits, known.aggregates) == ({"A"}, ({"pool": "gold"},))
    assert unknown.inventories == ()

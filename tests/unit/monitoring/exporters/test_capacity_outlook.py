"""The outlook: losses, isolation and drift follow from capacity and servers."""

from __future__ import annotations

from infra.cloud.capacity import Aggregate, Capacity, FlavorDemand, Hypervisor, Provider
from infra.cloud.capacity_placement import ResourceInventory
from infra.cloud.capacity_servers import ServerList, ServerRecord
from monitoring.exporters.capacity_outlook import Outlooks, work_out

SMALL = FlavorDemand("small", {"VCPU": 1})


def make_provider(name: str, cores: int, used: int, *aggregates: Aggregate, up: bool = True) -> Provider:
    held = (ResourceInventory("VCPU", cores, 0, 1.0, used),)
    return Provider(Hypervisor(name, name, "QEMU", "", up, True), held, aggregates=aggregates)


def make_servers(
    hypervisor: str, count: int, project: str = "p", demand: FlavorDemand = SMALL
) -> list[ServerRecord]:
    return [
        ServerRecord(f"{hypervisor}{n}", "s", project, "u", "active", hypervisor, "", 1, 512, demand)
        for n in range(count)
    ]


def test_the_loss_of_a_hypervisor_is_absorbed_when_the_others_have_room() -> None:
    capacity = Capacity((make_provider("a", 4, 3), make_provider("b", 4, 1)), (SMALL,))
    servers = ServerList((*make_servers("a", 3), *make_servers("b", 1)))
    losses = work_out(capacity, servers, {}).losses
    assert losses is not None
    assert losses.hypervisors == {"a": 0, "b": 0}
    assert losses.zones == {"nova": 4}


def test_a_hypervisor_that_is_down_takes_nobody_in() -> None:
    capacity = Capacity((make_provider("a", 4, 3), make_provider("b", 4, 0, up=False)), (SMALL,))
    losses = work_out(capacity, ServerList(tuple(make_servers("a", 3))), {}).losses
    assert losses is not None
    assert losses.hypervisors == {"a": 3, "b": 0}


def test_a_hypervisor_kept_for_a_project_takes_only_its_servers() -> None:
    kept = Aggregate("kept", metadata={"filter_tenant_id": "p1"})
    capacity = Capacity((make_provider("a", 4, 2), make_provider("b", 4, 0, kept)), (SMALL,))
    for project, missing in (("p1", 0), ("p2", 2)):
        losses = work_out(capacity, ServerList(tuple(make_servers("a", 2, project))), {}).losses
        assert losses is not None
        assert losses.hypervisors["a"] == missing


def test_a_server_that_needs_a_trait_goes_only_where_it_is() -> None:
    picky = FlavorDemand("picky", {"VCPU": 1}, required_traits=frozenset({"CUSTOM_GPU"}))
    capacity = Capacity((make_provider("a", 4, 1), make_provider("b", 4, 0)), (SMALL, picky))
    losses = work_out(capacity, ServerList(tuple(make_servers("a", 1, demand=picky))), {}).losses
    assert losses is not None
    assert losses.hypervisors["a"] == 1


def test_what_nova_says_of_a_zone_comes_before_aggregates() -> None:
    zoned = make_provider("a", 4, 0, Aggregate("z", metadata={"availability_zone": "az1"}))
    assert work_out(Capacity((zoned,), ()), None, {}).zones == {"a": "az1"}
    assert work_out(Capacity((zoned,), ()), None, {"a": "az2"}).zones == {"a": "az2"}


def test_an_outlook_is_worked_out_once_for_the_same_facts() -> None:
    outlooks, capacity, servers = Outlooks(), Capacity((make_provider("a", 4, 0),), (SMALL,)), ServerList(())
    first = outlooks.of(capacity, servers, {})
    assert outlooks.of(capacity, servers, {}) is first
    assert outlooks.of(capacity, ServerList(()), {}) is not first

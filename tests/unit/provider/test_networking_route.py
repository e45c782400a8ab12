"""Routes, of which several writers change one list, and the interfaces that they hold."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from infra.cloud import revision
from infra.cloud.errors import Conflict, WaitedTooLong
from infra.cloud.port import ports
from infra.cloud.router import routers
from infra.provider.resource import Context, ImportRefused, NotOurs
from infra.provider.route import RouterRoute, SubnetRoute
from infra.provider.router_interface import RouterInterface
from tests.cloud.provider.case import Ground, fake_ground
from tests.cloud.provider.networking_cases import ROUTER, fresh_subnet
from tests.fakes.openstack import FakeCloud, FakeOpenStack

Contexts = Callable[..., Context]


@pytest.fixture
def ground(fake: FakeOpenStack) -> Ground:
    return fake_ground(fake)


@pytest.fixture
def subnet(ground: Ground) -> dict[str, Any]:
    return fresh_subnet(ground)


@pytest.fixture
def router(ground: Ground) -> str:
    return str(ground.make(ROUTER, {"name": "r"})["id"])


@pytest.fixture
def interface(context: Contexts, router: str, subnet: dict[str, Any]) -> str:
    inputs = {"routerId": router, "subnetId": subnet["id"]}
    return RouterInterface().create(context(), RouterInterface().check(inputs)[0])[0]


def hop(subnet: dict[str, Any]) -> str:
    return str(subnet["cidr"]).replace(".0/24", ".9")


def test_routes_that_are_made_side_by_side_are_all_there(
    fake: FakeOpenStack, context: Contexts, router: str, subnet: dict[str, Any], interface: str
) -> None:
    def add(number: int) -> str:
        inputs = {"routerId": router, "destinationCidr": f"10.9.{number}.0/24", "nextHop": hop(subnet)}
        return RouterRoute().create(context(), inputs)[0]

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(add, range(12)))
    assert len(fake.kind("routers")[router]["routes"]) == 12
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda identity: RouterRoute().delete(context(), identity, {}), made))
    assert fake.kind("routers")[router]["routes"] == []


def test_a_change_that_somebody_else_made_meanwhile_is_kept(
    fake: FakeOpenStack, cloud: FakeCloud, subnet: dict[str, Any]
) -> None:
    theirs = {"destination": "10.1.0.0/16", "nexthop": "10.0.0.1"}
    fake.kind("subnets")[subnet["id"]]["host_routes"] = []
    met: list[int] = []

    def change(routes: list[Any]) -> list[Any]:
        if not met:
            met.append(1)
            body = {"subnet": {"host_routes": [theirs]}}
            fake.handle("network", "PUT", f"/subnets/{subnet['id']}", {}, body)
        return [*routes, {"destination": "10.2.0.0/16", "nexthop": "10.0.0.1"}]

    from infra.cloud.subnet import subnets

    after = revision.amend(subnets(cloud), subnet["id"], "host_routes", change, pause=lambda seconds: None)
    assert theirs in after["host_routes"]
    assert len(after["host_routes"]) == 2


def test_a_list_that_others_change_without_end_is_given_up_by_name(
    fake: FakeOpenStack, cloud: FakeCloud, router: str
) -> None:
    def change(routes: list[Any]) -> list[Any]:
        fake.kind("routers")[router]["revision_number"] += 1
        return [*routes, {}]

    with pytest.raises(Conflict, match="was changed by somebody else"):
        revision.amend(routers(cloud), router, "routes", change, pause=lambda seconds: None)


def test_a_route_waits_for_its_interface_and_says_so(
    context: Contexts, router: str, subnet: dict[str, Any]
) -> None:
    inputs = {"routerId": router, "destinationCidr": "10.9.0.0/16", "nextHop": hop(subnet)}
    with pytest.raises(WaitedTooLong, match=rf"router {router} to have an interface .* not connected"):
        RouterRoute().create(context(), inputs)


def test_an_interface_that_a_route_needs_names_it_or_takes_it_along(
    fake: FakeOpenStack, context: Contexts, router: str, subnet: dict[str, Any], interface: str
) -> None:
    inputs = {"routerId": router, "destinationCidr": "10.9.0.0/16", "nextHop": hop(subnet)}
    RouterRoute().create(context(), inputs)
    with pytest.raises(WaitedTooLong, match=rf"held by route 10\.9\.0\.0/16 via {hop(subnet)} of router r"):
        RouterInterface().delete(context(), interface, {"routerId": router})
    RouterInterface().delete(context(), interface, {"routerId": router, "forceDestroy": True})
    assert fake.kind("routers")[router]["routes"] == []
    assert ports(context().cloud).find(interface) is None


def test_two_resources_cannot_be_one_route(context: Contexts, subnet: dict[str, Any]) -> None:
    inputs = {"subnetId": subnet["id"], "destinationCidr": "10.9.0.0/16", "nextHop": "10.0.0.1"}
    SubnetRoute().create(context(), inputs)
    with pytest.raises(NotOurs):
        SubnetRoute().create(context("pulumi:" + "b" * 24), inputs)


def test_a_route_is_told_by_its_id_alone(context: Contexts, subnet: dict[str, Any]) -> None:
    inputs = {"subnetId": subnet["id"], "destinationCidr": "fd00:9::/48", "nextHop": "fd00::1"}
    identity, state = SubnetRoute().create(context(), inputs)
    assert identity == f"{subnet['id']}-route-fd00:9::/48-fd00::1"
    assert SubnetRoute().read(context(), identity, {}) == state
    with pytest.raises(ImportRefused, match="<id>-route-<destination>-<next hop>"):
        SubnetRoute().read(context(), "a-b", {})
    SubnetRoute().delete(context(), "gone-route-10.0.0.0/8-10.0.0.1", {})

"""`RouterRoute` and `SubnetRoute`: one static route among those of a router, or of a subnet's hosts."""

from __future__ import annotations

import contextlib
import re
from abc import abstractmethod
from typing import Any, ClassVar

from infra.cloud.collection import Collection
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound
from infra.cloud.revision import amend
from infra.cloud.router import routers
from infra.cloud.subnet import subnets
from infra.provider import rules
from infra.provider.address import canonical
from infra.provider.claim import claim, release
from infra.provider.neutron import when_reachable
from infra.provider.property import Property
from infra.provider.resource import REGION, Context, ImportRefused, Resource, State

_ID = re.compile(r"(?P<owner>.+)-route-(?P<destination>[^-]+)-(?P<hop>[^-]+)")
_INTERFACE_SECONDS = 60.0
"""How long a route waits for the router interface that leads to its next hop."""


class Route(Resource):
    """A route is an entry in a list of its owner's, which all its routes share; it is told by its id, which
    is also how an interrupted create is found again.
    """

    seconds = 120.0
    owner: ClassVar[str]
    attribute: ClassVar[str]

    @abstractmethod
    def collection(self, cloud: Cloud) -> Collection:
        """Where the owners live."""

    def alike(self, item: Property, present: Any, wanted: Any, state: State) -> bool:
        return bool(canonical(present) == canonical(wanted))

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        owner = inputs[self.owner]
        route = _route(inputs["destinationCidr"], inputs["nextHop"])
        identity = f"{owner}-route-{inputs['destinationCidr']}-{inputs['nextHop']}"
        claim(identity, context.mark, f"the route to {route['destination']} via {route['nexthop']}")

        def with_it(routes: list[Any]) -> list[Any]:
            return [*routes, route] if _index(routes, route) is None else routes

        def added() -> State:
            amend(self.collection(context.cloud), owner, self.attribute, with_it)
            return self._state(owner, inputs["destinationCidr"], inputs["nextHop"])

        what = f"router {owner} to have an interface in the network of the next hop {inputs['nextHop']}"
        try:
            state = when_reachable(context, _INTERFACE_SECONDS, what, "nexthop is not connected", added)
        except BaseException:
            release(identity)
            raise
        return identity, state

    def read(self, context: Context, identity: str, state: State) -> State | None:
        owner, destination, hop = _parts(identity)
        thing = self.collection(context.cloud).look(owner)
        if thing is None or _index(thing.get(self.attribute) or [], _route(destination, hop)) is None:
            return None
        return self._state(owner, destination, hop)

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        return state

    def delete(self, context: Context, identity: str, state: State) -> None:
        owner, destination, hop = _parts(identity)
        route = canonical(_route(destination, hop))
        with contextlib.suppress(NotFound):
            amend(
                self.collection(context.cloud), owner, self.attribute,
                lambda routes: [row for row in routes if canonical(_row(row)) != route],
            )  # fmt: skip
        release(identity)

    def _state(self, owner: str, destination: str, hop: str) -> State:
        return {self.owner: owner, "destinationCidr": destination, "nextHop": hop}


class RouterRoute(Route):
    type_name = "openstack:networking/routerRoute:RouterRoute"
    owner = "routerId"
    attribute = "routes"
    properties = (
        Property("routerId", required=True, replaces=True, refers="router"),
        Property("destinationCidr", required=True, replaces=True, rule=rules.cidr),
        Property("nextHop", required=True, replaces=True, rule=rules.address),
        REGION,
    )

    def collection(self, cloud: Cloud) -> Collection:
        return routers(cloud)


class SubnetRoute(Route):
    type_name = "openstack:networking/subnetRoute:SubnetRoute"
    owner = "subnetId"
    attribute = "host_routes"
    properties = (
        Property("subnetId", required=True, replaces=True, refers="subnet"),
        Property("destinationCidr", required=True, replaces=True, rule=rules.cidr),
        Property("nextHop", required=True, replaces=True, rule=rules.address),
        REGION,
    )

    def collection(self, cloud: Cloud) -> Collection:
        return subnets(cloud)


def _route(destination: str, hop: str) -> dict[str, str]:
    return {"destination": destination, "nexthop": hop}


def _row(row: dict[str, Any]) -> dict[str, str]:
    return _route(row["destination"], row["nexthop"])


def _index(routes: list[dict[str, Any]], route: dict[str, str]) -> int | None:
    wanted = canonical(route)
    return next((index for index, row in enumerate(routes) if canonical(_row(row)) == wanted), None)


def _parts(identity: str) -> tuple[str, str, str]:
    found = _ID.fullmatch(identity)
    if found is None:
        raise ImportRefused(f"{identity} is not <id>-route-<destination>-<next hop>")
    return found["owner"], found["destination"], found["hop"]

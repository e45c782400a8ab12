"""Whether the ids that a program gives are those of things that exist, said before anything is made.

Asked only of ids that are new to the resource, and only once of each: what this provider has made itself, or
has seen before, is known to be there.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from typing import Any

from infra.cloud.collection import Collection
from infra.cloud.connection import Cloud
from infra.cloud.errors import Refused
from infra.provider.property import Failure, Property

_COLLECTIONS = {
    "address_group": "address_group:address_groups",
    "address_scope": "address_scope:address_scopes",
    "flavor": "flavor:flavors",
    "floating_ip": "floating_ip:floating_ips",
    "group": "group:groups",
    "image": "image:images",
    "network": "network:networks",
    "port": "port:ports",
    "project": "project:projects",
    "qos": "volume_qos:volume_qos",
    "qos_policy": "qos_policy:qos_policies",
    "role": "role:roles",
    "router": "router:routers",
    "security_group": "security_group:security_groups",
    "server": "server:servers",
    "server_group": "server_group:server_groups",
    "snapshot": "snapshot:snapshots",
    "subnet": "subnet:subnets",
    "subnet_pool": "subnet_pool:subnet_pools",
    "user": "user:users",
    "volume": "volume:volumes",
    "volume_type": "volume_type:volume_types",
}
"""The nouns that a property may refer to, and the function of `infra.cloud` that gives their collection."""
_ALSO = {"domain": "project"}


class References:
    """The references of one provider's resources. Safe to share between threads."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def made(self, identity: str) -> None:
        """This thing is there: we have just made it."""
        self._known.add(identity)

    def missing(
        self,
        cloud: Cloud,
        properties: Iterable[Property],
        inputs: Mapping[str, Any],
        before: Mapping[str, Any],
    ) -> list[Failure]:
        """Each reference to nothing, by property path. What is as it was in `before` is not looked at."""
        failures: list[Failure] = []
        for item in properties:
            value = inputs.get(item.name)
            if value is None or value == before.get(item.name):
                continue
            failures += self._in_value(cloud, item, item.name, value)
        return failures

    def _in_value(self, cloud: Cloud, item: Property, path: str, value: Any) -> list[Failure]:
        if isinstance(value, list):
            return [
                failure
                for index, one in enumerate(value)
                for failure in self._in_value(cloud, item, f"{path}[{index}]", one)
            ]
        if isinstance(value, dict):
            inside = self.missing(cloud, item.fields, value, {})
            return [(f"{path}.{name}", why) for name, why in inside]
        if (
            not item.refers
            or not isinstance(value, str)
            or not value
            or self._there(cloud, item.refers, value)
        ):
            return []
        return [(path, f"there is no {item.refers.replace('_', ' ')} with the id {value}")]

    def _there(self, cloud: Cloud, noun: str, identity: str) -> bool:
        """Whether it exists. What our account may not ask for is left to the service that will be asked."""
        if identity in self._known:
            return True
        collection = _collection(cloud, noun)
        if collection is None:
            return True
        try:
            found = collection.look(identity) is not None
        except Refused:
            return True
        if found:
            self._known.add(identity)
        return found


def _collection(cloud: Cloud, noun: str) -> Collection | None:
    place = _COLLECTIONS.get(_ALSO.get(noun, noun))
    if place is None:
        return None
    module, _, function = place.partition(":")
    found = getattr(importlib.import_module(f"infra.cloud.{module}"), function)(cloud)
    assert isinstance(found, Collection)  # or the table above is wrong
    return found

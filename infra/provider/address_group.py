"""`AddressGroupV2`: networks by name, for rules of security groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.cloud import holder
from infra.cloud.address_group import address_groups, change_addresses
from infra.cloud.collection import Collection
from infra.cloud.connection import Cloud
from infra.provider import address, rules
from infra.provider.neutron import NeutronResource
from infra.provider.property import Property
from infra.provider.resource import REGION, Context, State


class AddressGroupV2(NeutronResource):
    type_name = "openstack:networking/addressGroupV2:AddressGroupV2"
    noun = "address group"
    properties = (
        Property("name", required=True),
        Property("description", default="", rule=rules.description),
        Property("addresses", "strings", required=True, unordered=True, rule=address.networks),
        Property("projectId", replaces=True, chosen_by_cloud=True, refers="project"),
        REGION,
    )

    def collection(self, cloud: Cloud) -> Collection:
        return address_groups(cloud)

    def holders(self, cloud: Cloud, identity: str) -> list[str]:
        return holder.of_address_group(cloud, identity)

    def alike(self, item: Property, present: Any, wanted: Any, state: State) -> bool:
        return item.name == "addresses" and _networks(present) == _networks(wanted)

    def body(self, cloud: Cloud, inputs: Mapping[str, Any]) -> dict[str, Any]:
        body = super().body(cloud, inputs)
        if "addresses" in body:
            body["addresses"] = sorted(_networks(body["addresses"]))
        return body

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        if "addresses" in changed:
            present = _networks(address_groups(context.cloud).get(identity)["addresses"])
            wanted = _networks(inputs["addresses"])
            if wanted - present:
                change_addresses(context.cloud, identity, "add", sorted(wanted - present))
            if present - wanted:
                change_addresses(context.cloud, identity, "remove", sorted(present - wanted))
        return super().update(context, identity, state, inputs, changed - {"addresses"})


def _networks(addresses: Any) -> set[str]:
    return {item if not isinstance(item, str) else address.as_network(item) for item in addresses or []}

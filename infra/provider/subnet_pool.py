"""`SubnetPool`: networks from which subnets are cut."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from infra.cloud import holder
from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.subnet_pool import subnet_pools
from infra.provider import address, rules
from infra.provider.neutron import TAGS, VALUE_SPECS, NeutronResource
from infra.provider.property import Difference, Failure, Property
from infra.provider.resource import REGION, Context, State
from infra.provider.values import holds_unknown

_LENGTHS = ("defaultPrefixlen", "minPrefixlen", "maxPrefixlen")


class SubnetPool(NeutronResource):
    """Neutron merges neighbouring prefixes, adds to them in place, and never takes one away. `ipVersion` is
    that of the prefixes; a program may say it, and is told if it is wrong.
    """

    type_name = "openstack:networking/subnetPool:SubnetPool"
    noun = "subnet pool"
    properties = (
        Property("name", required=True),
        Property("description", default="", rule=rules.description),
        Property("prefixes", "strings", required=True, unordered=True, rule=address.networks),
        Property("ipVersion", "integer", chosen_by_cloud=True, rule=rules.one_of(4, 6)),
        *(Property(name, "integer", chosen_by_cloud=True, rule=rules.between(0, 128)) for name in _LENGTHS),
        Property("defaultQuota", "integer", rule=rules.at_least_zero),
        Property("addressScopeId", refers="address_scope"),
        Property("isDefault", "boolean", default=False),
        Property("shared", "boolean", replaces=True, chosen_by_cloud=True),
        Property("projectId", replaces=True, chosen_by_cloud=True, refers="project"),
        *TAGS,
        Property("createdAt", output=True),
        Property("updatedAt", output=True),
        Property("revisionNumber", "integer", output=True),
        VALUE_SPECS,
        REGION,
    )

    def examine(self, inputs: Mapping[str, Any]) -> Iterable[Failure]:
        prefixes = [item for item in inputs["prefixes"] if not holds_unknown(item)]
        if not inputs["prefixes"]:
            yield "prefixes", "give at least one network"
        versions = {ipaddress.ip_network(item, strict=False).version for item in prefixes}
        if len(versions) > 1:
            yield "prefixes", "a pool holds networks of one IP version"
        elif versions and inputs.get("ipVersion", min(versions)) not in versions:
            yield "ipVersion", f"the prefixes are IPv{min(versions)} networks"

    def differences(self, state: State, inputs: Mapping[str, Any]) -> list[Difference]:
        found = super().differences(state, inputs)
        if holds_unknown(inputs.get("prefixes")):
            return found
        both = address.merged([*state.get("prefixes", []), *inputs.get("prefixes", [])])
        taken_away = both != address.merged(inputs.get("prefixes", []))
        return [replace(item, replaces=True) if item.name == "prefixes" and taken_away else item
                for item in found]  # fmt: skip

    def alike(self, item: Property, present: Any, wanted: Any, state: State) -> bool:
        if item.name == "prefixes" and not holds_unknown(wanted):
            return address.merged(present or []) == address.merged(wanted)
        if item.name == "defaultQuota":
            return not present and not wanted
        return super().alike(item, present, wanted, state)

    def collection(self, cloud: Cloud) -> Collection:
        return subnet_pools(cloud)

    def holders(self, cloud: Cloud, identity: str) -> list[str]:
        return holder.of_subnet_pool(cloud, identity)

    def body(self, cloud: Cloud, inputs: Mapping[str, Any]) -> dict[str, Any]:
        body = super().body(cloud, inputs)
        body.pop("ip_version", None)
        if not body.get("default_quota", True):
            body["default_quota"] = None  # 0 is no quota in the official provider
        return body

    def state(self, cloud: Cloud, thing: Thing) -> State:
        shown = super().state(cloud, thing)
        return {**shown, **{name: int(shown[name]) for name in _LENGTHS if name in shown}}

    def refine(self, context: Context, thing: Thing, inputs: State) -> Thing:
        """Tags change its revision after it was made."""
        thing = super().refine(context, thing, inputs)
        return self.collection(context.cloud).get(str(thing["id"])) if inputs.get("tags") else thing

"""`Port`: a Neutron port."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from infra.cloud import holder
from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.port import ports
from infra.provider import address, rules
from infra.provider.neutron import TAGS, VALUE_SPECS, NeutronResource
from infra.provider.port_binding import BINDING, bound_alike, sent_binding, shown_binding, written_binding
from infra.provider.property import Failure, Property
from infra.provider.resource import REGION, Context, State

_ROW = {"subnetId": "subnet_id", "ipAddress": "ip_address", "macAddress": "mac_address"}
_OPTION = {"name": "opt_name", "value": "opt_value", "ipVersion": "ip_version"}
_SWITCHES = {"noSecurityGroups": "security_groups", "noFixedIp": "fixed_ips"}


class Port(NeutronResource):
    """`noSecurityGroups` and `noFixedIp` are told by the port that has none; a port that has none without
    having been asked for is no difference, nor is an address that SLAAC gave it. `securityGroupIds: []` in a
    new port leaves the choice to Neutron.
    """

    type_name = "openstack:networking/port:Port"
    noun = "port"
    properties = (
        Property("networkId", required=True, replaces=True, refers="network"),
        Property("name", required=True),
        Property("description", default="", rule=rules.description),
        Property("adminStateUp", "boolean", chosen_by_cloud=True),
        Property("macAddress", replaces=True, chosen_by_cloud=True, rule=address.mac),
        Property("tenantId", replaces=True, chosen_by_cloud=True, refers="project"),
        Property("deviceId", chosen_by_cloud=True),
        Property("deviceOwner", chosen_by_cloud=True),
        Property("dnsName", chosen_by_cloud=True),
        Property("qosPolicyId", chosen_by_cloud=True, refers="qos_policy"),
        Property("securityGroupIds", "strings", "security_groups", chosen_by_cloud=True, unordered=True,
                 refers="security_group"),
        Property("noSecurityGroups", "boolean", default=False),
        Property(
            "fixedIps", "objects", chosen_by_cloud=True, unordered=True,
            fields=(
                Property("subnetId", chosen_by_cloud=True, refers="subnet"),
                Property("ipAddress", chosen_by_cloud=True, rule=rules.address),
            ),
        ),
        Property("noFixedIp", "boolean", default=False),
        Property("portSecurityEnabled", "boolean", chosen_by_cloud=True),
        Property(
            "allowedAddressPairs", "objects", unordered=True,
            fields=(
                Property("ipAddress", required=True, rule=address.network_or_address),
                Property("macAddress", chosen_by_cloud=True, rule=address.mac),
            ),
        ),
        Property(
            "extraDhcpOptions", "objects", "extra_dhcp_opts", unordered=True,
            fields=(
                Property("name", required=True),
                Property("value", required=True),
                Property("ipVersion", "integer", default=4, rule=rules.one_of(4, 6)),
            ),
        ),
        BINDING,
        *TAGS,
        Property("allFixedIps", "strings", output=True),
        Property("allSecurityGroupIds", "strings", output=True),
        Property("dnsAssignments", "maps", output=True),
        VALUE_SPECS,
        REGION,
    )  # fmt: skip
    rewritten = frozenset({"macAddress", "fixedIps", "allowedAddressPairs"})
    echoed: ClassVar[Mapping[str, str]] = {
        "dnsName": "its DNS integration is off, or its dns_domain is the default"
    }

    def examine(self, inputs: Mapping[str, Any]) -> Iterable[Failure]:
        for switch, name in (("noSecurityGroups", "securityGroupIds"), ("noFixedIp", "fixedIps")):
            if inputs.get(switch) is True and inputs.get(name):
                yield name, f"a port with {switch} has none: leave one of them out"
        binding = inputs.get("binding")
        for name in ("vifType", "vifDetails"):
            if isinstance(binding, dict) and name in binding:
                yield f"binding.{name}", "only the cloud says this: leave it out"

    def alike(self, item: Property, present: Any, wanted: Any, state: State) -> bool:
        if item.name in _SWITCHES:
            return wanted is False or (item.name == "noFixedIp" and not _chosen(_rows(state), [], state))
        if item.name == "fixedIps" and isinstance(wanted, list):
            present = _chosen(present or [], wanted, state)
        if item.name == "binding":
            return bound_alike(present, wanted)
        if item.name == "dnsName":
            return str(present).lower() == str(wanted).lower()
        return super().alike(item, present, wanted, state)

    def collection(self, cloud: Cloud) -> Collection:
        return ports(cloud)

    def holders(self, cloud: Cloud, identity: str) -> list[str]:
        return holder.of_port(cloud, identity)

    def body(self, cloud: Cloud, inputs: Mapping[str, Any]) -> dict[str, Any]:
        body = super().body(cloud, inputs)
        body.update(sent_binding(body.pop("binding", None) or {}))
        if "network_id" in body and not body.get("security_groups", True):
            del body["security_groups"]
        for switch, key in _SWITCHES.items():
            asked = body.pop("no_security_groups" if switch == "noSecurityGroups" else "no_fixed_ip", False)
            if asked:
                body[key] = []
        for key, names in (
            ("fixed_ips", _ROW),
            ("allowed_address_pairs", _ROW),
            ("extra_dhcp_opts", _OPTION),
        ):
            if key in body:
                body[key] = [_sent(row, names) for row in body[key] or []]
        return body

    def state(self, cloud: Cloud, thing: Thing) -> State:
        shown = super().state(cloud, thing)
        for name in ("fixedIps", "allowedAddressPairs"):
            shown[name] = [_shown(row, _ROW) for row in shown.get(name, [])]
        shown["extraDhcpOptions"] = [_shown(row, _OPTION) for row in thing.get("extra_dhcp_opts", [])]
        shown.update(shown_binding(thing))
        return {
            **shown,
            **{switch: not thing.get(key) for switch, key in _SWITCHES.items()},
            "allFixedIps": [row["ip_address"] for row in thing.get("fixed_ips", [])],
            "allSecurityGroupIds": sorted(thing.get("security_groups", [])),
            "dnsAssignments": [_texts(row) for row in thing.get("dns_assignment") or []],
        }

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        identity, state = super().create(context, inputs)
        return identity, {**state, **_left_to_neutron(inputs)}

    def read(self, context: Context, identity: str, state: State) -> State | None:
        found = super().read(context, identity, state)
        return None if found is None else {**found, **_left_to_neutron(state)}

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        if "extraDhcpOptions" in changed:
            self._forget_options(context.cloud, identity, inputs.get("extraDhcpOptions", []))
        return super().update(context, identity, state, inputs, changed)

    def importable_inputs(self, state: State) -> State:
        """Without what belongs to the server or router that uses the port."""
        written = super().importable_inputs(state)
        used = bool(state.get("deviceId"))
        if used:
            written = {name: value for name, value in written.items() if not name.startswith("device")}
        binding = written_binding(written.pop("binding", {}), used)
        return {**written, **({"binding": binding} if binding else {})}

    def _forget_options(self, cloud: Cloud, identity: str, wanted: list[Mapping[str, Any]]) -> None:
        """Neutron keeps a DHCP option that is not named: those that go are named, with no value."""
        stay = {(row["name"], row.get("ipVersion", 4)) for row in wanted}
        port = self.collection(cloud).get(identity)
        gone = [
            {"opt_name": row["opt_name"], "opt_value": None, "ip_version": row.get("ip_version", 4)}
            for row in port.get("extra_dhcp_opts", [])
            if (row["opt_name"], row.get("ip_version", 4)) not in stay
        ]
        if gone:
            self.collection(cloud).change(identity, {"extra_dhcp_opts": gone})


def _rows(state: State) -> list[Mapping[str, Any]]:
    return [{"ipAddress": text} for text in state.get("allFixedIps") or ()]


def _chosen(
    rows: Iterable[Mapping[str, Any]], wanted: list[Mapping[str, Any]], state: State
) -> list[Mapping[str, Any]]:
    """Without the addresses that Neutron gave by itself: those of SLAAC subnets that nobody named."""
    named = {value for row in wanted if isinstance(row, Mapping) for value in row.values()}
    return [
        row
        for row in rows
        if named & {*row.values()}
        or not address.made_of_mac(str(row.get("ipAddress", "")), str(state.get("macAddress", "")))
    ]


def _left_to_neutron(known: State) -> State:
    return {"securityGroupIds": []} if known.get("securityGroupIds") == [] else {}


def _sent(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names[name]: value for name, value in row.items() if name in names}


def _shown(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {name: row[key] for name, key in names.items() if row.get(key) is not None}


def _texts(row: Mapping[str, Any]) -> dict[str, str]:
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in row.items()}

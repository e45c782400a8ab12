"""What is Neutron's own in the fake cloud: what it fills in, refuses and counts, and the paths that are no
plain collection.
"""

from __future__ import annotations

import ipaddress
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.fakes.openstack import FakeOpenStack

COLLECTIONS = {
    "subnetpools": "subnetpool",
    "address-scopes": "address_scope",
    "address-groups": "address_group",
    "rbac-policies": "rbac_policy",
    "trunks": "trunk",
    "policies": "policy",
}
PLURAL = {
    "address-scopes": "address_scopes",
    "address-groups": "address_groups",
    "rbac-policies": "rbac_policies",
}
_UNTAGGED = ("address-scopes", "address-groups", "rbac-policies")
_READ_ONLY = {
    "networks": {"vlan_transparent", "segments", "tenant_id"},
    "subnets": {"cidr", "network_id", "ip_version", "subnetpool_id", "ipv6_ra_mode", "tenant_id"},
    "ports": {"network_id", "tenant_id"},
    "subnetpools": {"shared", "ip_version"},
    "address-scopes": {"ip_version"},
    "address-groups": {"addresses"},
    "rbac-policies": {"object_id", "object_type", "action"},
    "trunks": {"port_id", "sub_ports"},
    "floatingips": {"floating_ip_address", "floating_network_id", "dns_name", "dns_domain"},
}
_KINDS = ("bandwidth_limit", "dscp_marking", "minimum_bandwidth")


def rejected(status: int, message: str) -> Exception:
    from tests.fakes.openstack import Rejected

    return Rejected(status, message)


def special(fake: FakeOpenStack, method: str, parts: list[str], params: Any, body: Any, scope: str) -> Any:
    """The answer of a path that is no plain collection, None for the others."""
    match parts:
        case ["qos", "policies", policy, rules, *rest] if rules.endswith("_rules"):
            return _qos_rule(fake, method, fake.kind("policies")[policy], rules, rest, body)
        case ["qos", "policies", _, "tags"]:
            raise rejected(400, "Invalid input for operation: Invalid tags body.")
        case ["qos", *rest]:
            return fake._collection("network", method, rest, params, body, scope)
        case ["floatingips", floating, "port_forwardings", *rest]:
            return _port_forwarding(fake, method, fake.kind("floatingips")[floating], rest, body)
        case ["address-groups", group, ("add_addresses" | "remove_addresses") as verb]:
            return _addresses(fake.kind("address-groups")[group], verb, body)
        case ["trunks", trunk, ("add_subports" | "remove_subports") as verb]:
            return _sub_ports(fake.kind("trunks")[trunk], verb, body["sub_ports"])
        case ["routers", router, "remove_router_interface"]:
            if "port_id" not in body:
                inside = [one for one in fake.kind("ports").values() if one["device_id"] == router]
                (body["port_id"],) = [one["id"] for one in inside if _in_subnet(one, body["subnet_id"])]
            _refuse_needed_interface(fake, fake.kind("routers")[router], fake.kind("ports")[body["port_id"]])
    return None


def change(
    fake: FakeOpenStack, name: str, thing: dict[str, Any], values: dict[str, Any], params: Any
) -> None:
    """What stands against a change, and the revision after it."""
    wanted = params.get("If-Match", "").rpartition("=")[2]
    if wanted and int(wanted) != thing.get("revision_number", 0):
        raise rejected(412, f"Constrained to {wanted}, but current revision is {thing['revision_number']}")
    if name == "security-group-rules":
        raise rejected(500, "Request Failed: internal server error while processing your request.")
    for key in sorted(_READ_ONLY.get(name, set()) & values.keys()):
        raise rejected(400, f"Cannot update read-only attribute {key}")
    if name == "routers":
        _check_routes(fake, thing, values.get("routes", []))
    if name == "subnetpools" and "prefixes" in values:
        merged = _merged([*thing["prefixes"], *values["prefixes"]])
        if merged != _merged(values["prefixes"]):
            raise rejected(400, "Existing prefixes must be a subset of the new prefixes")
    if name == "subnets" and values.get("gateway_ip"):
        _check_gateway(values["gateway_ip"], values.get("allocation_pools", thing["allocation_pools"]))
    if name == "address-scopes" and thing.get("shared") and values.get("shared") is False:
        raise rejected(400, "Shared address scope can't be unshared.")
    if name == "ports" and "extra_dhcp_opts" in values:
        values["extra_dhcp_opts"] = _options(thing.get("extra_dhcp_opts", []), values["extra_dhcp_opts"])
    touch(thing)


def touch(thing: dict[str, Any]) -> None:
    """It is of the next revision."""
    if "revision_number" in thing:
        thing["revision_number"] += 1


def settle(fake: FakeOpenStack, name: str, thing: dict[str, Any], fresh: bool) -> None:
    """What Neutron fills in by itself."""
    if fresh:
        if name in _UNTAGGED:
            thing.pop("tags", None)
            if name != "address-groups":
                thing.pop("description", None)
        else:
            stamps = {"revision_number": 0, "created_at": "2026-11-23T10:00:00Z"}
            thing.update({**stamps, "updated_at": "2026-11-23T10:00:00Z"})
    for key in fake.drops & thing.keys():
        thing[key] = "" if isinstance(thing[key], str) else None
    made = _SETTLED.get(name)
    if made is not None:
        made(fake, thing, fresh)


def refuse_removal(fake: FakeOpenStack, name: str, thing: dict[str, Any]) -> None:
    """409 while something uses it."""
    identity = thing["id"]
    ports = fake.kind("ports").values()
    if name == "subnets" and any(_in_subnet(port, identity) for port in ports):
        raise rejected(409, f"Unable to complete operation on subnet {identity}: One or more ports have an "
                       "IP allocation from this subnet.")  # fmt: skip
    if name == "security-groups" and any(identity in port.get("security_groups", []) for port in ports):
        raise rejected(409, f"Security Group {identity} in use.")
    if name == "trunks" and not thing["admin_state_up"]:
        raise rejected(409, f"Trunk {identity} is currently disabled.")
    if name == "ports":
        for trunk in fake.kind("trunks").values():
            if identity in {trunk["port_id"], *(row["port_id"] for row in trunk["sub_ports"])}:
                raise rejected(409, f"Port {identity} is currently a port of trunk {trunk['id']}.")
    users = {
        "subnetpools": ("subnets", "subnetpool_id"),
        "address-scopes": ("subnetpools", "address_scope_id"),
        "address-groups": ("security-group-rules", "remote_address_group_id"),
    }
    if name in users:
        kind, key = users[name]
        if any(one.get(key) == identity for one in fake.kind(kind).values()):
            raise rejected(400 if name == "subnetpools" else 409, f"{name} {identity} is in use")
    if name == "policies":
        for kind in ("networks", "ports", "floatingips"):
            if any(one.get("qos_policy_id") == identity for one in fake.kind(kind).values()):
                raise rejected(409, f"QoS Policy {identity} is used by {kind}")


def _subnet(fake: FakeOpenStack, thing: dict[str, Any], fresh: bool) -> None:
    if not fresh:
        return
    if thing.get("subnetpool_id") and not thing.get("cidr"):
        thing["cidr"] = _cut(
            fake, fake.kind("subnetpools")[thing["subnetpool_id"]], thing.pop("prefixlen", 0)
        )
    network = ipaddress.ip_network(thing["cidr"], strict=False)
    thing["cidr"] = str(network)
    thing.setdefault("gateway_ip", str(network.network_address + 1))
    thing.setdefault("dns_nameservers", [])
    thing.setdefault("host_routes", [])
    thing.setdefault("service_types", [])
    thing.setdefault("subnetpool_id", None)
    first = 2 if thing["gateway_ip"] else 1
    ends = {"start": str(network.network_address + first), "end": str(network.broadcast_address - 1)}
    thing.setdefault("allocation_pools", [ends])


def _cut(fake: FakeOpenStack, pool: dict[str, Any], length: int) -> str:
    taken = [ipaddress.ip_network(one["cidr"]) for one in fake.kind("subnets").values()]
    for prefix in pool["prefixes"]:
        wanted = length or int(pool["default_prefixlen"])
        for candidate in ipaddress.ip_network(prefix).subnets(new_prefix=wanted):
            if not any(candidate.overlaps(one) for one in taken):  # type: ignore[arg-type]
                return str(candidate)
    raise rejected(409, "Insufficient prefix space to allocate subnet")


def _network(fake: FakeOpenStack, thing: dict[str, Any], fresh: bool) -> None:
    thing.setdefault("qos_policy_id", None)
    thing.setdefault("dns_domain", "")
    if "segments" in thing:
        for row in thing["segments"]:
            row.setdefault("provider:physical_network", None)
            row.setdefault("provider:segmentation_id", next(fake.numbers))


def _port(fake: FakeOpenStack, thing: dict[str, Any], fresh: bool) -> None:
    for key, value in (("qos_policy_id", None), ("dns_name", ""), ("extra_dhcp_opts", []),
                       ("allowed_address_pairs", []), ("binding:vnic_type", "normal"),
                       ("binding:profile", {}), ("binding:host_id", ""), ("binding:vif_details", {}),
                       ("binding:vif_type", "unbound"), ("port_security_enabled", True)):  # fmt: skip
        thing.setdefault(key, value)
    thing["mac_address"] = thing["mac_address"].lower()
    for row in thing["allowed_address_pairs"]:
        row.setdefault("mac_address", thing["mac_address"])
    for row in thing["extra_dhcp_opts"]:
        row.setdefault("ip_version", 4)
    thing["dns_assignment"] = [
        {"ip_address": row["ip_address"], "hostname": thing["dns_name"] or "host", "fqdn": "host.cloud."}
        for row in thing["fixed_ips"]
    ]


def _router(fake: FakeOpenStack, thing: dict[str, Any], fresh: bool) -> None:
    thing.setdefault("admin_state_up", True)
    thing.setdefault("routes", [])
    thing.setdefault("external_gateway_info", None)
    gateway = thing["external_gateway_info"]
    if gateway == {}:
        thing["external_gateway_info"] = None
    for row in (gateway or {}).get("external_fixed_ips", []):
        row.setdefault("ip_address", outer_address(next(fake.numbers)))


def _floating_ip(fake: FakeOpenStack, thing: dict[str, Any], fresh: bool) -> None:
    thing.setdefault("port_forwardings", [])
    thing.setdefault("dns_name", "")
    thing.setdefault("dns_domain", "")
    thing.pop("subnet_id", None)


def _subnet_pool(fake: FakeOpenStack, thing: dict[str, Any], fresh: bool) -> None:
    thing["prefixes"] = _merged(thing["prefixes"])
    version = ipaddress.ip_network(thing["prefixes"][0]).version
    least, most = (8, 32) if version == 4 else (64, 128)
    thing["ip_version"] = version
    for key, value in (("min_prefixlen", least), ("max_prefixlen", most)):
        thing[key] = str(thing.get(key) or value)
    thing["default_prefixlen"] = str(thing.get("default_prefixlen") or thing["min_prefixlen"])
    for key, value in (("is_default", False), ("shared", False), ("default_quota", None),
                       ("address_scope_id", None)):  # fmt: skip
        thing.setdefault(key, value)


def _address_scope(fake: FakeOpenStack, thing: dict[str, Any], fresh: bool) -> None:
    thing.setdefault("shared", False)


def _address_group(fake: FakeOpenStack, thing: dict[str, Any], fresh: bool) -> None:
    for one in thing["addresses"]:
        if "/" not in one:
            raise rejected(400, f"Invalid input for addresses. Reason: '{one}' is not a valid IP subnet.")


def _rbac_policy(fake: FakeOpenStack, thing: dict[str, Any], fresh: bool) -> None:
    keys = ("object_id", "object_type", "action", "target_tenant")
    for other in fake.kind("rbac-policies").values():
        if fresh and all(other[key] == thing[key] for key in keys):
            raise rejected(409, "An RBAC policy already exists with those values.")


def _trunk(fake: FakeOpenStack, thing: dict[str, Any], fresh: bool) -> None:
    thing.setdefault("admin_state_up", True)
    thing.setdefault("sub_ports", [])


def _policy(fake: FakeOpenStack, thing: dict[str, Any], fresh: bool) -> None:
    for key, value in (("rules", []), ("shared", False), ("is_default", False)):
        thing.setdefault(key, value)


def _rule(fake: FakeOpenStack, thing: dict[str, Any], fresh: bool) -> None:
    prefix = thing.get("remote_ip_prefix")
    if prefix and "/" not in prefix:
        thing["remote_ip_prefix"] = f"{prefix}/{128 if ':' in prefix else 32}"
    if thing.get("protocol"):
        thing["protocol"] = None if thing["protocol"] == "any" else thing["protocol"].lower()
    if thing["ethertype"] == "IPv6" and thing.get("protocol") in ("icmp", "icmpv6"):
        thing["protocol"] = "ipv6-icmp"


_SETTLED = {
    "subnets": _subnet,
    "networks": _network,
    "ports": _port,
    "routers": _router,
    "floatingips": _floating_ip,
    "subnetpools": _subnet_pool,
    "address-scopes": _address_scope,
    "address-groups": _address_group,
    "rbac-policies": _rbac_policy,
    "trunks": _trunk,
    "policies": _policy,
    "security-group-rules": _rule,
}


def _qos_rule(
    fake: FakeOpenStack, method: str, policy: dict[str, Any], rules: str, rest: list[str], body: Any
) -> Any:
    kind = rules.removesuffix("_rules")
    if kind not in _KINDS:
        raise rejected(404, f"no such rules: {rules}")
    rows = policy["rules"]
    if method == "POST":
        row = {"id": uuid.uuid4().hex, "type": kind, **body[f"{kind}_rule"]}
        if kind != "dscp_marking":
            row.setdefault("direction", "egress")
        for other in rows:
            if other["type"] == kind and other.get("direction") == row.get("direction"):
                raise rejected(409, f"Rule {kind} conflicts with rule {other['id']} which already exists")
        rows.append(row)
    else:
        row = next((one for one in rows if one["id"] == rest[0]), None)
        if row is None:
            raise rejected(404, f"QosRule {rest[0]} could not be found")
        if method == "DELETE":
            rows.remove(row)
        else:
            row.update((body or {}).get(f"{kind}_rule", {}))
    touch(policy)
    return (204, None) if method == "DELETE" else (200, {f"{kind}_rule": row})


def _port_forwarding(
    fake: FakeOpenStack, method: str, floating: dict[str, Any], rest: list[str], body: Any
) -> Any:
    rows = floating.setdefault("port_forwardings", [])
    if not rest and method == "GET":
        return 200, {"port_forwardings": rows}
    if method == "POST":
        row = {"id": uuid.uuid4().hex, "description": "", **body["port_forwarding"]}
        for other in rows:
            if (other["external_port"], other["protocol"]) == (row["external_port"], row["protocol"]):
                raise rejected(400, "Bad port_forwarding request: A duplicate port forwarding entry with "
                               "same attributes already exists")  # fmt: skip
        rows.append(row)
        return 201, {"port_forwarding": row}
    row = next((one for one in rows if one["id"] == rest[0]), None)
    if row is None:
        raise rejected(404, f"Port Forwarding {rest[0]} could not be found")
    if method == "DELETE":
        rows.remove(row)
        return 204, None
    row.update((body or {}).get("port_forwarding", {}))
    return 200, {"port_forwarding": row}


def _addresses(group: dict[str, Any], verb: str, body: Any) -> Any:
    given = body["addresses"]
    held = set(group["addresses"])
    group["addresses"] = sorted(held | set(given) if verb.startswith("add") else held - set(given))
    touch(group)
    return 200, {"address_group": group}


def _sub_ports(trunk: dict[str, Any], verb: str, rows: list[dict[str, Any]]) -> Any:
    if not trunk["admin_state_up"]:
        raise rejected(409, f"Trunk {trunk['id']} is currently disabled.")
    named = {row["port_id"] for row in rows}
    if verb.startswith("add"):
        if named & {row["port_id"] for row in trunk["sub_ports"]}:
            raise rejected(409, "Port is in use by another trunk.")
        trunk["sub_ports"] = [*trunk["sub_ports"], *rows]
    else:
        trunk["sub_ports"] = [row for row in trunk["sub_ports"] if row["port_id"] not in named]
    touch(trunk)
    return 200, trunk


def _check_routes(fake: FakeOpenStack, router: dict[str, Any], routes: list[dict[str, Any]]) -> None:
    inside = [port for port in fake.kind("ports").values() if port["device_id"] == router["id"]]
    cidrs = [fake.kind("subnets")[row["subnet_id"]]["cidr"] for port in inside for row in port["fixed_ips"]]
    for route in routes:
        if str(ipaddress.ip_network(route["destination"], strict=False)) != route["destination"]:
            raise rejected(
                400, f"Invalid input for routes. Reason: '{route['destination']}' is not a valid CIDR."
            )
        hop = ipaddress.ip_address(route["nexthop"])
        if not any(hop in ipaddress.ip_network(cidr) for cidr in cidrs):
            raise rejected(
                400, f"Invalid format for routes: {routes}, the nexthop is not connected with router"
            )


def _refuse_needed_interface(fake: FakeOpenStack, router: dict[str, Any], port: dict[str, Any]) -> None:
    for row in port["fixed_ips"]:
        cidr = ipaddress.ip_network(fake.kind("subnets")[row["subnet_id"]]["cidr"])
        if any(ipaddress.ip_address(route["nexthop"]) in cidr for route in router.get("routes", [])):
            where = f"Router interface for subnet {row['subnet_id']} on router {router['id']}"
            raise rejected(409, f"{where} cannot be deleted, as it is required by one or more routes.")


def _in_subnet(port: dict[str, Any], identity: str) -> bool:
    return any(row["subnet_id"] == identity for row in port.get("fixed_ips", []))


def _merged(prefixes: list[str]) -> list[str]:
    return [str(one) for one in ipaddress.collapse_addresses(ipaddress.ip_network(item) for item in prefixes)]  # type: ignore[type-var]


def _options(present: list[dict[str, Any]], given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kept = {(row["opt_name"], row.get("ip_version", 4)): row for row in present}
    for row in given:
        kept[row["opt_name"], row.get("ip_version", 4)] = row
    return [row for row in kept.values() if row["opt_value"] is not None]


def subnet_of(fake: FakeOpenStack, network_id: str, address: str) -> str:
    """The subnet of the network that this address is in."""
    for one in fake.kind("subnets").values():
        inside = ipaddress.ip_address(address) in ipaddress.ip_network(one["cidr"])
        if one["network_id"] == network_id and inside:
            return str(one["id"])
    raise rejected(400, f"IP address {address} is not a valid IP for any of the subnets on the network")


def address_in(subnet: dict[str, Any], number: int) -> str:
    """An address of the subnet, another for each number."""
    network = ipaddress.ip_network(subnet["cidr"])
    return str(network.network_address + 9 + number % max(network.num_addresses - 11, 1))


def connect(fake: FakeOpenStack, router: dict[str, Any], port: dict[str, Any]) -> Any:
    """The port becomes the router's."""
    if port["device_id"]:
        raise rejected(409, f"Unable to complete operation on port {port['id']}: the port is in use")
    port.update({"device_id": router["id"], "device_owner": "network:router_interface"})
    return 200, {"port_id": port["id"], "subnet_id": port["fixed_ips"][0]["subnet_id"]}


def outer_address(number: int) -> str:
    """An address of the external network, another for each number."""
    return str(ipaddress.ip_address("172.30.2.50") + number)


def _check_gateway(gateway: str, pools: list[dict[str, str]]) -> None:
    address = ipaddress.ip_address(gateway)
    for pool in pools:
        if ipaddress.ip_address(pool["start"]) <= address <= ipaddress.ip_address(pool["end"]):  # type: ignore[operator]
            raise rejected(
                409, f"Gateway ip {gateway} conflicts with allocation pool {pool['start']}-{pool['end']}."
            )

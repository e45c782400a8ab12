"""The conformance cases of the networking types."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from infra.cloud.listing import Thing
from tests.cloud.provider.case import Case, Ground, Inputs, State

NETWORK = "openstack:networking/network:Network"
SUBNET = "openstack:networking/subnet:Subnet"
PORT = "openstack:networking/port:Port"
ROUTER = "openstack:networking/router:Router"
INTERFACE = "openstack:networking/routerInterface:RouterInterface"
GROUP = "openstack:networking/secGroup:SecGroup"
POLICY = "openstack:networking/qosPolicy:QosPolicy"
FLOATING = "openstack:networking/floatingIp:FloatingIp"
_blocks = itertools.count()


def block() -> str:
    """A /24 that no other case has."""
    number = next(_blocks)
    return f"10.{200 + number // 250}.{number % 250}.0/24"


def within(cidr: str, last: int) -> str:
    return f"{cidr.rpartition('.')[0]}.{last}"


def network(ground: Ground) -> str:
    """The network that cases share."""
    return str(ground.once("network", NETWORK, {"name": ground.name("net")})["id"])


def subnet(ground: Ground) -> dict[str, Any]:
    """The subnet in it."""
    inputs = {"name": ground.name("subnet"), "networkId": network(ground), "cidr": "10.199.0.0/22"}
    return ground.once("subnet", SUBNET, inputs)


def fresh_subnet(ground: Ground) -> dict[str, Any]:
    """A subnet of the caller's own, in a network of its own."""
    inside = ground.make(NETWORK, {"name": ground.name("net")})["id"]
    return ground.make(SUBNET, {"name": ground.name("subnet"), "networkId": inside, "cidr": block()})


def group(ground: Ground, number: int = 1) -> str:
    return str(ground.once(f"group {number}", GROUP, {"name": ground.name("group")})["id"])


def port(ground: Ground) -> dict[str, Any]:
    """A port of the caller's own in the shared subnet."""
    subnet(ground)
    return ground.make(PORT, {"name": ground.name("port"), "networkId": network(ground)})


def connected(ground: Ground) -> dict[str, Any]:
    """The router between the shared subnet and the external network."""
    inputs = {"name": ground.name("router"), "externalNetworkId": ground.external_network["id"]}
    router = ground.once("router", ROUTER, inputs)
    ground.once("interface", INTERFACE, {"routerId": router["id"], "subnetId": subnet(ground)["id"]})
    return router


def policy(ground: Ground) -> str:
    return str(ground.make(POLICY, {"name": ground.name("qos")})["id"])


def put(ground: Ground, path: str, key: str, **values: Any) -> Thing:
    """What a person with a command line would do."""
    answer = ground.cloud.service("network").request("PUT", path, json={key: values})
    return dict(answer)


def renamed(ground: Ground, inputs: Inputs) -> Inputs:
    return {**inputs, "name": inputs["name"] + "-2", "description": "said anew"}


def by_hand(path: str, key: str, **values: Any) -> Callable[[Ground, str, State], object]:
    def change(ground: Ground, identity: str, state: State) -> object:
        return put(ground, f"{path}/{identity}", key, **values)

    return change


def _network_inputs(ground: Ground) -> Inputs:
    return {"name": ground.name("net"), "description": "of a case", "tags": ["b", "a"], "mtu": 1400,
            "adminStateUp": True, "shared": False, "portSecurityEnabled": True,
            "tenantId": ground.project_id}  # fmt: skip


def _subnet_inputs(ground: Ground) -> Inputs:
    cidr = block()
    own = ground.make(NETWORK, {"name": ground.name("net")})["id"]  # another's port would hold the subnet
    return {
        "name": ground.name("subnet"), "networkId": own, "cidr": cidr, "tags": ["a"],
        "gatewayIp": within(cidr, 254), "dnsNameservers": ["9.9.9.9", "1.1.1.1"], "enableDhcp": True,
        "allocationPools": [{"start": within(cidr, 10), "end": within(cidr, 99)}],
    }  # fmt: skip


def _six_inputs(ground: Ground) -> Inputs:
    number = next(_blocks)
    own = ground.make(NETWORK, {"name": ground.name("net")})["id"]  # every port of it gets an address
    return {"name": ground.name("subnet"), "networkId": own, "cidr": f"FD00:0:{number:x}::/64",
            "ipVersion": 6, "ipv6AddressMode": "slaac", "ipv6RaMode": "slaac"}  # fmt: skip


def _pool_inputs(ground: Ground) -> Inputs:
    number = next(_blocks)
    halves = [f"10.{number % 256}.128.0/17", f"10.{number % 256}.0.0/17"]
    return {"name": ground.name("pool"), "prefixes": halves,
            "defaultPrefixlen": 24, "minPrefixlen": 20, "maxPrefixlen": 28}  # fmt: skip


def _from_pool(ground: Ground) -> Inputs:
    pool = {"name": ground.name("pool"), "prefixes": ["10.198.0.0/16"], "defaultPrefixlen": 26}
    pool_id = ground.once("pool", "openstack:networking/subnetPool:SubnetPool", pool)["id"]
    own = ground.make(NETWORK, {"name": ground.name("net")})["id"]
    return {"name": ground.name("subnet"), "networkId": own, "subnetpoolId": pool_id, "prefixLength": 27,
            "noGateway": True}  # fmt: skip


def _port_inputs(ground: Ground) -> Inputs:
    inside = subnet(ground)
    return {
        "name": ground.name("port"), "networkId": network(ground), "fixedIps": [{"subnetId": inside["id"]}],
        "securityGroupIds": [group(ground)], "tags": ["a"], "description": "of a case",
        "allowedAddressPairs": [{"ipAddress": "10.77.0.0/24"}, {"ipAddress": "10.78.0.1"}],
        "extraDhcpOptions": [{"name": "mtu", "value": "1400"},
                             {"name": "domain-name", "value": "case.local"}],
        "binding": {"vnicType": "normal"},
    }  # fmt: skip


def _port_update(ground: Ground, inputs: Inputs) -> Inputs:
    return {**renamed(ground, inputs), "securityGroupIds": [group(ground, 2)], "adminStateUp": False,
            "extraDhcpOptions": [{"name": "domain-name", "value": "other.local"}],
            "allowedAddressPairs": [{"ipAddress": "10.79.0.0/24"}], "tags": ["c"]}  # fmt: skip


def _rule_inputs(ground: Ground) -> Inputs:
    own = ground.once("group of a rule", GROUP, {"name": ground.name("group")})["id"]
    return {"securityGroupId": own, "direction": "ingress", "ethertype": "IPv4", "protocol": "TCP",
            "portRangeMin": 22, "portRangeMax": 22, "remoteIpPrefix": "10.0.0.7/8",
            "description": "from a case"}  # fmt: skip


def _egress_inputs(ground: Ground) -> Inputs:
    own = ground.make(GROUP, {"name": ground.name("group")})["id"]
    return {"securityGroupId": own, "direction": "egress", "ethertype": "IPv6"}


def _router_inputs(ground: Ground) -> Inputs:
    return {"name": ground.name("router"), "externalNetworkId": ground.external_network["id"],
            "enableSnat": True, "tags": ["a"], "adminStateUp": True}  # fmt: skip


def _later_inputs(ground: Ground) -> Inputs:
    return {"name": ground.name("router"), "externalNetworkId": ground.external_network["id"],
            "vendorOptions": {"setRouterGatewayAfterCreate": True}}  # fmt: skip


def _interface_inputs(ground: Ground) -> Inputs:
    router = ground.make(ROUTER, {"name": ground.name("router")})["id"]
    return {"routerId": router, "subnetId": fresh_subnet(ground)["id"]}


def _through_port(ground: Ground) -> Inputs:
    router = ground.make(ROUTER, {"name": ground.name("router")})["id"]
    own = fresh_subnet(ground)
    through = {"name": ground.name("port"), "networkId": own["networkId"],
               "fixedIps": [{"subnetId": own["id"], "ipAddress": within(own["cidr"], 77)}]}  # fmt: skip
    return {"routerId": router, "portId": ground.make(PORT, through)["id"]}


def _router_route(ground: Ground) -> Inputs:
    inside = subnet(ground)
    return {"routerId": connected(ground)["id"], "destinationCidr": block(),
            "nextHop": inside["cidr"].replace("0.0/22", "3.250")}  # fmt: skip


def _subnet_route(ground: Ground) -> Inputs:
    return {"subnetId": subnet(ground)["id"], "destinationCidr": block(), "nextHop": "10.199.3.251"}


def _floating_inputs(ground: Ground) -> Inputs:
    return {"pool": ground.external_network["name"], "tags": ["a"], "description": "of a case"}


def _leading_inputs(ground: Ground) -> Inputs:
    connected(ground)
    return {"pool": ground.external_network["name"], "portId": port(ground)["id"]}


def _associate_inputs(ground: Ground) -> Inputs:
    connected(ground)
    address = ground.make(FLOATING, {"pool": ground.external_network["name"]})["address"]
    return {"floatingIp": address, "portId": port(ground)["id"]}


def _forwarding_inputs(ground: Ground) -> Inputs:
    connected(ground)
    inside = port(ground)
    address = next(one for one in inside["allFixedIps"] if "." in one)  # a subnet with SLAAC adds another
    floating = ground.make(FLOATING, {"pool": ground.external_network["name"]})["id"]
    return {"floatingipId": floating, "externalPort": 2022, "internalPort": 22, "protocol": "tcp",
            "internalPortId": inside["id"], "internalIpAddress": address,
            "description": "of a case"}  # fmt: skip


def _trunk_inputs(ground: Ground) -> Inputs:
    first, second = port(ground)["id"], port(ground)["id"]
    return {"name": ground.name("trunk"), "portId": port(ground)["id"], "tags": ["a"],
            "subPorts": [{"portId": first, "segmentationType": "vlan", "segmentationId": 101},
                         {"portId": second, "segmentationType": "vlan", "segmentationId": 102}]}  # fmt: skip


def _trunk_update(ground: Ground, inputs: Inputs) -> Inputs:
    kept = {**inputs["subPorts"][1], "segmentationId": 202}
    return {**renamed(ground, inputs), "adminStateUp": False, "subPorts": [kept]}


def _qos_rule_by_hand(kind: str, **values: Any) -> Callable[[Ground, str, State], object]:
    def change(ground: Ground, identity: str, state: State) -> object:
        owner, _, rule = identity.partition("/")
        return put(ground, f"/qos/policies/{owner}/{kind}_rules/{rule}", f"{kind}_rule", **values)

    return change


CASES = (
    Case(
        NETWORK,
        _network_inputs,
        update=lambda ground, inputs: {**renamed(ground, inputs), "tags": [], "mtu": 1300,
                                       "adminStateUp": False},
        replace=lambda ground, inputs: {**inputs, "tenantId": ground.cloud.project_id},
        by_hand=by_hand("/networks", "network", name="by hand"),
    ),
    Case(
        NETWORK,
        lambda ground: {"name": ground.name("net"), "qosPolicyId": policy(ground), "transparentVlan": True,
                        "segments": [{"networkType": "geneve"}]},
        update=lambda ground, inputs: {**inputs, "qosPolicyId": ""},
        replace=lambda ground, inputs: {**inputs, "transparentVlan": False},
        by_hand=by_hand("/networks", "network", admin_state_up=False, description="by hand"),
        label="of a provider",
    ),
    Case(
        SUBNET,
        _subnet_inputs,
        update=lambda ground, inputs: {**renamed(ground, inputs), "dnsNameservers": ["8.8.8.8"],
                                       "enableDhcp": False,
                                       "allocationPools": [{"start": within(inputs["cidr"], 20),
                                                            "end": within(inputs["cidr"], 29)}]},
        replace=lambda ground, inputs: {**inputs, "cidr": "10.251.0.0/24", "gatewayIp": "10.251.0.254",
                                        "allocationPools": [{"start": "10.251.0.9", "end": "10.251.0.19"}]},
        by_hand=by_hand("/subnets", "subnet", enable_dhcp=True, dns_nameservers=[]),
    ),
    Case(
        SUBNET,
        _from_pool,
        update=lambda ground, inputs: {**inputs, "noGateway": False, "serviceTypes": ["compute:nova"]},
        replace=lambda ground, inputs: {**inputs, "prefixLength": 28},
        label="from a pool",
    ),
    Case(SUBNET, _six_inputs, update=renamed, label="IPv6",
         replace=lambda ground, inputs: {**inputs, "ipv6RaMode": "dhcpv6-stateless"}),
    Case(
        "openstack:networking/subnetPool:SubnetPool",
        _pool_inputs,
        update=lambda ground, inputs: {**renamed(ground, inputs), "defaultPrefixlen": 26, "tags": ["a"],
                                       "prefixes": [*inputs["prefixes"], "192.168.0.0/20"]},
        replace=lambda ground, inputs: {**inputs, "prefixes": inputs["prefixes"][:1]},
        by_hand=by_hand("/subnetpools", "subnetpool", name="by hand"),
    ),
    Case(
        "openstack:networking/addressScope:AddressScope",
        lambda ground: {"name": ground.name("scope")},
        update=lambda ground, inputs: {"name": inputs["name"] + "-2", "shared": True},
        replace=lambda ground, inputs: {**inputs, "ipVersion": 6},
        by_hand=by_hand("/address-scopes", "address_scope", name="by hand"),
    ),
    Case(
        "openstack:networking/addressGroupV2:AddressGroupV2",
        lambda ground: {"name": ground.name("addresses"), "addresses": ["10.1.0.5/16", "10.3.0.9/32"]},
        update=lambda ground, inputs: {**renamed(ground, inputs),
                                       "addresses": ["10.3.0.9/32", "10.4.0.0/24"]},
        replace=lambda ground, inputs: {**inputs, "projectId": ground.project_id},
        by_hand=lambda ground, identity, state: ground.cloud.service("network").request(
            "PUT", f"/address-groups/{identity}/add_addresses", json={"addresses": ["10.9.9.9/32"]}
        ),
    ),
    Case(
        ROUTER,
        _router_inputs,
        update=lambda ground, inputs: {**renamed(ground, inputs), "enableSnat": False, "tags": ["b"]},
        replace=lambda ground, inputs: {**inputs, "tenantId": ground.project_id},
        by_hand=by_hand("/routers", "router", external_gateway_info={}),
    ),
    Case(ROUTER, _later_inputs, label="gateway afterwards",
         update=lambda ground, inputs: {**inputs, "externalNetworkId": ""}),
    Case(INTERFACE, _interface_inputs,
         update=lambda ground, inputs: {**inputs, "forceDestroy": True},
         replace=lambda ground, inputs: {**inputs, "subnetId": subnet(ground)["id"]},
         slow=True),
    Case(INTERFACE, _through_port, label="through a port"),
    Case(
        "openstack:networking/routerRoute:RouterRoute",
        _router_route,
        replace=lambda ground, inputs: {**inputs, "nextHop": "10.199.3.249"},
    ),
    Case(
        "openstack:networking/subnetRoute:SubnetRoute",
        _subnet_route,
        replace=lambda ground, inputs: {**inputs, "nextHop": "10.199.3.248"},
    ),
    Case(
        PORT,
        _port_inputs,
        update=_port_update,
        replace=lambda ground, inputs: {**inputs, "macAddress": "FA-16-3E-00-77-01"},
        by_hand=by_hand("/ports", "port", security_groups=[], extra_dhcp_opts=[]),
    ),
    Case(
        PORT,
        lambda ground: {"name": ground.name("port"), "networkId": network(ground), "noSecurityGroups": True,
                        "noFixedIp": True, "macAddress": f"FA-16-3E-77-{next(_blocks) % 256:02X}-02",
                        "qosPolicyId": policy(ground), "portSecurityEnabled": False},
        update=lambda ground, inputs: {**inputs, "qosPolicyId": "", "portSecurityEnabled": True},
        by_hand=by_hand("/ports", "port", port_security_enabled=False),
        label="bare",
    ),
    Case(
        "openstack:networking/portSecGroupAssociate:PortSecGroupAssociate",
        lambda ground: {"portId": port(ground)["id"], "securityGroupIds": [group(ground)]},
        update=lambda ground, inputs: {**inputs, "securityGroupIds": [group(ground, 2)]},
        replace=lambda ground, inputs: {**inputs, "portId": port(ground)["id"]},
        by_hand=by_hand("/ports", "port", security_groups=[]),
        untold=("enforce",),
        stays=True,
    ),
    Case(
        "openstack:networking/portSecGroupAssociate:PortSecGroupAssociate",
        lambda ground: {"portId": port(ground)["id"], "securityGroupIds": [group(ground)], "enforce": True},
        update=lambda ground, inputs: {**inputs, "securityGroupIds": [group(ground, 2)]},
        by_hand=lambda ground, identity, state: put(
            ground, f"/ports/{identity}", "port", security_groups=[group(ground), group(ground, 2)]
        ),
        untold=("enforce",),
        label="enforced",
        stays=True,
    ),
    Case(
        GROUP,
        lambda ground: {"name": ground.name("group"), "description": "of a case", "tags": ["a"],
                        "deleteDefaultRules": True},
        update=lambda ground, inputs: {**renamed(ground, inputs), "tags": ["b"], "stateful": False},
        replace=lambda ground, inputs: {**inputs, "deleteDefaultRules": False},
        by_hand=by_hand("/security-groups", "security_group", name="by hand"),
        untold=("deleteDefaultRules",),
    ),
    Case(
        "openstack:networking/secGroupRule:SecGroupRule",
        _rule_inputs,
        replace=lambda ground, inputs: {**inputs, "portRangeMax": 23},
    ),
    Case(
        "openstack:networking/secGroupRule:SecGroupRule",
        _egress_inputs,
        replace=lambda ground, inputs: {**inputs, "protocol": "udp"},
        label="equal to a default one",
    ),
    Case(
        FLOATING,
        _floating_inputs,
        update=lambda ground, inputs: {**inputs, "description": "said anew", "tags": []},
        replace=lambda ground, inputs: {**inputs, "tenantId": ground.project_id},
        by_hand=by_hand("/floatingips", "floatingip", description="by hand"),
    ),
    Case(
        FLOATING,
        _leading_inputs,
        update=lambda ground, inputs: {**inputs, "portId": port(ground)["id"]},
        by_hand=by_hand("/floatingips", "floatingip", port_id=None),
        label="to a port",
    ),
    Case(
        "openstack:networking/floatingIpAssociate:FloatingIpAssociate",
        _associate_inputs,
        update=lambda ground, inputs: {**inputs, "portId": port(ground)["id"]},
        replace=lambda ground, inputs: {**inputs, "floatingIp": "172.30.2.9"},
    ),
    Case(
        "openstack:networking/portForwardingV2:PortForwardingV2",
        _forwarding_inputs,
        update=lambda ground, inputs: {**inputs, "externalPort": 2023, "internalPort": 23, "description": ""},
        by_hand=lambda ground, identity, state: put(
            ground, f"/floatingips/{state['floatingipId']}/port_forwardings/{identity}", "port_forwarding",
            external_port=2099,
        ),
    ),
    Case(
        POLICY,
        lambda ground: {"name": ground.name("qos"), "description": "of a case", "tags": ["a"]},
        update=lambda ground, inputs: {**renamed(ground, inputs), "tags": ["b"], "shared": True},
        replace=lambda ground, inputs: {**inputs, "projectId": ground.project_id},
        by_hand=by_hand("/qos/policies", "policy", name="by hand"),
    ),
    Case(
        "openstack:networking/qosBandwidthLimitRule:QosBandwidthLimitRule",
        lambda ground: {"qosPolicyId": policy(ground), "maxKbps": 3000, "maxBurstKbps": 300},
        update=lambda ground, inputs: {**inputs, "maxKbps": 4000, "direction": "ingress"},
        replace=lambda ground, inputs: {**inputs, "qosPolicyId": policy(ground)},
        by_hand=_qos_rule_by_hand("bandwidth_limit", max_kbps=9),
    ),
    Case(
        "openstack:networking/qosDscpMarkingRule:QosDscpMarkingRule",
        lambda ground: {"qosPolicyId": policy(ground), "dscpMark": 26},
        update=lambda ground, inputs: {**inputs, "dscpMark": 28},
        replace=lambda ground, inputs: {**inputs, "qosPolicyId": policy(ground)},
        by_hand=_qos_rule_by_hand("dscp_marking", dscp_mark=8),
    ),
    Case(
        "openstack:networking/qosMinimumBandwidthRule:QosMinimumBandwidthRule",
        lambda ground: {"qosPolicyId": policy(ground), "minKbps": 300},
        update=lambda ground, inputs: {**inputs, "minKbps": 400},
        replace=lambda ground, inputs: {**inputs, "qosPolicyId": policy(ground)},
        by_hand=_qos_rule_by_hand("minimum_bandwidth", min_kbps=9),
    ),
    Case(
        "openstack:networking/rbacPolicyV2:RbacPolicyV2",
        lambda ground: {"action": "access_as_shared", "objectType": "qos_policy", "objectId": policy(ground),
                        "targetTenant": ground.project_id},
        update=lambda ground, inputs: {**inputs, "targetTenant": ground.cloud.project_id},
        replace=lambda ground, inputs: {**inputs, "objectId": policy(ground)},
    ),
    Case(
        "openstack:networking/trunk:Trunk",
        _trunk_inputs,
        update=_trunk_update,
        replace=lambda ground, inputs: {**inputs, "portId": port(ground)["id"]},
        by_hand=by_hand("/trunks", "trunk", name="by hand"),
    ),
)  # fmt: skip

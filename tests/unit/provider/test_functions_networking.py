"""The functions of the module `networking`, against answers as Neutron gives them."""

from __future__ import annotations

from typing import Any

import pytest

from infra.provider.lookup.function import NothingMatches, SeveralMatch
from tests.fakes.canned import CannedCloud, ask

MARK = "pulumi:" + "a" * 24
NET, OTHER = "11111111-net", "22222222-net"
NETWORKS = [
    {
        "id": NET, "name": "agency", "description": f"for all [{MARK}]", "status": "ACTIVE",
        "admin_state_up": True,
        "shared": False, "router:external": False, "mtu": 1442, "project_id": "p1", "tenant_id": "p1",
        "tags": ["a", "b", MARK], "subnets": ["s1"], "availability_zone_hints": [], "dns_domain": "",
        "provider:network_type": "geneve", "provider:physical_network": None, "provider:segmentation_id": 7,
    },
    {
        "id": OTHER, "name": "outside", "description": "", "status": "ACTIVE", "admin_state_up": False,
        "shared": True, "router:external": True, "mtu": 1500, "project_id": "p2", "tenant_id": "p2",
        "tags": ["a"], "subnets": ["s2"], "availability_zone_hints": ["nova"],
    },
]  # fmt: skip
SUBNETS = [
    {
        "id": f"s{number}", "name": f"office-{number}", "network_id": network, "cidr": f"10.0.{number}.0/24",
        "ip_version": 4, "gateway_ip": f"10.0.{number}.1", "enable_dhcp": number == 1, "tenant_id": "p1",
        "project_id": "p1", "description": "", "tags": [], "dns_nameservers": ["9.9.9.9"],
        "host_routes": [{"destination": "10.9.0.0/16", "nexthop": "10.0.1.254"}], "service_types": [],
        "allocation_pools": [{"start": "10.0.1.2", "end": "10.0.1.9"}], "ipv6_ra_mode": None,
        "ipv6_address_mode": None, "subnetpool_id": None, "segment_id": None, "dns_publish_fixed_ip": False,
    }
    for number, network in ((1, NET), (2, OTHER))
]  # fmt: skip
PORTS = [
    {
        "id": f"port{number}", "name": f"p{number}", "network_id": NET,
        "mac_address": f"fa:16:3e:00:00:0{number}",
        "fixed_ips": [{"subnet_id": "s1", "ip_address": f"10.0.1.{number}"}], "status": "DOWN",
        "admin_state_up": True, "device_id": "", "device_owner": "", "project_id": "p1", "tenant_id": "p1",
        "security_groups": ["g1", f"g{number}"], "tags": [], "description": "", "dns_name": "",
        "dns_assignment": [{"hostname": "h", "ip_address": f"10.0.1.{number}", "fqdn": "h."}],
        "allowed_address_pairs": [
            {"ip_address": "10.8.0.0/24", "mac_address": f"fa:16:3e:00:00:0{number}"},
            {"ip_address": "10.7.0.1", "mac_address": "fa:16:3e:ff:ff:ff"},
        ],
        "extra_dhcp_opts": [{"opt_name": "mtu", "opt_value": "1400", "ip_version": 4}],
        "binding:host_id": "hv1", "binding:profile": {"b": 1, "a": 2}, "binding:vif_type": "ovs",
        "binding:vif_details": {"port_filter": True}, "binding:vnic_type": "normal",
    }
    for number in (2, 1)
]  # fmt: skip


def network_cloud(**more: Any) -> CannedCloud:
    return CannedCloud(**{
        "network /networks": {"networks": NETWORKS},
        "network /subnets": {"subnets": SUBNETS},
        "network /ports": {"ports": PORTS},
        **more,
    })  # fmt: skip


def test_another_region_is_asked_in_that_region(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud, there = network_cloud(), network_cloud()
    monkeypatch.setattr(cloud, "in_region", lambda name: there if name == "hue" else None)
    assert ask("networking/getNetwork", cloud, name="agency", region="hue")["region"] == "hue"
    assert cloud.asked == []
    assert there.asked


def test_a_network_is_found_by_each_of_its_attributes() -> None:
    for given in (
        {"networkId": NET}, {"name": "agency"}, {"description": "for all"}, {"external": False},
        {"mtu": 1442},
        {"tags": ["a", "b"]}, {"tenantId": "p1"}, {"matchingSubnetCidr": "10.0.1.7/24"},
        {"status": "active", "name": "agency"},
    ):  # fmt: skip
        assert ask("networking/getNetwork", network_cloud(), **given)["id"] == NET
    assert ask("networking/getNetwork", network_cloud(), external=True)["id"] == OTHER


def test_a_network_is_answered_without_our_mark_and_in_the_kinds_of_the_package() -> None:
    assert ask("networking/getNetwork", network_cloud(), name="agency", tags=["a"]) == {
        "id": NET, "region": "hai-phong", "tags": ["a"], "allTags": ["a", "b"], "networkId": NET,
        "name": "agency", "description": "for all", "status": "ACTIVE", "external": False, "mtu": 1442,
        "tenantId": "p1", "transparentVlan": False, "adminStateUp": "true", "shared": "false",
        "availabilityZoneHints": [], "dnsDomain": "", "subnets": ["s1"],
        "segments": [{"networkType": "geneve", "segmentationId": 7}],
    }  # fmt: skip


def test_nothing_and_several_are_told_apart_with_what_was_asked() -> None:
    with pytest.raises(NothingMatches, match=r"no network matches \(name nobody\)"):
        ask("networking/getNetwork", network_cloud(), name="nobody")
    with pytest.raises(SeveralMatch, match=rf"2 networks match \(tags \['a'\]\): {NET}, {OTHER}"):
        ask("networking/getNetwork", network_cloud(), tags=["a"])
    with pytest.raises(NothingMatches):
        ask("networking/getNetwork", network_cloud(), tags=["b"], mtu=1500)


def test_nothing_is_believed_only_after_a_second_look() -> None:
    cloud = network_cloud()
    with pytest.raises(NothingMatches):
        ask("networking/getNetwork", cloud, name="nobody")
    assert [where for where, _, _ in cloud.asked] == ["network /networks"] * 2


def test_a_subnet_is_answered_with_its_routes_and_pools() -> None:
    answer = ask("networking/getSubnet", network_cloud(), name="office-1", dhcpEnabled=True)
    assert answer["hostRoutes"] == [{"destinationCidr": "10.9.0.0/16", "nextHop": "10.0.1.254"}]
    assert answer["allocationPools"] == [{"start": "10.0.1.2", "end": "10.0.1.9"}]
    assert (answer["enableDhcp"], answer["dhcpEnabled"], answer["ipv6RaMode"]) == (True, True, "")


def test_ids_of_subnets_are_filtered_sorted_and_may_be_none() -> None:
    cloud = network_cloud()
    down = ask("networking/getSubnetIdsV2", cloud, nameRegex="^office", sortKey="cidr", sortDirection="desc")
    assert down["ids"] == ["s2", "s1"]
    assert down["id"] == "1189726371"
    assert "name" not in down
    assert ask("networking/getSubnetIdsV2", cloud, dhcpEnabled=False)["ids"] == ["s2"]
    assert ask("networking/getSubnetIdsV2", cloud, name="nobody")["ids"] == []


def test_a_port_is_answered_with_bindings_pairs_and_options() -> None:
    answer = ask("networking/getPort", network_cloud(), fixedIp="10.0.1.1")
    assert answer["id"] == "port1"
    assert answer["allowedAddressPairs"] == [
        {"ipAddress": "10.8.0.0/24", "macAddress": ""},
        {"ipAddress": "10.7.0.1", "macAddress": "fa:16:3e:ff:ff:ff"},
    ]
    assert answer["bindings"] == [
        {
            "hostId": "hv1", "profile": '{"a":2,"b":1}', "vifDetails": {"port_filter": "true"},
            "vifType": "ovs", "vnicType": "normal",
        }
    ]  # fmt: skip
    assert answer["extraDhcpOptions"] == [{"name": "mtu", "value": "1400", "ipVersion": 4}]
    assert answer["dnsAssignments"] == [{"hostname": "h", "ip_address": "10.0.1.1", "fqdn": "h."}]
    assert answer["allFixedIps"] == ["10.0.1.1"]
    assert ask("networking/getPort", network_cloud(), securityGroupIds=["g2"])["id"] == "port2"
    assert ask("networking/getPort", network_cloud(), macAddress="FA:16:3E:00:00:02")["id"] == "port2"


def test_ids_of_ports_must_be_some() -> None:
    assert ask("networking/getPortIds", network_cloud(), sortKey="name")["ids"] == ["port1", "port2"]
    with pytest.raises(NothingMatches):
        ask("networking/getPortIds", network_cloud(), fixedIp="10.0.1.99")


def test_a_router_is_found_by_what_its_gateway_does() -> None:
    router = {
        "id": "r1", "name": "r", "description": "", "status": "ACTIVE", "admin_state_up": True,
        "distributed": False, "tenant_id": "p1", "tags": [], "availability_zone_hints": [],
        "routes": [{"destination": "0.0.0.0/0", "nexthop": "10.0.1.3"}],
        "external_gateway_info": {
            "network_id": OTHER, "enable_snat": True,
            "external_fixed_ips": [{"subnet_id": "s2", "ip_address": "10.0.2.9"}],
        },
    }  # fmt: skip
    bare = {**router, "id": "r2", "external_gateway_info": None, "routes": []}
    cloud = network_cloud(**{"network /routers": {"routers": [router, bare]}})
    answer = ask("networking/getRouter", cloud, enableSnat=True)
    assert answer["id"] == "r1"
    assert answer["externalFixedIps"] == [{"subnetId": "s2", "ipAddress": "10.0.2.9"}]
    assert answer["routes"] == [{"destinationCidr": "0.0.0.0/0", "nextHop": "10.0.1.3"}]
    assert (answer["externalNetworkId"], answer["externalQosPolicyId"]) == (OTHER, "")
    assert ask("networking/getRouter", cloud, enableSnat=False)["externalNetworkId"] == ""


def test_a_floating_ip_is_found_in_a_pool_by_name_or_id() -> None:
    floating = {
        "id": "f1", "floating_ip_address": "172.30.0.9", "floating_network_id": OTHER,
        "fixed_ip_address": None,
        "port_id": None, "status": "DOWN", "tenant_id": "p1", "description": "", "tags": [],
    }  # fmt: skip
    cloud = network_cloud(**{"network /floatingips": {"floatingips": [floating]}})
    for given in ({"pool": "outside"}, {"pool": OTHER}, {"address": "172.30.0.9"}):
        answer = ask("networking/getFloatingIp", cloud, **given)
        assert (answer["id"], answer["pool"], answer["fixedIp"]) == ("f1", OTHER, "")
    with pytest.raises(NothingMatches):
        ask("networking/getFloatingIp", cloud, pool="agency")


def test_a_rule_of_a_policy_is_found_among_its_rules() -> None:
    rules = [
        {"id": "b1", "type": "bandwidth_limit", "max_kbps": 9, "max_burst_kbps": 0, "direction": "egress"},
        {"id": "b2", "type": "bandwidth_limit", "max_kbps": 5, "max_burst_kbps": 0, "direction": "ingress"},
        {"id": "d1", "type": "dscp_marking", "dscp_mark": 26},
        {"id": "m1", "type": "minimum_bandwidth", "min_kbps": 3, "direction": "egress"},
    ]
    policy = {
        "id": "q1", "name": "gold", "description": "", "shared": True, "is_default": False,
        "project_id": "p1",
        "revision_number": 4, "created_at": "2026-01-31T08:00:00Z", "updated_at": None, "tags": [],
        "rules": rules,
    }  # fmt: skip
    cloud = network_cloud(**{
        "network /qos/policies": {"policies": [policy]}, "network /qos/policies/q1": {"policy": policy},
    })  # fmt: skip
    answer = ask("networking/getQosPolicy", cloud, shared=True)
    assert (answer["createdAt"], answer["updatedAt"]) == ("2026-01-31T08:00:00Z", "")
    limit = ask("networking/getQosBandwidthLimitRule", cloud, qosPolicyId="q1", maxKbps=5)
    assert (limit["id"], limit["direction"]) == ("q1/b2", "ingress")
    assert ask("networking/getQosDscpMarkingRule", cloud, qosPolicyId="q1")["dscpMark"] == 26
    assert ask("networking/getQosMinimumBandwidthRule", cloud, qosPolicyId="q1")["minKbps"] == 3
    with pytest.raises(SeveralMatch, match="bandwidth_limit"):
        ask("networking/getQosBandwidthLimitRule", cloud, qosPolicyId="q1")


def test_the_smaller_nouns_of_the_network_are_found() -> None:
    shared = {"tags": [], "description": "", "project_id": "p1", "tenant_id": "p1", "name": "n"}
    cloud = network_cloud(**{
        "network /address-scopes": {"address_scopes": [{**shared, "id": "a", "ip_version": 4,
        "shared": True}]},
        "network /subnetpools": {"subnetpools": [{
            **shared, "id": "sp", "ip_version": 4, "shared": False, "is_default": False,
            "default_quota": None,
            "prefixes": ["10.0.0.0/8"], "min_prefixlen": "8", "max_prefixlen": "32",
            "default_prefixlen": "24",
            "address_scope_id": None, "revision_number": 0, "created_at": "2026-01-31T08:00:00Z",
        }]},
        "network /security-groups": {"security_groups": [{**shared, "id": "g", "stateful": False}]},
        "network /trunks": {"trunks": [{
            **shared, "id": "t", "port_id": "port1", "admin_state_up": True, "status": "DOWN",
            "sub_ports": [{"port_id": "port2", "segmentation_type": "vlan", "segmentation_id": 9}],
        }]},
        "network /segments": {"segments": [{
            "id": "seg", "name": None, "network_id": NET, "network_type": "geneve", "physical_network": None,
            "segmentation_id": 7, "revision_number": 1, "created_at": "2026-01-31T08:00:00Z",
            "updated_at": "2026-01-31T08:00:00Z",
        }]},
        "network /quotas/p1": {"quota": {"network": 5, "rbac_policy": 7, "trunk": -1}},
    })  # fmt: skip
    assert ask("networking/getAddressScope", cloud, ipVersion=4, shared=True)["id"] == "a"
    pool = ask("networking/getSubnetPool", cloud, defaultPrefixlen=24, minPrefixlen=8)
    assert (pool["id"], pool["defaultQuota"], pool["prefixes"]) == ("sp", 0, ["10.0.0.0/8"])
    assert ask("networking/getSecGroup", cloud, stateful=False)["stateful"] is False
    trunk = ask("networking/getTrunk", cloud, portId="port1")
    assert trunk["subPorts"] == [{"portId": "port2", "segmentationType": "vlan", "segmentationId": 9}]
    assert (
        ask("networking/getSegmentV2", cloud, networkId=NET)["createdAt"] == "2026-01-31 08:00:00 +0000 UTC"
    )
    quota = ask("networking/getQuotaV2", cloud, projectId="p1")
    assert (quota["id"], quota["network"], quota["rbacPolicy"]) == ("p1/hai-phong", 5, 7)


def test_a_cloud_without_segments_says_so() -> None:
    with pytest.raises(NothingMatches, match="plugin `segments`"):
        ask("networking/getSegmentV2", network_cloud(), name="s")

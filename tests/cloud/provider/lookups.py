"""Each function of the package against a real cloud: what it must find, by things that are made for it.

usage: python -m tests.cloud.provider.lookups INVENTORY   (inside the lab's network)

Standard output is one JSON document: per function the seconds it took, and what is wrong.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from infra.cloud.collection import Collection
from infra.cloud.connection import Cloud
from infra.cloud.snapshot import snapshots
from infra.cloud.volume import volumes
from infra.cloud.waiting import Deadline
from infra.errors import InfraError
from infra.provider import functions
from infra.provider.lookup.function import NothingMatches
from tests.cloud.provider.case import Ground
from tests.cloud.provider.ground import credentials_of, live_ground
from tests.cloud.provider.matrix import Bench, Weather

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5Yc0n8Jr0pYw3JqI0mG9qv0m0q6vZ2w1x1h7X9Y0aB lookup"
STORAGE = "lookup-volume"
Given = dict[str, Any]


@dataclass(frozen=True)
class Lookup:
    """One call: `given` are its arguments, `id` what the answer's id must be (None: any), `holds` what the
    answer must have besides. `absent` says why a cloud may have nothing to find.
    """

    function: str
    given: Callable[[Ground], Given]
    id: Callable[[Ground], str | None] = lambda ground: None
    holds: Callable[[Ground], Given] = lambda ground: {}
    absent: str = ""

    @property
    def token(self) -> str:
        module, name = self.function.split("/")
        return f"openstack:{module}/{name}:{name}"


def _network(ground: Ground) -> Given:
    inputs = {"name": "lookup-net", "tags": ["lookup"], "description": "for lookups"}
    return ground.once("lookup-network", "openstack:networking/network:Network", inputs)


def _subnet(ground: Ground) -> Given:
    inputs = {"name": "lookup-subnet", "networkId": _network(ground)["id"], "cidr": "10.97.0.0/24"}
    return ground.once("lookup-subnet", "openstack:networking/subnet:Subnet", inputs)


def _port(ground: Ground) -> Given:
    inputs = {
        "name": "lookup-port", "networkId": _network(ground)["id"],
        "fixedIps": [{"subnetId": _subnet(ground)["id"], "ipAddress": "10.97.0.9"}],
        "securityGroupIds": [_group(ground)["id"]],
    }  # fmt: skip
    return ground.once("lookup-port", "openstack:networking/port:Port", inputs)


def _group(ground: Ground) -> Given:
    inputs = {"name": "lookup-group", "description": "for lookups"}
    return ground.once("lookup-group", "openstack:networking/secGroup:SecGroup", inputs)


def _router(ground: Ground) -> Given:
    inputs = {"name": "lookup-router", "externalNetworkId": ground.external_network["id"]}
    return ground.once("lookup-router", "openstack:networking/router:Router", inputs)


def _floating_ip(ground: Ground) -> Given:
    inputs = {"pool": ground.external_network["name"], "description": "for lookups"}
    return ground.once("lookup-address", "openstack:networking/floatingIp:FloatingIp", inputs)


def _scope(ground: Ground) -> Given:
    inputs = {"name": "lookup-scope", "ipVersion": 4}
    return ground.once("lookup-scope", "openstack:networking/addressScope:AddressScope", inputs)


def _pool(ground: Ground) -> Given:
    inputs = {"name": "lookup-pool", "prefixes": ["10.96.0.0/16"], "defaultPrefixlen": 24}
    return ground.once("lookup-pool", "openstack:networking/subnetPool:SubnetPool", inputs)


def _trunk(ground: Ground) -> Given:
    inputs = {"name": "lookup-trunk", "portId": _port(ground)["id"]}
    return ground.once("lookup-trunk", "openstack:networking/trunk:Trunk", inputs)


def _policy(ground: Ground) -> Given:
    return ground.once("lookup-qos", "openstack:networking/qosPolicy:QosPolicy", {"name": "lookup-qos"})


def _rule(kind: str, **inputs: Any) -> Callable[[Ground], Given]:
    token = f"openstack:networking/{kind[0].lower()}{kind[1:]}:{kind}"

    def make(ground: Ground) -> Given:
        return ground.once(f"lookup-{kind}", token, {"qosPolicyId": _policy(ground)["id"], **inputs})

    return make


_limit = _rule("QosBandwidthLimitRule", maxKbps=9000, maxBurstKbps=900)
_mark = _rule("QosDscpMarkingRule", dscpMark=26)
_minimum = _rule("QosMinimumBandwidthRule", minKbps=3)


def _keypair(ground: Ground) -> Given:
    inputs = {"name": "lookup-key", "publicKey": KEY}
    return ground.once("lookup-key", "openstack:compute/keypair:Keypair", inputs)


def _server_group(ground: Ground) -> Given:
    inputs = {"name": "lookup-servers", "policies": "anti-affinity"}
    return ground.once("lookup-servers", "openstack:compute/serverGroup:ServerGroup", inputs)


def _aggregate(ground: Ground) -> Given:
    inputs = {"name": "lookup-aggregate", "metadata": {"lookup": "yes"}}
    return ground.once("lookup-aggregate", "openstack:compute/aggregateV2:AggregateV2", inputs)


def _people(ground: Ground) -> Given:
    inputs = {"name": "lookup-group", "domainId": ground.domain_id}
    return ground.once("lookup-people", "openstack:identity/groupV3:GroupV3", inputs)


def _name(ground: Ground, service: str, path: str, key: str) -> str:
    return str(ground.cloud.service(service).request("GET", path)[key]["name"])


def _identity(made: Callable[[Ground], Given]) -> Callable[[Ground], str | None]:
    return lambda ground: str(made(ground)["id"])


def _some_server(ground: Ground) -> Given:
    every = ground.cloud.service("compute").request("GET", "/servers/detail", params={"all_tenants": "1"})
    found: list[Given] = every["servers"]
    return found[0] if found else {"id": "there-is-no-server"}


LOOKUPS = (
    Lookup("identity/getAuthScope", lambda g: {"name": "x"}, lambda g: "x",
           lambda g: {"projectName": "admin", "userName": "admin", "tokenId": ""}),
    Lookup("identity/getEndpoint", lambda g: {"serviceType": "network", "interface": "internal"}),
    Lookup("identity/getService", lambda g: {"type": "compute", "enabled": True}),
    Lookup("identity/getGroup", lambda g: {"name": _people(g)["name"], "domainId": g.domain_id},
           _identity(_people)),
    Lookup("identity/getProject", lambda g: {"projectId": g.project_id}, lambda g: g.project_id,
           lambda g: {"domainId": g.domain_id, "enabled": True}),
    Lookup("identity/getProject", lambda g: {
        "isDomain": True, "name": _name(g, "identity", f"/projects/{g.domain_id}", "project"),
    }, lambda g: g.domain_id),
    Lookup("identity/getProjectIdsV3", lambda g: {"domainId": g.domain_id, "nameRegex": "project"},
           holds=lambda g: {"ids": [g.project_id]}),
    Lookup("identity/getRole", lambda g: {"name": "member"}, holds=lambda g: {"domainId": ""}),
    Lookup("identity/getUser", lambda g: {"domainId": g.domain_id}, lambda g: g.user_id),
    Lookup("compute/getAggregateV2", lambda g: {"name": _aggregate(g)["name"], "metadata": {"lookup": "yes"}},
           _identity(_aggregate), lambda g: {"metadata": {"lookup": "yes"}, "hosts": []}),
    Lookup("compute/getAvailabilityZones", lambda g: {}),
    Lookup("compute/getFlavor", lambda g: {"flavorId": g.flavor_id}, lambda g: g.flavor_id),
    Lookup("compute/getFlavor", lambda g: {
        "name": _name(g, "compute", f"/flavors/{g.flavor_id}", "flavor"), "minRam": 1,
    }, lambda g: g.flavor_id),
    Lookup("compute/getHypervisorV2", lambda g: {
        "hostname": g.cloud.service("compute").request("GET", "/os-hypervisors/detail")["hypervisors"][0][
            "hypervisor_hostname"
        ],
    }, holds=lambda g: {"state": "up"}),
    Lookup("compute/getInstanceV2", lambda g: {"id": _some_server(g)["id"]},
           lambda g: _some_server(g)["id"], lambda g: {"name": _some_server(g)["name"]},
           absent="a cloud without servers has none to look up"),
    Lookup("compute/getKeypair", lambda g: {"name": _keypair(g)["name"]}, lambda g: "lookup-key",
           lambda g: {"publicKey": KEY}),
    Lookup("compute/getLimitsV2", lambda g: {"projectId": g.project_id}),
    Lookup("compute/getQuotaSetV2", lambda g: {"projectId": g.project_id}),
    Lookup("compute/getServergroupV2", lambda g: {"name": _server_group(g)["name"]},
           _identity(_server_group), lambda g: {"policies": ["anti-affinity"]}),
    Lookup("networking/getNetwork", lambda g: {"name": _network(g)["name"], "tags": ["lookup"]},
           _identity(_network), lambda g: {"description": "for lookups", "allTags": ["lookup"]}),
    Lookup("networking/getNetwork", lambda g: {"matchingSubnetCidr": _subnet(g)["cidr"]},
           _identity(_network)),
    Lookup("networking/getNetwork", lambda g: {"external": True, "name": g.external_network["name"]},
           lambda g: g.external_network["id"]),
    Lookup("networking/getSubnet", lambda g: {"cidr": _subnet(g)["cidr"], "networkId": _network(g)["id"]},
           _identity(_subnet)),
    Lookup("networking/getSubnetIdsV2", lambda g: {
        "networkId": _network(g)["id"], "nameRegex": _subnet(g)["name"], "sortKey": "name",
    }, holds=lambda g: {"ids": [_subnet(g)["id"]]}),
    Lookup("networking/getSubnetPool", lambda g: {"name": _pool(g)["name"]}, _identity(_pool),
           lambda g: {"defaultPrefixlen": 24, "prefixes": ["10.96.0.0/16"]}),
    Lookup("networking/getAddressScope", lambda g: {"name": _scope(g)["name"]}, _identity(_scope)),
    Lookup("networking/getSegmentV2", lambda g: {"networkId": _network(g)["id"]},
           absent="Neutron's plugin `segments` is not switched on everywhere"),
    Lookup("networking/getRouter", lambda g: {"name": _router(g)["name"], "enableSnat": True},
           _identity(_router), lambda g: {"externalNetworkId": g.external_network["id"]}),
    Lookup("networking/getFloatingIp", lambda g: {
        "address": _floating_ip(g)["address"], "pool": g.external_network["name"],
    }, _identity(_floating_ip), lambda g: {"description": "for lookups"}),
    Lookup("networking/getSecGroup", lambda g: {"name": _group(g)["name"]}, _identity(_group)),
    Lookup("networking/getPort", lambda g: {"fixedIp": "10.97.0.9", "networkId": _port(g)["networkId"]},
           _identity(_port), lambda g: {"allSecurityGroupIds": [_group(g)["id"]]}),
    Lookup("networking/getPortIds", lambda g: {"name": _port(g)["name"], "sortKey": "name"},
           holds=lambda g: {"ids": [_port(g)["id"]]}),
    Lookup("networking/getTrunk", lambda g: {"portId": _trunk(g)["portId"]}, _identity(_trunk)),
    Lookup("networking/getQosPolicy", lambda g: {"name": _policy(g)["name"]}, _identity(_policy)),
    Lookup("networking/getQosBandwidthLimitRule", lambda g: {
        "qosPolicyId": _limit(g)["qosPolicyId"], "maxKbps": 9000,
    }, _identity(_limit), lambda g: {"maxBurstKbps": 900, "direction": "egress"}),
    Lookup("networking/getQosDscpMarkingRule", lambda g: {"qosPolicyId": _mark(g)["qosPolicyId"]},
           _identity(_mark), lambda g: {"dscpMark": 26}),
    Lookup("networking/getQosMinimumBandwidthRule", lambda g: {"qosPolicyId": _minimum(g)["qosPolicyId"]},
           _identity(_minimum), lambda g: {"minKbps": 3}),
    Lookup("networking/getQuotaV2", lambda g: {"projectId": g.project_id}),
    Lookup("blockstorage/getAvailabilityZonesV3", lambda g: {}),
    Lookup("blockstorage/getQuotasetV3", lambda g: {"projectId": g.project_id}),
    Lookup("blockstorage/getSnapshotV3", lambda g: {"name": STORAGE, "mostRecent": True},
           holds=lambda g: {"size": 1, "status": "available"}),
    Lookup("blockstorage/getVolumeV3", lambda g: {"name": STORAGE, "bootable": "false"},
           holds=lambda g: {"size": 1, "metadata": {"lookup": "yes"}}),
    Lookup("images/getImage", lambda g: {"name": g.cloud.service("image").request(
        "GET", f"/images/{g.image_id}")["name"], "mostRecent": True}),
    Lookup("images/getImageIds", lambda g: {"sizeMin": 1, "sort": "created_at:desc"}),
)  # fmt: skip


def problems(ground: Ground, lookup: Lookup) -> list[str]:
    """What is wrong with the answer of one call."""
    try:
        given = lookup.given(ground)
        answer = functions.call(ground.cloud, lookup.token, given)
    except NothingMatches as nothing:
        return [] if lookup.absent else [str(nothing)]
    except InfraError as failed:
        return [f"{type(failed).__name__}: {failed}"]
    wrong = []
    wanted = lookup.id(ground)
    if wanted is not None and answer["id"] != wanted:
        wrong.append(f"id is {answer['id']}, not {wanted}")
    for name, value in lookup.holds(ground).items():
        if answer.get(name) != value:
            wrong.append(f"{name} is {answer.get(name)!r}, not {value!r}")
    promised = {item.name for item in functions.function(lookup.token).properties if item.output}
    return [*wrong, *(f"{name} is not answered" for name in sorted(promised - answer.keys()))]


@contextmanager
def storage(cloud: Cloud) -> Iterator[None]:
    """A volume and a snapshot of it, removed again."""
    made: list[tuple[Collection, str]] = []
    try:
        values = {"name": STORAGE, "size": 1, "metadata": {"lookup": "yes"}}
        volume = volumes(cloud).create(values)
        made.append((volumes(cloud), volume["id"]))
        _until(volumes(cloud), volume["id"], "available")
        snapshot = snapshots(cloud).create({"name": STORAGE, "volume_id": volume["id"]})
        made.append((snapshots(cloud), snapshot["id"]))
        _until(snapshots(cloud), snapshot["id"], "available")
        yield
    finally:
        for collection, identity in reversed(made):
            collection.remove(identity)
            _until(collection, identity, "")


def _until(collection: Collection, identity: str, status: str) -> None:
    """Until it has this status, "" until it is gone."""
    Deadline(300).wait(
        f"{collection.singular} {identity} to be {status or 'gone'}",
        lambda: ((collection.find(identity) or {}).get("status", "") == status) or None,
    )


def main() -> None:
    credentials, told = credentials_of(sys.argv[1]), []
    with (
        Bench(credentials, Weather()) as bench,
        live_ground(bench, credentials) as ground,
        storage(ground.cloud),
    ):
        for lookup in LOOKUPS:
            lookup.given(ground)  # what has to be made for it takes its own time
            began = time.monotonic()
            wrong = problems(ground, lookup)
            seconds = round(time.monotonic() - began, 3)
            told.append({"function": lookup.function, "seconds": seconds, "problems": wrong})
            sys.stderr.write(f"{lookup.function} {seconds} {wrong}\n")
    json.dump(told, sys.stdout, indent=1)


if __name__ == "__main__":
    main()

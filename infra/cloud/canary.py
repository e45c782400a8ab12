"""What a canary does to the cloud: a tiny server on one hypervisor, at a floating address, and both gone.

Everything that a run makes is marked with the watcher's name and the hypervisor's, so that what a killed
watcher left behind is found by the next, and runs beside each other leave each other's things alone. Network,
router and security group stay; they cost nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import WentWrong
from infra.cloud.flavor import flavors
from infra.cloud.floating_ip import floating_ips
from infra.cloud.hypervisor import hypervisors
from infra.cloud.image import list_images
from infra.cloud.network import networks
from infra.cloud.port import ports
from infra.cloud.router import add_interface, routers
from infra.cloud.security_group import security_group_rules, security_groups
from infra.cloud.server import must_not_be_in_error, servers
from infra.cloud.subnet import subnets
from infra.cloud.waiting import Deadline

NAME = "citycloud-canary"
MARK = "citycloud_canary"
SUBNET = "198.18.0.0/24"
"""RFC 2544's range for benchmarks: behind a router of its own, it meets no agency's network."""


@dataclass(frozen=True)
class Place:
    """Where canaries live: ids of their network, of the external network, and of their security group."""

    network: str
    outside: str
    group: str


@dataclass(frozen=True)
class Perch:
    """A hypervisor, and what is booted there; `skipped` says why nothing is ("" where something is)."""

    hypervisor: str
    host: str
    flavor: str = ""
    image: str = ""
    skipped: str = ""


@dataclass(frozen=True)
class Leftover:
    """A thing that a run made and has not removed; `kind` is server, floating_ip or port."""

    kind: str
    id: str


def place(cloud: Cloud, sources: Collection[str]) -> Place:
    """Find the canaries' network, router and group, or make what is missing. SSH is let in from `sources`
    (CIDRs) and from nowhere else.
    """
    project = cloud.project_id
    ours: dict[str, Any] = {"name": NAME, "project_id": project}
    outside = next(iter(networks(cloud).list(**{"router:external": "True"})), None)
    if outside is None:
        raise WentWrong("the cloud has no external network, so no canary can be reached")
    network = _first(networks(cloud).list(**ours)) or networks(cloud).create(ours)
    inside = {"network_id": network["id"]}
    subnet = _first(subnets(cloud).list(**inside)) or subnets(cloud).create(
        {**ours, **inside, "cidr": SUBNET, "ip_version": 4}
    )
    router = _first(routers(cloud).list(**ours)) or routers(cloud).create(
        {**ours, "external_gateway_info": {"network_id": outside["id"]}}
    )
    if not ports(cloud).list(device_id=router["id"], network_id=network["id"]):
        add_interface(cloud, router["id"], subnet_id=subnet["id"])
    group = _first(security_groups(cloud).list(**ours)) or security_groups(cloud).create(ours)
    let_in = {"security_group_id": group["id"], "direction": "ingress"}
    rules = {rule["remote_ip_prefix"]: rule["id"] for rule in security_group_rules(cloud).list(**let_in)}
    ssh = {"ethertype": "IPv4", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22}
    for source in [one for one in sources if one not in rules]:
        security_group_rules(cloud).create(
            {**let_in, **ssh, "remote_ip_prefix": source, "project_id": project}
        )
    for rule in [rules[one] for one in rules if one not in sources]:
        security_group_rules(cloud).remove(rule)
    return Place(network["id"], outside["id"], group["id"])


def perches(cloud: Cloud) -> list[Perch]:
    """Each hypervisor with the smallest flavor and image of its type, or why there is nothing to boot."""
    sizes = sorted(flavors(cloud).list(), key=lambda one: (one["ram"], one["vcpus"], one["disk"]))
    images = [one for one in list_images(cloud, visibility="public") if one["status"] == "active"]
    images.sort(key=lambda one: (one.get("min_disk") or 0, one.get("size") or 0))
    return [_perch(one, sizes, images) for one in hypervisors(cloud).list()]


def _perch(hypervisor: Thing, sizes: list[Thing], images: list[Thing]) -> Perch:
    name, host = hypervisor["hypervisor_hostname"], hypervisor["service"]["host"]
    if hypervisor["status"] != "enabled" or hypervisor["state"] != "up":
        return Perch(name, host, skipped="disabled")
    kind = str(hypervisor.get("hypervisor_type") or "").lower()
    for size in sizes:
        specs: Mapping[str, str] = size.get("extra_specs") or {}
        if specs.get("capabilities:hypervisor_type", kind).split(" ")[-1].lower() != kind:
            continue
        for image in images:
            fits = (image.get("min_disk") or 0) <= size["disk"] and (image.get("min_ram") or 0) <= size["ram"]
            if fits and str(image.get("img_hv_type", kind)).lower() == kind:
                return Perch(name, host, size["id"], image["id"])
    return Perch(name, host, skipped="no_flavor")


def take_address(cloud: Cloud, where: Place, perch: Perch, watcher: str) -> Thing:
    """A floating address with the run's mark."""
    return floating_ips(cloud).create({
        "floating_network_id": where.outside, "project_id": cloud.project_id,
        "description": _mark(watcher, perch.hypervisor),
    })  # fmt: skip


def boot(cloud: Cloud, where: Place, perch: Perch, watcher: str, deadline: Deadline) -> Thing:
    """A server on exactly that hypervisor, ACTIVE. Raises WentWrong with nova's reason, WaitedTooLong."""
    made = servers(cloud).create({
        "name": f"canary-{perch.hypervisor}", "flavorRef": perch.flavor, "imageRef": perch.image,
        "networks": [{"uuid": where.network}], "security_groups": [{"name": where.group}],
        "host": perch.host, "metadata": {MARK: _mark(watcher, perch.hypervisor)},
    })  # fmt: skip

    def active() -> Thing | None:
        now = servers(cloud).get(made["id"])
        must_not_be_in_error(now)
        return now if now["status"] == "ACTIVE" else None

    return deadline.wait(f"canary {made['id']} to be ACTIVE", active)


def attach_address(cloud: Cloud, server: Thing, address: Thing) -> None:
    """Lead the floating address to the server."""
    port = ports(cloud).list(device_id=server["id"])[0]
    floating_ips(cloud).change(address["id"], {"port_id": port["id"]})


def leftovers(cloud: Cloud, where: Place, watcher: str, hypervisor: str = "") -> list[Leftover]:
    """What the watcher has made on the hypervisor and not removed, in the order in which it can be removed.

    Without a hypervisor: on all of them, and ports that nova left without their server. For when no run is
    under way. Ports are listed before servers, or the port of a server that another watcher makes meanwhile
    would look like one.
    """
    prefix = _mark(watcher, hypervisor) if hypervisor else _mark(watcher, "")
    taken = [] if hypervisor else ports(cloud).list(network_id=where.network)
    standing = servers(cloud).list(all_tenants="true", project_id=cloud.project_id)
    addresses = floating_ips(cloud).list(project_id=cloud.project_id)

    def ours(mark: str) -> bool:
        return mark == prefix if hypervisor else mark.startswith(prefix)

    known = {one["id"] for one in standing}
    stray = [one for one in taken if _of_a_server(one) and one["device_id"] not in known]
    return [
        *(Leftover("server", one["id"]) for one in standing if ours(one.get("metadata", {}).get(MARK, ""))),
        *(Leftover("floating_ip", one["id"]) for one in addresses if ours(one.get("description") or "")),
        *(Leftover("port", one["id"]) for one in stray),
    ]


def _of_a_server(port: Thing) -> bool:
    return str(port.get("device_owner")).startswith("compute:")


def remove(cloud: Cloud, thing: Leftover, deadline: Deadline) -> None:
    """Remove it, and wait until a server is gone. That it is gone already is success."""
    if thing.kind == "server":
        servers(cloud).remove(thing.id)
        deadline.wait(
            f"canary {thing.id} to be gone", lambda: True if servers(cloud).find(thing.id) is None else None
        )
    else:
        (floating_ips if thing.kind == "floating_ip" else ports)(cloud).remove(thing.id)


def _mark(watcher: str, hypervisor: str) -> str:
    return f"{NAME} of {watcher} on {hypervisor}"


def _first(found: list[Thing]) -> Thing | None:
    return next(iter(found), None)

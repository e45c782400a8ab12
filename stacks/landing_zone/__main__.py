"""One agency's landing zone: domain and project, people, quotas, network, baseline security group, first servers.

`program` is run inline by `citycloud`; `pulumi up` in this folder runs the same with the settings of Pulumi.yaml.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_openstack import Provider, blockstorage, compute, identity, networking

from infra.domain.agency import Agency
from infra.domain.quota import Quota
from infra.inventory import Inventory, load

PEOPLE = {"members": ("member",), "approvers": ("approver", "reader")}
OPEN_PORTS = (("tcp", 22), ("icmp", None))
RULES_PER_GROUP = 10


def program(inventory: Inventory, agency: Agency, ssh_public_key: str, open_to: Sequence[str]) -> None:
    """`open_to`: the networks (CIDR) from which servers take SSH and ping, by the city's policy; nothing else."""
    platform = pulumi.StackReference(f"organization/platform/{inventory.site.site_name}")
    given = {name: platform.require_output(name) for name in ("roles", "flavors", "images", "external_network")}
    project = _project(agency, given["roles"])
    _quotas(project, agency.quota)
    network, gateway = _network(agency, project, given["external_network"], inventory.site.dns_servers)
    group = _security_group(project, open_to)
    scope: dict[str, Any] = {}
    if agency.servers:
        # Nova boots a server in the project of the token: this needs a role there and a provider of its own.
        user = platform.require_output("operator_user_id")
        role = given["roles"]["member"]
        duty = identity.RoleAssignment("operator", user_id=user, project_id=project.id, role_id=role)
        scoped = Provider("agency", tenant_id=project.id, opts=ResourceOptions(depends_on=[duty]))
        keypair = compute.Keypair("keypair", name=f"{agency.code}-operator", public_key=ssh_public_key)
        scope = {"key_pair": keypair.name, "opts": ResourceOptions(provider=scoped, ignore_changes=["imageId"])}
    pulumi.export("project_id", project.id)
    pulumi.export("network_id", network.id)
    pulumi.export("servers", _servers(agency, project, network, gateway, group, given, scope))


def _project(agency: Agency, roles: Output[Any]) -> identity.Project:
    about = f"{agency.name_en} / {agency.name_vi}"
    domain = identity.Project("domain", name=agency.code, description=about, is_domain=True)
    project = identity.Project("project", name=agency.code, description=about, domain_id=domain.id)
    for people, held in PEOPLE.items():
        group = identity.GroupV3(people, name=people, domain_id=domain.id, description=f"{people}: {about}")
        for role in held:
            grant = {"group_id": group.id, "project_id": project.id, "role_id": roles[role]}
            identity.RoleAssignment(f"{people}-{role}", **grant)
    return project


def _quotas(project: identity.Project, quota: Quota) -> None:
    servers = {"instances": quota.instances, "cores": quota.cores, "ram": quota.ram_mib}
    compute.QuotaSetV2("compute", project_id=project.id, **servers)
    networks = {"network": quota.networks, "subnet": quota.networks, "router": quota.routers, "port": quota.ports}
    groups = {"security_group": quota.security_groups, "floatingip": quota.floating_ips}
    rules = quota.security_groups * RULES_PER_GROUP
    networking.QuotaV2("network", project_id=project.id, security_group_rule=rules, **networks, **groups)
    volumes = {"volumes": quota.volumes, "gigabytes": quota.gigabytes, "snapshots": quota.volumes}
    blockstorage.QuoteSetV3("volume", project_id=project.id, **volumes)


def _network(
    agency: Agency, project: identity.Project, external: Output[Any], dns: Sequence[Any]
) -> tuple[networking.Network, networking.RouterInterface]:
    ours = {"name": agency.code, "tenant_id": project.id}
    network = networking.Network("network", **ours)
    inside = {"network_id": network.id, "cidr": str(agency.network), "dns_nameservers": [str(one) for one in dns]}
    subnet = networking.Subnet("subnet", **ours, **inside)
    router = networking.Router("router", **ours, external_network_id=external["id"])
    return network, networking.RouterInterface("gateway", router_id=router.id, subnet_id=subnet.id)


def _security_group(project: identity.Project, open_to: Sequence[str]) -> networking.SecGroup:
    about = "SSH and ping from the city's administration; all else is for the agency to open"
    group = networking.SecGroup("baseline", name="baseline", description=about, tenant_id=project.id)
    ours = {"security_group_id": group.id, "tenant_id": project.id, "direction": "ingress", "ethertype": "IPv4"}
    for source in open_to:
        for protocol, port in OPEN_PORTS:
            let_in = {"protocol": protocol, "port_range_min": port, "port_range_max": port}
            networking.SecGroupRule(f"{protocol}-from-{source}", **ours, **let_in, remote_ip_prefix=source)
    return group


def _servers(
    agency: Agency, project: identity.Project, network: networking.Network, gateway: networking.RouterInterface,
    group: networking.SecGroup, given: dict[str, Output[Any]], scope: dict[str, Any],
) -> list[dict[str, Any]]:  # fmt: skip
    """A newer image of the same name is for new servers; it never replaces one that stands (`ignore_changes`)."""
    made: list[dict[str, Any]] = []
    after_gateway = ResourceOptions(depends_on=[gateway])
    for spec in agency.servers:
        name, ours = spec.name, {"tenant_id": project.id}
        joined = {"network_id": network.id, "security_group_ids": [group.id], **ours}
        port = networking.Port(f"port-{name}", name=name, **joined, opts=after_gateway)
        kind = {"flavor_id": given["flavors"][spec.flavor], "image_id": given["images"][spec.image]}
        server = compute.Instance(name, name=name, networks=[{"port": port.id}], **kind, **scope)
        made.append({"name": name, "id": server.id, "fixed_ip": port.all_fixed_ips[0], "floating_ip": ""})
        if spec.floating_ip:
            pool = given["external_network"]["name"]
            floating = networking.FloatingIp(f"address-{name}", pool=pool, **ours)
            networking.FloatingIpAssociate(f"address-{name}", floating_ip=floating.address, port_id=port.id)
            made[-1]["floating_ip"] = floating.address
    return made


if __name__ == "__main__":
    settings = pulumi.Config("landing_zone")
    site = load(Path(settings.require("inventory")))
    sources = settings.get_object("openTo") or [str(site.site.management_network.cidr)]
    program(site, site.agency(settings.require("agency")), settings.require("sshPublicKey"), sources)

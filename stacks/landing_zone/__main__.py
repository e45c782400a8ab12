"""One agency's landing zone: domain and project, people, quotas, network, baseline security group, first
servers.

`program` is run inline by `citycloud`; `pulumi up` in this folder runs the same with the settings of
Pulumi.yaml.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from pulumi import Config, Resource, ResourceOptions, StackReference, export
from pulumi_openstack import blockstorage, compute, identity, networking

from infra.domain.agency import Agency
from infra.domain.quota import Quota
from infra.inventory import Inventory, load
from stacks.landing_zone.adopted import Declared
from stacks.landing_zone.servers import scope_of, servers

FROM_PLATFORM = ("roles", "flavors", "images", "external_network", "operator_user_id")
Given: TypeAlias = dict[str, Any]
Joined: TypeAlias = tuple[networking.Network, networking.RouterInterface]
PEOPLE = {"members": ("member",), "approvers": ("approver", "reader")}
OF_THE_CITY = {"operators": ("operator", "reader"), "auditors": ("auditor", "reader")}
"""Groups of the agency that runs the cloud alone: its people serve all agencies, by the portal."""
OPEN_PORTS = (("tcp", 22), ("icmp", None))
RULES_PER_GROUP = 10
BASELINE: Given = {"name": "baseline", "description": "SSH and ping from the city's administration only"}


def program(inventory: Inventory, agency: Agency, ssh_public_key: str, open_to: Sequence[str]) -> None:
    """`open_to`: the networks (CIDR) from which servers take SSH and ping, by the city's policy."""
    platform = StackReference(f"organization/platform/{inventory.site.site_name}")
    declared = Declared(agency.adopted).watch()
    given: Given = {name: platform.require_output(name) for name in FROM_PLATFORM}
    project = _project(agency, given)
    # Limits first: Neutron refuses a limit while something that it counts is being made.
    given["limits"] = ResourceOptions(depends_on=[_quotas(project, agency.quota)])
    network, gateway = _network(agency, project, given, inventory.site.dns_servers)
    group = _security_group(project, given, open_to)
    place: Given = {"network_id": network.id, "security_group_ids": [group.id], "tenant_id": project.id}
    place["opts"] = ResourceOptions(depends_on=[gateway])
    scope = scope_of(agency, project, given, ssh_public_key)
    export("project_id", project.id)
    export("network_id", network.id)
    export("servers", servers(agency, given, place, scope))
    declared.declare(scope.provider)


def _project(agency: Agency, given: Given) -> identity.Project:
    about = f"{agency.name_en} / {agency.name_vi}"
    domain = identity.Project("domain", name=agency.code, description=about, is_domain=True)
    project = identity.Project("project", name=agency.code, description=about, domain_id=domain.id)
    for people, held in {**PEOPLE, **(OF_THE_CITY if agency.operator else {})}.items():
        who = {"name": people, "description": f"{people}: {about}"}
        group = identity.GroupV3(people, **who, domain_id=domain.id, opts=_goes_with(domain))
        for role in held:
            grant = {"group_id": group.id, "role_id": given["roles"][role]}
            identity.RoleAssignment(
                f"{people}-{role}", project_id=project.id, **grant, opts=_goes_with(project)
            )
    return project


def _quotas(project: identity.Project, quota: Quota) -> networking.QuotaV2:
    hold = {"instances": quota.instances, "cores": quota.cores, "ram": quota.ram_mib}
    compute.QuotaSetV2("compute", project_id=project.id, **hold)
    ours = {"network": quota.networks, "subnet": quota.networks, "router": quota.routers}
    ours |= {"port": quota.ports, "floatingip": quota.floating_ips, "security_group": quota.security_groups}
    ours["security_group_rule"] = quota.security_groups * RULES_PER_GROUP
    volumes = {"volumes": quota.volumes, "gigabytes": quota.gigabytes, "snapshots": quota.volumes}
    blockstorage.QuoteSetV3("volume", project_id=project.id, **volumes)
    return networking.QuotaV2("network", project_id=project.id, **ours)


def _network(agency: Agency, project: identity.Project, given: Given, dns: Sequence[Any]) -> Joined:
    ours: Given = {"name": agency.code, "tenant_id": project.id}
    network = networking.Network("network", **ours, opts=given["limits"])
    inside: Given = {"network_id": network.id, "cidr": str(agency.network)}
    inside |= {"dns_nameservers": [str(one) for one in dns]}
    subnet = networking.Subnet("subnet", **ours, **inside, opts=_goes_with(network))
    outside = given["external_network"]["id"]
    router = networking.Router("router", **ours, external_network_id=outside, opts=given["limits"])
    return network, networking.RouterInterface("gateway", router_id=router.id, subnet_id=subnet.id)


def _security_group(project: identity.Project, given: Given, open_to: Sequence[str]) -> networking.SecGroup:
    group = networking.SecGroup("baseline", **BASELINE, tenant_id=project.id, opts=given["limits"])
    ours = {"security_group_id": group.id, "tenant_id": project.id}
    for source in open_to:
        come_in = {"direction": "ingress", "ethertype": "IPv4", "remote_ip_prefix": source}
        for protocol, port in OPEN_PORTS:
            let_in = {"protocol": protocol, "port_range_min": port, "port_range_max": port}
            rule: Given = {**ours, **come_in, **let_in, "opts": _goes_with(group)}
            networking.SecGroupRule(f"{protocol}-from-{source}", **rule)
    return group


def _goes_with(whole: Resource) -> ResourceOptions:
    """The cloud deletes it with `whole`: no call of its own when both go."""
    return ResourceOptions(deleted_with=whole)


if __name__ == "__main__":
    config = Config("landing_zone")
    site = load(Path(config.require("inventory")))
    sources = config.get_object("openTo") or [str(site.site.management_network.cidr)]
    program(site, site.agency(config.require("agency")), config.require("sshPublicKey"), sources)

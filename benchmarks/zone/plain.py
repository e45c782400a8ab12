"""The same landing zones by plain openstacksdk calls in a loop: the yardstick, run inside the lab's network.

usage: plain.py INVENTORY {up|refresh|destroy} PREFIX COUNT

Prints seconds as JSON. It makes what `stacks/landing_zone` makes for an agency without servers, one call
after the other, as a script of an afternoon would: no marks, no checks, nothing adopted, nothing guarded.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from tests.cloud import admin

ROLES = {"members": ("member",), "approvers": ("approver", "reader")}
COMPUTE = {"instances": 3, "cores": 4, "ram": 1536}
VOLUME = {"volumes": 4, "gigabytes": 10, "snapshots": 4}
NETWORK = {
    "networks": 2, "subnets": 2, "routers": 1, "ports": 20, "floating_ips": 2, "security_groups": 10,
    "security_group_rules": 100,
}  # fmt: skip


def up(cloud: Any, site: Any, name: str, number: int) -> None:
    identity, network = cloud.identity, cloud.network
    domain = identity.create_domain(name=name, description=name)
    project = identity.create_project(name=name, domain_id=domain.id, description=name)
    roles = {role.name: role for role in identity.roles()}
    for people, held in ROLES.items():
        group = identity.create_group(name=people, domain_id=domain.id, description=people)
        for role in held:
            identity.assign_project_role_to_group(project, group, roles[role])
    cloud.compute.update_quota_set(project, **COMPUTE)
    cloud.block_storage.update_quota_set(project, **VOLUME)
    network.update_quota(project.id, **NETWORK)
    outside = network.find_network("external")
    inside = network.create_network(name=name, project_id=project.id)
    subnet = network.create_subnet(
        name=name, network_id=inside.id, project_id=project.id, ip_version=4, cidr=f"10.96.{number}.0/24"
    )
    router = network.create_router(
        name=name, project_id=project.id, external_gateway_info={"network_id": outside.id}
    )
    network.add_interface_to_router(router, subnet_id=subnet.id)
    group = network.create_security_group(name="baseline", project_id=project.id)
    for source in (str(site.management_network.cidr), f"{site.external_network.gateway}/32"):
        for protocol, port in (("tcp", 22), ("icmp", None)):
            network.create_security_group_rule(
                security_group_id=group.id, project_id=project.id, direction="ingress", ethertype="IPv4",
                protocol=protocol, port_range_min=port, port_range_max=port, remote_ip_prefix=source,
            )  # fmt: skip


def refresh(cloud: Any, site: Any, name: str, number: int) -> None:
    identity, network = cloud.identity, cloud.network
    domain = identity.find_domain(name)
    identity.get_domain(domain.id)
    project = next(iter(identity.projects(domain_id=domain.id)))
    identity.get_project(project.id)
    for group in identity.groups(domain_id=domain.id):
        identity.get_group(group.id)
        list(identity.role_assignments(group_id=group.id, scope_project_id=project.id))
    cloud.compute.get_quota_set(project)
    cloud.block_storage.get_quota_set(project)
    network.get_quota(project.id)
    for router in network.routers(project_id=project.id):
        network.get_router(router.id)
        for port in network.ports(device_id=router.id):
            network.get_port(port.id)
    for inside in network.networks(project_id=project.id):
        network.get_network(inside.id)
        for subnet in inside.subnet_ids:
            network.get_subnet(subnet)
    for group in network.security_groups(project_id=project.id):
        network.get_security_group(group.id)
        for rule in group.security_group_rules:
            network.get_security_group_rule(rule["id"])


def destroy(cloud: Any, site: Any, name: str, number: int) -> None:
    identity, network = cloud.identity, cloud.network
    domain = identity.find_domain(name)
    project = next(iter(identity.projects(domain_id=domain.id)))
    subnets = {subnet.id for subnet in network.subnets(project_id=project.id)}
    for router in network.routers(project_id=project.id):
        for subnet in subnets:
            network.remove_interface_from_router(router, subnet_id=subnet)
        network.delete_router(router)
    for inside in network.networks(project_id=project.id):
        network.delete_network(inside)
    for group in network.security_groups(project_id=project.id):
        network.delete_security_group(group)
    network.delete_quota(project.id)
    cloud.compute.revert_quota_set(project)
    cloud.block_storage.revert_quota_set(project)
    identity.delete_project(project)
    for group in identity.groups(domain_id=domain.id):
        identity.delete_group(group)
    identity.update_domain(domain, is_enabled=False)
    identity.delete_domain(domain)


def main() -> None:
    inventory, operation, prefix, count = sys.argv[1:]
    opened = admin.site_of(inventory)
    cloud = admin.connect(opened)
    cloud.authorize()
    work = {"up": up, "refresh": refresh, "destroy": destroy}[operation]
    began = time.monotonic()
    for number in range(int(count)):
        work(cloud, opened.inventory.site, f"{prefix}{number:02}", number)
    print(json.dumps({"seconds": time.monotonic() - began}))


if __name__ == "__main__":
    main()

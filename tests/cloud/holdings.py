"""Prints as JSON what the cloud holds for an agency, by kind: run inside the lab's network.

usage: holdings.py INVENTORY AGENCY [PROJECT_ID]   (the project's id, once the project itself is gone)
"""

from __future__ import annotations

import json
import sys

from tests.cloud import admin


def main() -> None:
    agency = sys.argv[2]
    cloud = admin.connect(admin.site_of(sys.argv[1]))
    domain = cloud.identity.find_domain(agency)
    projects = list(cloud.identity.projects(domain_id=domain.id)) if domain else []
    project = projects[0].id if projects else (sys.argv[3] if len(sys.argv) > 3 else "none")
    network = cloud.network
    held = {
        "domains": [domain] if domain else [],
        "projects": projects,
        "groups": list(cloud.identity.groups(domain_id=domain.id)) if domain else [],
        "role assignments": list(cloud.identity.role_assignments(scope_project_id=project))
        if projects
        else [],
        "networks": list(network.networks(project_id=project)),
        "subnets": list(network.subnets(project_id=project)),
        "routers": list(network.routers(project_id=project)),
        "ports": list(network.ports(project_id=project)),
        "floating addresses": list(network.ips(project_id=project)),
        # Not by project in the query: Neutron makes a default group for a project that is asked for.
        "security groups": [group for group in network.security_groups() if group.project_id == project],
        "network quotas": [quota for quota in network.quotas() if quota.project_id == project],
        "servers": list(cloud.compute.servers(all_projects=True, project_id=project)),
        "volumes": list(cloud.block_storage.volumes(all_projects=True, project_id=project)),
    }
    print(json.dumps({"project": project, **{kind: len(things) for kind, things in held.items()}}))


main()

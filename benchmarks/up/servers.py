"""Asks for many servers at once and waits for all: run inside the lab's network.

usage: servers.py INVENTORY COUNT
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openstack

from infra import inventory as inventories
from infra.provisioning.site import find_site
from infra.settings import Settings

DEADLINE = 400.0  # seconds


def main() -> None:
    inventory = inventories.load(Path(sys.argv[1]))
    site = find_site(Settings.from_environment(os.environ), inventory)
    agency = inventory.agencies[0].code
    admin = {
        "auth_url": site.identity_url,
        "username": "admin",
        "password": site.secrets.admin_password,
        "user_domain_id": "default",
        "region_name": inventory.site.region_name,
        "cacert": str(site.paths.ca_certificate),
    }
    cloud = openstack.connect(**admin, project_name="admin", project_domain_id="default")
    project = next(iter(cloud.identity.projects(domain_id=cloud.identity.find_domain(agency).id)))
    own = openstack.connect(**admin, project_id=project.id)
    user = cloud.current_user_id
    cloud.identity.assign_project_role_to_user(project, user, cloud.identity.find_role("member"))
    network = cloud.network.find_network(agency)
    image = next(iter(cloud.image.images()))
    flavor = min(cloud.compute.flavors(), key=lambda item: item.ram)

    def boot(number: int) -> tuple[str, float]:
        began = time.monotonic()
        server: Any = own.compute.create_server(
            name=f"bench-{number}", image_id=image.id, flavor_id=flavor.id, networks=[{"uuid": network.id}]
        )
        while server.status not in ("ACTIVE", "ERROR") and time.monotonic() - began < DEADLINE:
            time.sleep(1)
            server = own.compute.get_server(server.id)
        return server.status, time.monotonic() - began

    count = int(sys.argv[2])
    began = time.monotonic()
    with ThreadPoolExecutor(count) as pool:
        results = list(pool.map(boot, range(count)))
    seconds = time.monotonic() - began
    times = sorted(took for _, took in results)
    states = Counter(state for state, _ in results)
    print(
        f"{states['ACTIVE']} of {count} ACTIVE, all after {seconds:.1f} s;"
        f" median {statistics.median(times):.1f} s, 95th percentile {times[int(0.95 * (count - 1))]:.1f} s"
    )
    for server in own.compute.servers():
        own.compute.delete_server(server)


main()

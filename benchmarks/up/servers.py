"""Asks for many servers at once and waits for all: run inside the lab's network.

usage: servers.py INVENTORY COUNT
"""

from __future__ import annotations

import statistics
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.cloud import admin

DEADLINE = 400.0  # seconds


def main() -> None:
    site = admin.site_of(sys.argv[1])
    agency = site.inventory.agencies[0].code
    cloud = admin.connect(site)
    project = admin.project_of(cloud, agency)
    member = cloud.identity.find_role("member")
    cloud.identity.assign_project_role_to_user(project, cloud.current_user_id, member)
    own = admin.connect(site, project.id)
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

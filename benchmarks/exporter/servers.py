"""Asks for many servers, a few at once, and leaves them there: run inside the lab's network.

usage: servers.py INVENTORY COUNT
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.cloud import admin

AT_ONCE = 8
DEADLINE = 600.0  # seconds for one server


def main() -> None:
    site = admin.site_of(sys.argv[1])
    cloud = admin.connect(site)
    agency = site.inventory.agencies[0].code
    project = admin.project_of(cloud, agency)
    member = cloud.identity.find_role("member")
    cloud.identity.assign_project_role_to_user(project, cloud.current_user_id, member)
    own = admin.connect(site, project.id)
    network = cloud.network.find_network(agency)
    image = next(iter(cloud.image.images()))
    flavor = min(cloud.compute.flavors(), key=lambda item: item.ram)

    def boot(number: int) -> str:
        began = time.monotonic()
        server: Any = own.compute.create_server(
            name=f"scale-{number:03}", image_id=image.id, flavor_id=flavor.id, networks=[{"uuid": network.id}]
        )
        while server.status not in ("ACTIVE", "ERROR") and time.monotonic() - began < DEADLINE:
            time.sleep(1)
            server = own.compute.get_server(server.id)
        return str(server.status)

    count = int(sys.argv[2])
    with ThreadPoolExecutor(AT_ONCE) as pool:
        states = list(pool.map(boot, range(count)))
    print(f"{states.count('ACTIVE')} of {count} servers ACTIVE")


main()

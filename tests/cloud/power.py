"""What the cloud's administrator does to a server of an agency: run inside the lab's network.

usage: python -m tests.cloud.power INVENTORY AGENCY SERVER stop|start
"""

from __future__ import annotations

import sys

from tests.cloud import admin


def main() -> None:
    inventory, agency, name, order = sys.argv[1:]
    site = admin.site_of(inventory)
    cloud = admin.connect(site)
    project = admin.project_of(cloud, agency)
    (server,) = cloud.compute.servers(all_projects=True, project_id=project.id, name=f"^{name}$")
    {"stop": cloud.compute.stop_server, "start": cloud.compute.start_server}[order](server)
    wanted = {"stop": "SHUTOFF", "start": "ACTIVE"}[order]
    cloud.compute.wait_for_server(server, status=wanted, wait=300)


if __name__ == "__main__":
    main()

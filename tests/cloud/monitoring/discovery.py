"""A new server is watched, and a retired one leaves in silence: as the site's own monitoring sees it.

usage: discovery.py INVENTORY AGENCY   (inside the lab's network)

Boots a server that says it is a web-server, with a floating address, in the agency's project; waits until
Prometheus watches it; deletes it; waits until nothing of it is left. Prints JSON: seconds from ACTIVE until
it was watched, the labels of its target, and the alerts that named it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from infra.domain.catalog import ITEM_KEY
from infra.provisioning.prometheus import PROMETHEUS_PORT
from monitoring.prometheus import Prometheus
from tests.cloud import admin

NAME = f"discovered-{os.getpid()}"
ITEM = "web-server"
PATIENCE_SECONDS = 300
QUIET_SECONDS = 200
"""After a retirement: longer than any alert on a silent server waits, with the time to see it gone."""


def main() -> None:
    inventory, agency = sys.argv[1:]
    site = admin.site_of(inventory)
    (watcher, *_) = site.inventory.monitoring()
    cloud = admin.connect(site)
    project = admin.project_of(cloud, agency)
    cloud.identity.assign_project_role_to_user(
        project, cloud.current_user_id, cloud.identity.find_role("member")
    )
    inside = admin.connect(site, project.id)
    with Prometheus(f"http://{watcher.address}:{PROMETHEUS_PORT}") as prometheus:
        began = time.time()
        with a_server(inside, agency) as server:
            of_it = f'server_id="{server.id}"'
            active = time.monotonic()
            until(lambda: prometheus.query(f"city_workload_info{{{of_it}}}"), "the server is known")
            until(lambda: prometheus.query(f'up{{job="workload", {of_it}}}'), "its target is scraped")
            seconds = time.monotonic() - active
            (target,) = prometheus.query(f'up{{job="workload", {of_it}}}')
        until(lambda: not prometheus.query(f"city_workload_info{{{of_it}}}"), "the server is forgotten")
        until(lambda: not prometheus.query(f'up{{job="workload", {of_it}}}'), "its target is gone")
        time.sleep(QUIET_SECONDS)
        window = f"{int(time.time() - began) + 1}s"
        fired = prometheus.query(f'max_over_time(ALERTS{{alertstate="firing", {of_it}}}[{window}])')
        left = prometheus.query(f'{{{of_it}, __name__=~"city_.*|up"}}')
    print(
        json.dumps(
            {
                "seconds": seconds, "target": {**target.labels},
                "fired": [sample.label("alertname") for sample in fired],
                "left": [{**sample.labels} for sample in left],
            }
        )
    )  # fmt: skip


@contextlib.contextmanager
def a_server(inside: Any, agency: str) -> Iterator[Any]:
    """ACTIVE and with its floating address; gone at the end, whatever happens."""
    made: list[Callable[[], None]] = []
    try:
        network = inside.network.find_network(agency)
        port = inside.network.create_port(network_id=network.id, name=NAME)
        made.append(lambda: inside.network.delete_port(port))
        address = inside.network.create_ip(
            floating_network_id=inside.network.find_network("external").id, port_id=port.id
        )
        made.append(lambda: inside.network.delete_ip(address))
        server = inside.compute.create_server(
            name=NAME, image_id=inside.image.find_image("debian-12-container").id,
            flavor_id=inside.compute.find_flavor("container.small").id, networks=[{"port": port.id}],
            metadata={ITEM_KEY: ITEM},
        )  # fmt: skip
        made.append(lambda: _delete(inside, server))
        yield inside.compute.wait_for_server(server, interval=1, wait=PATIENCE_SECONDS)
    finally:
        for undo in reversed(made):
            undo()


def _delete(inside: Any, server: Any) -> None:
    inside.compute.delete_server(server)
    inside.compute.wait_for_delete(server, 1, PATIENCE_SECONDS)


def until(good: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not good():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(1)


if __name__ == "__main__":
    main()

"""Gives an agency something of everything that people make by hand, as its own person; prints JSON.

usage: offboarding_ground.py INVENTORY AGENCY IMAGE FLAVOR   (inside the lab's network)
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from typing import Any

import openstack

from tests.cloud import admin

PATTERN = b"bytes of the agency's own "
COPIES = 200_000
PASSWORD = "only-for-this-test-0"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0Q5QpTtYxwUeR3gX7VqH4bqTgkK1mDqvYwHkQ6D8jv test"


def main() -> None:
    inventory, agency, image_name, flavor_name = sys.argv[1:]
    site = admin.site_of(inventory)
    root = admin.connect(site)
    project, domain = admin.project_of(root, agency), root.identity.find_domain(agency)
    person = root.identity.create_user(name="lan", domain_id=domain.id, password=PASSWORD)
    root.identity.assign_project_role_to_user(project, person, root.identity.find_role("member"))
    cloud = openstack.connect(
        auth_url=site.identity_url, username="lan", password=PASSWORD, user_domain_id=domain.id,
        project_id=project.id, region_name=site.inventory.site.region_name,
        cacert=str(site.paths.ca_certificate),
    )  # fmt: skip
    told = {"project": project.id, "user": person.id, **_disks(cloud)}
    _credential(cloud)
    cloud.compute.create_keypair(name="lan", public_key=KEY)
    external = next(network for network in root.network.networks() if network.is_router_external)
    cloud.network.create_ip(floating_network_id=external.id)
    groups = [one for one in root.network.security_groups() if one.project_id == project.id]
    group = next(one for one in groups if one.name == "baseline")
    cloud.network.create_security_group_rule(
        security_group_id=group.id, direction="ingress", ethertype="IPv4", protocol="tcp",
        port_range_min=8443, port_range_max=8443, remote_ip_prefix="10.1.0.0/16",
    )  # fmt: skip
    network = next(one for one in root.network.networks() if one.project_id == project.id)
    image = next(one for one in root.image.images() if one.name == image_name)
    server = cloud.compute.create_server(
        name="by-hand", image_id=image.id, flavor_id=root.compute.find_flavor(flavor_name).id, key_name="lan",
        networks=[{"uuid": network.id}],
    )  # fmt: skip
    server = cloud.compute.wait_for_server(server, wait=600)
    cloud.compute.create_volume_attachment(server, volume_id=told["volume"])
    cloud.block_storage.wait_for_status(
        cloud.block_storage.get_volume(told["volume"]), "in-use", ["error"], 2, 300
    )
    print(json.dumps({**told, "server": server.id}))


def _disks(cloud: Any) -> dict[str, str]:
    """An image of known bytes, a volume that is made of it, and a snapshot of the volume."""
    data = PATTERN * COPIES
    image = cloud.image.create_image(
        "of-their-own", data=data, disk_format="raw", container_format="bare", wait=True
    )
    storage = cloud.block_storage
    volume = storage.create_volume(size=1, name="records", image_id=image.id)
    storage.wait_for_status(volume, "available", ["error"], 2, 300)
    snapshot = storage.create_snapshot(volume_id=volume.id, name="of-their-own")
    storage.wait_for_status(snapshot, "available", ["error"], 2, 300)
    return {"image": image.id, "image_sha256": hashlib.sha256(data).hexdigest(), "volume": volume.id}


def _credential(cloud: Any) -> None:
    """Keystone sees a role that was just given a few seconds later."""
    for _ in range(20):
        try:
            cloud.identity.create_application_credential(cloud.current_user_id, "ci")
        except openstack.exceptions.BadRequestException:
            time.sleep(2)
        else:
            return
    raise AssertionError("Keystone never saw the role")


if __name__ == "__main__":
    main()

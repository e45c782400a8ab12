"""Makes a volume, attaches it to an agency's server, looks for it inside, and takes all away; prints JSON.

usage: volume.py INVENTORY AGENCY SERVER   (inside the lab's network)
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

from tests.cloud import admin


def main() -> None:
    inventory, agency, name = sys.argv[1:]
    site = admin.site_of(inventory)
    cloud = admin.connect(site, admin.project_of(admin.connect(site), agency).id)
    server = cloud.compute.find_server(name)
    addresses = [entry["addr"] for entries in server.addresses.values() for entry in entries]
    address = next(ip.floating_ip_address for ip in cloud.network.ips() if ip.fixed_ip_address in addresses)
    volumes = cloud.block_storage

    def wait(volume_id: str, status: str) -> None:
        volumes.wait_for_status(volumes.get_volume(volume_id), status, ["error"], 1, 120)

    def disks() -> list[str]:
        ssh = ["ssh", "-i", str(site.paths.ssh_key), "-o", "StrictHostKeyChecking=no"]
        ssh += ["-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", f"debian@{address}"]
        listing = subprocess.run([*ssh, "cat /proc/partitions"], capture_output=True, text=True, check=True)
        return [line.split()[3] for line in listing.stdout.splitlines()[2:]]

    before = disks()
    volume = volumes.create_volume(size=1, name="test")
    wait(volume.id, "available")
    cloud.compute.create_volume_attachment(server, volume_id=volume.id)
    wait(volume.id, "in-use")
    deadline = time.monotonic() + 60
    while not (added := sorted(set(disks()) - set(before))) and time.monotonic() < deadline:
        time.sleep(2)
    cloud.compute.delete_volume_attachment(server, volume.id)
    wait(volume.id, "available")
    volumes.delete_volume(volume)
    volumes.wait_for_delete(volume, 1, 120)
    print(json.dumps({"added": added}))


main()

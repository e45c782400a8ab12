"""A healthy server and the site it belongs to."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from infra import inventory as inventories
from infra.domain.host import Host
from infra.hosts.checks import GIB, Subject
from infra.hosts.facts import ServerFacts
from infra.inventory import Inventory

ROOT = Path(__file__).parents[3]
DIGEST = "5d490dca82335a35bf8b66733ac707063207c426e5b155e7568124922bbab870"


@pytest.fixture(scope="session")
def lab_inventory() -> Inventory:
    return inventories.load(ROOT / "inventories" / "lab")


@pytest.fixture(scope="session")
def production_inventory() -> Inventory:
    return inventories.load(ROOT / "inventories" / "production")


def make_facts(host: Host, **changes: Any) -> ServerFacts:
    """What a bare server of a lab says, which is fit for anything."""
    facts = ServerFacts(
        hostname=host.name,
        machine_id=f"id-of-{host.name}",
        os_id="debian",
        os_version="12",
        architecture="x86_64",
        cpus=256,
        memory_kib=1024**3,
        free_bytes=8000 * GIB,
        clock_offset=0.0,
        addresses={
            "lo": ("127.0.0.1/8",),
            "mgmt0": (f"{host.address}/24",),
            "tun0": (f"{host.tunnel_address}/24",),
            "ext0": (),
        },
        listeners={22: ("ssh.service",)},
        resolved={},
        depot_digest=DIGEST,
        depot_error="",
        kvm=False,
        openvswitch=False,
        devices=("/dev/net/tun", "/dev/fuse", "/dev/loop-control"),
    )
    return replace(facts, **changes)


def make_subject(inventory: Inventory, name: str, **changes: Any) -> Subject:
    host = inventory.host(name)
    addresses: dict[str, IPv4Address] = {known.name: known.address for known in inventory.hosts}
    return Subject(host, inventory.site, make_facts(host, **changes), addresses, DIGEST)

"""`citycloud inventory`: what a site's folder says, and whether it can be built."""

from __future__ import annotations

from pathlib import Path

import click

from infra import inventory as inventories
from infra.cli.output import emit, inventory_option, output_option
from infra.inventory import Inventory


@click.group()
def inventory() -> None:
    """Check the inventory of a site."""


@inventory.command()
@inventory_option
@output_option
def check(inventory: Path, output: str) -> None:
    """Validate every file of an inventory; name all that is wrong, with the way out."""
    found = inventories.load(inventory)
    emit(output, summary(found), lambda: text(found))


def summary(found: Inventory) -> dict[str, object]:
    return {
        "path": found.path,
        "site_name": found.site.site_name,
        "region": found.site.region_name,
        "lab": found.lab is not None,
        "digest": found.digest(),
        "hosts": [host.name for host in found.hosts],
        "agencies": [agency.code for agency in found.agencies],
        "virtual_machines": sum(len(agency.servers) for agency in found.agencies),
    }


def text(found: Inventory) -> str:
    machines = sum(len(agency.servers) for agency in found.agencies)
    kind = "lab" if found.lab is not None else "site"
    return (
        f"{found.path}: valid\n"
        f"{kind} {found.site.site_name} in region {found.site.region_name}: {len(found.hosts)} servers"
        f" ({len(found.controllers())} controllers, {len(found.hypervisors())} hypervisors),"
        f" {len(found.agencies)} agencies, {machines} virtual machines"
    )

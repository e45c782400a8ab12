"""`citycloud down`: takes away what `up` made, and nothing else."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from infra import inventory as inventories
from infra.cli.output import emit, inventory_option, output_option
from infra.provisioning import down as removal
from infra.settings import Settings


@click.command()
@inventory_option
@output_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--purge", is_flag=True, help="Also remove the depot and the cache, which the next `up` must make anew."
)
def down(inventory: Path, output: str, yes: bool, purge: bool) -> None:
    """Remove a lab and everything that `up` made for it.

    Servers with their disks, network, passwords, keys, journal and stacks of this lab go. Depot and caches
    stay for the next `up`, unless --purge. A production site is never removed by one command.
    """
    settings = Settings.from_environment(os.environ)
    site = inventories.load(inventory)
    plan = removal.plan(settings, site, purge=purge)
    if not yes and sys.stdin.isatty():
        for path in plan.removed:
            click.echo(f"removes {path}", err=True)
        click.confirm(f"Remove the lab {site.site.site_name} for good?", abort=True, err=True)
    removal.down(settings, site, plan, lambda text: click.echo(text, err=True))
    emit(
        output,
        plan,
        lambda: "\n".join([*(f"removed {p}" for p in plan.removed), *(f"kept {p}" for p in plan.kept)]),
    )

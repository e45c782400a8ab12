"""`citycloud up`: from bare servers to agencies that are served."""

from __future__ import annotations

import os
from pathlib import Path

import click

from infra import inventory as inventories
from infra.cli.deploy import completion
from infra.cli.output import emit, inventory_option, output_option
from infra.cli.progress import shown_progress
from infra.cli.status import show_status
from infra.provisioning import up as runs
from infra.provisioning.site import find_site
from infra.settings import Settings


@click.command()
@inventory_option
@output_option
@click.option("--from-start", is_flag=True, help="Go through every phase, even what a cut run has done.")
def up(inventory: Path, output: str, from_start: bool) -> int:
    """Bring a whole site up, or go on where a run was cut.

    Nothing changes before the inventory, the depot and every server were found fit. A run that was killed
    anywhere is resumed at the phase that was cut; a run over an unchanged site changes nothing.
    """
    settings = Settings.from_environment(os.environ)
    site = inventories.load(inventory)
    with shown_progress() as progress:
        completed = runs.up(settings, site, progress, resume=not from_start)
    if output == "text":
        emit(output, None, lambda: completion(completed))
    return show_status(find_site(settings, site), output)

"""`citycloud deploy`: only the phases that are named."""

from __future__ import annotations

import os
from pathlib import Path

import click

from infra import inventory as inventories
from infra.cli.output import duration, emit, inventory_option, output_option
from infra.cli.progress import shown_progress
from infra.provisioning import up
from infra.settings import Settings


@click.command()
@inventory_option
@click.option(
    "--phase", "phases", multiple=True, required=True, metavar="NAME", help="May be given several times."
)
@output_option
def deploy(inventory: Path, phases: tuple[str, ...], output: str) -> None:
    """Deploy only the named phases of a site, in their order.

    For one who works on a playbook, or mends one part of a site: nothing is skipped because of the journal,
    and the other phases are not looked at.
    """
    settings = Settings.from_environment(os.environ)
    site = inventories.load(inventory)
    with shown_progress() as progress:
        completed = up.deploy(settings, site, progress, phases)
    emit(output, completed, lambda: completion(completed))


def completion(completed: up.Completed) -> str:
    run = completed.run
    lines = [f"{run.command} done in {duration(run.seconds)}, {run.changed} changed"]
    lines += [f"slow: {slow}" for slow in completed.slow_phases]
    return "\n".join(lines)

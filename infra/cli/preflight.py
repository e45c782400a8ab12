"""`citycloud preflight`: one report of all that is wrong, before anything changes."""

from __future__ import annotations

import os
from pathlib import Path

import click

from infra import inventory as inventories
from infra.cli.output import emit, inventory_option, output_option
from infra.errors import PreflightFailed
from infra.hosts import deploy_host, namespace
from infra.hosts import preflight as checks
from infra.settings import Settings


@click.command()
@inventory_option
@output_option
def preflight(inventory: Path, output: str) -> None:
    """Check servers and deploy host before a deployment.

    Looks at SSH, system, processors, memory, disks, clock, names, ports and the depot of every server;
    changes nothing. Exit code 3 if anything is wrong.
    """
    settings = Settings.from_environment(os.environ)
    site = inventories.load(inventory)
    problems = deploy_host.examine(site, settings)
    if site.lab is not None:
        namespace.enter(namespace.name_of(site.site.site_name))
    report = checks.examine(site, settings)
    if problems := [*problems, *report.problems]:
        raise PreflightFailed(problems)
    emit(output, report.facts, lambda: f"{len(report.facts)} servers are fit")

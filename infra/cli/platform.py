"""`citycloud platform`: the stack that all agencies share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from infra import inventory as inventories
from infra.cli.output import emit, inventory_option, output_option
from infra.cli.stacks import show_event, text
from infra.provisioning.stack_result import Operation
from infra.provisioning.stack_runs import run_platform
from infra.settings import Settings


@click.group()
def platform() -> None:
    """The platform stack: flavors, images, networks, aggregates, roles."""


@platform.command()
@inventory_option
@output_option
def preview(inventory: Path, output: str) -> None:
    """Show what `up` would change; change nothing."""
    _run("preview", inventory, output)


@platform.command()
@inventory_option
@output_option
@click.option("--force", is_flag=True, help="Run even if nothing can have changed since the last time.")
def up(inventory: Path, output: str, force: bool) -> None:
    """Make the platform what the inventory says."""
    _run("up", inventory, output, force=force)


@platform.command()
@inventory_option
@output_option
def refresh(inventory: Path, output: str) -> None:
    """Read the cloud into the stack; show what somebody changed by hand."""
    _run("refresh", inventory, output)


@platform.command()
@inventory_option
@output_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def destroy(inventory: Path, output: str, yes: bool) -> None:
    """Remove the platform; the cloud refuses while landing zones stand on it."""
    if not yes and sys.stdin.isatty():
        click.confirm("Remove flavors, images and networks that all agencies share?", abort=True, err=True)
    _run("destroy", inventory, output)


def _run(operation: Operation, inventory: Path, output: str, *, force: bool = False) -> None:
    settings = Settings.from_environment(os.environ)
    results = run_platform(settings, inventories.load(inventory), operation, show_event, force=force)
    emit(output, results, lambda: text(results))

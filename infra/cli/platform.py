"""`citycloud platform`: the stack that all agencies share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from infra import inventory as inventories
from infra.cli.guard import operator_options, signer_of
from infra.cli.output import emit, inventory_option, output_option
from infra.cli.stacks import shown_stacks, text
from infra.provisioning.stack_result import Operation
from infra.provisioning.stack_runs import run_platform
from infra.settings import Settings


@click.group()
def platform() -> None:
    """The platform stack: flavors, images, networks, aggregates, roles."""


@platform.command()
@inventory_option
@output_option
@click.option("--force", is_flag=True, help="Run even if nothing can have changed.")
def preview(inventory: Path, output: str, force: bool) -> None:
    """Show what `up` would change and what of it would be refused; change nothing."""
    _run("preview", inventory, output, force=force)


@platform.command()
@inventory_option
@output_option
@operator_options
@click.option("--force", is_flag=True, help="Run even if nothing can have changed since the last time.")
def up(inventory: Path, output: str, operator: str, key: Path | None, force: bool) -> None:
    """Make the platform what the inventory says; what loses data needs a second person."""
    _run("up", inventory, output, force=force, asks=(operator, key))


@platform.command()
@inventory_option
@output_option
def refresh(inventory: Path, output: str) -> None:
    """Read the cloud into the stack; show what somebody changed by hand."""
    _run("refresh", inventory, output)


@platform.command()
@inventory_option
@output_option
@operator_options
@click.option("--yes", is_flag=True, help="Do not ask; a second person has to confirm all the same.")
def destroy(inventory: Path, output: str, operator: str, key: Path | None, yes: bool) -> None:
    """Remove the platform; the cloud refuses while landing zones stand on it."""
    if not yes and sys.stdin.isatty():
        click.confirm("Remove flavors, images and networks that all agencies share?", abort=True, err=True)
    _run("destroy", inventory, output, asks=(operator, key))


def _run(
    operation: Operation, inventory: Path, output: str, *, force: bool = False,
    asks: tuple[str, Path | None] = ("", None),
) -> None:  # fmt: skip
    settings, loaded = Settings.from_environment(os.environ), inventories.load(inventory)
    requester = signer_of(loaded, *asks)
    with shown_stacks() as listener:
        results = run_platform(settings, loaded, operation, listener, force=force, requester=requester)
    emit(output, results, lambda: text(results))

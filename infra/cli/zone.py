"""`citycloud zone`: what each agency gets on day one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from infra import inventory as inventories
from infra.cli.drift import drift
from infra.cli.guard import confirm, operator_options, plans, signer_of
from infra.cli.offboarding import offboard, readmit, verify_record
from infra.cli.output import emit, inventory_option, output_option
from infra.cli.stacks import shown_stacks, text
from infra.provisioning.stack_result import Operation
from infra.provisioning.stack_runs import run_zones
from infra.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


def agencies_argument(function: F) -> F:
    """[AGENCY]... as parameter `agencies`; none means all."""
    return click.argument("agencies", nargs=-1, metavar="[AGENCY]...")(function)


@click.group()
def zone() -> None:
    """The landing zones of the agencies: project, people, quotas, network, first servers."""


for command in (drift, plans, confirm, offboard, readmit, verify_record):
    zone.add_command(command)


@zone.command()
@inventory_option
@agencies_argument
@output_option
@click.option("--force", is_flag=True, help="Run even those of which nothing can have changed.")
def preview(inventory: Path, agencies: tuple[str, ...], output: str, force: bool) -> None:
    """Show what `up` would change and what of it would be refused; change nothing."""
    _run("preview", inventory, agencies, output, force=force)


@zone.command()
@inventory_option
@agencies_argument
@output_option
@operator_options
@click.option(
    "--force", is_flag=True, help="Run even those of which nothing can have changed since the last time."
)
def up(
    *, inventory: Path, agencies: tuple[str, ...], output: str, operator: str, key: Path | None, force: bool
) -> None:
    """Make landing zones what the inventory says; refused where it loses data, until a second person
    confirms.
    """
    _run("up", inventory, agencies, output, force=force, asks=(operator, key))


@zone.command()
@inventory_option
@agencies_argument
@output_option
def refresh(inventory: Path, agencies: tuple[str, ...], output: str) -> None:
    """Read the cloud into the stacks; show what somebody changed by hand."""
    _run("refresh", inventory, agencies, output)


@zone.command()
@inventory_option
@agencies_argument
@output_option
@operator_options
@click.option("--all", "everyone", is_flag=True, help="Remove every landing zone.")
@click.option("--yes", is_flag=True, help="Do not ask; a second person has to confirm all the same.")
def destroy(
    *, inventory: Path, agencies: tuple[str, ...], output: str, operator: str, key: Path | None,
    everyone: bool, yes: bool,
) -> None:  # fmt: skip
    """Remove landing zones with everything in them: servers, volumes, networks, people, project."""
    if bool(agencies) == everyone:
        raise click.UsageError("name agencies, or all of them with --all")
    if not yes and sys.stdin.isatty():
        what = ", ".join(agencies) or "EVERY agency"
        click.confirm(f"Remove the landing zone of {what} with everything in it?", abort=True, err=True)
    _run("destroy", inventory, agencies, output, asks=(operator, key))


def _run(
    operation: Operation, inventory: Path, agencies: tuple[str, ...], output: str, *, force: bool = False,
    asks: tuple[str, Path | None] = ("", None),
) -> None:  # fmt: skip
    settings, loaded = Settings.from_environment(os.environ), inventories.load(inventory)
    requester = signer_of(loaded, *asks)
    with shown_stacks() as listener:
        results = run_zones(settings, loaded, operation, agencies, listener, force=force, requester=requester)
    emit(output, results, lambda: text(results))

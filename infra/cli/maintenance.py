"""`citycloud maintenance`: windows that were agreed with agencies, and the silences that stand for them."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import click

from infra import inventory as inventories
from infra.cli.output import emit, inventory_option, output_option
from infra.domain.maintenance import MaintenanceWindow
from infra.provisioning.maintenance import apply_windows, read_states
from infra.provisioning.site import find_site
from infra.settings import Settings


@click.group()
def maintenance() -> None:
    """Maintenance windows, and the silences that stand for them."""


@maintenance.command("list")
@inventory_option
@output_option
@click.option("--all", "everything", is_flag=True, help="Also windows that have ended.")
def list_(*, inventory: Path, output: str, everything: bool) -> None:
    """Show the windows, and whether Alertmanager has a silence for each."""
    site = find_site(Settings.from_environment(os.environ), inventories.load(inventory))
    now = dt.datetime.now(dt.UTC)
    states = [one for one in read_states(site, now) if everything or one.state != "ended"]
    emit(output, states, lambda: "\n".join(
        f"{one.state:8} {line(one.window)}" for one in states) or "no window lies ahead")  # fmt: skip


@maintenance.command("apply")
@inventory_option
@output_option
def apply(*, inventory: Path, output: str) -> None:
    """Make Alertmanager's silences what `maintenance.yaml` says. A second run changes nothing."""
    site = find_site(Settings.from_environment(os.environ), inventories.load(inventory))
    done = apply_windows(site, dt.datetime.now(dt.UTC))
    emit(output, done, lambda: (
        f"{len(done.made)} made, {len(done.removed)} removed, {len(done.kept)} as they were"))  # fmt: skip


def line(window: MaintenanceWindow) -> str:
    whose = ", ".join(window.agencies) or "all agencies"
    which = f" ({', '.join(window.workloads)})" if window.workloads else ""
    when = f"{window.starts.isoformat()} to {window.ends.isoformat()}"
    return f"{window.id}: {when}, {whose}{which}: {window.reason_en}"

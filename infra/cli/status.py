"""`citycloud status`, and the summary that ends `citycloud up`."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import click

from infra import inventory as inventories
from infra.cli.main import EXIT_UNHEALTHY
from infra.cli.output import duration, emit, inventory_option, output_option
from infra.provisioning.site import SiteContext, find_site
from infra.provisioning.status import SiteStatus, VirtualMachine, read_status
from infra.settings import Settings

MIB = 1024 * 1024


@click.command()
@inventory_option
@output_option
def status(inventory: Path, output: str) -> int:
    """Show what the site is and does now.

    Everything is read from the site itself, at this moment. Exit code 6 if something is wrong.
    """
    site = find_site(Settings.from_environment(os.environ), inventories.load(inventory))
    return show_status(site, output)


def show_status(site: SiteContext, output: str) -> int:
    """Print it; returns the exit code."""
    found = read_status(site, dt.datetime.now(dt.UTC))
    emit(output, {"healthy": found.healthy, **vars(found)}, lambda: text(found))
    return 0 if found.healthy else EXIT_UNHEALTHY


def text(found: SiteStatus) -> str:
    up = sum(hypervisor.state == "up" for hypervisor in found.hypervisors)
    rows = [
        ("site", f"{found.site_name} in {found.region}{' (lab)' if found.lab else ''}"),
        ("API", found.api_url),
        *found.dashboards.items(),
        ("APIs", f"{sum(api.up for api in found.apis)} of {len(found.apis)} answer"),
        ("hypervisors", f"{up} of {len(found.hypervisors)} up: " + _hypervisors(found)),
        ("agencies", f"{found.onboarded} of {found.agencies} onboarded"),
        ("VMs", str(len(found.virtual_machines))),
        *(("", _machine(machine)) for machine in found.virtual_machines),
        ("capacity", ", ".join(f"{item.servers} {item.flavor}" for item in found.capacity) or "unknown"),
        ("targets", f"{found.targets_up} of {found.targets} up"),
        ("alerts", str(len(found.alerts)) if found.alerts else "none fire"),
        *(("", f"{alert.severity} {alert.name}: {alert.summary}") for alert in found.alerts),
        *_memory(found),
        *_last_run(found),
        *(("PROBLEM", problem) for problem in found.problems),
        *(("next" if not i else "", command) for i, command in enumerate(found.next_commands)),
    ]
    return "\n".join(f"{name:<13}{value}".rstrip() for name, value in rows)


def _hypervisors(found: SiteStatus) -> str:
    return ", ".join(f"{item.name} ({item.virt_type}) {item.state}" for item in found.hypervisors)


def _machine(machine: VirtualMachine) -> str:
    name = f"{machine.agency}/{machine.name}"
    seconds = "" if machine.ssh_seconds is None else f"SSH after {machine.ssh_seconds:.1f} s"
    return f"{name:<22} {machine.address or '-':<16} {machine.state:<9} {machine.hypervisor:<10} {seconds}"


def _memory(found: SiteStatus) -> list[tuple[str, str]]:
    if found.memory_bytes is None:
        return []
    return [("memory", f"{found.memory_bytes // MIB} MiB for the whole lab")]


def _last_run(found: SiteStatus) -> list[tuple[str, str]]:
    run = found.last_run
    if run is None:
        return [("last run", "none")]
    rows = [
        (
            "last run",
            f"{run.command} {run.state}, {run.started:%Y-%m-%d %H:%M} UTC, {duration(run.seconds)},"
            f" {run.changed} changed",
        )
    ]
    return [*rows, *(("slow", str(phase)) for phase in run.slow)]

"""`citycloud verify`: the proof that a site serves."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from infra import inventory as inventories
from infra.cli.main import EXIT_UNHEALTHY
from infra.cli.output import emit, inventory_option, output_option
from infra.provisioning.live_site import LiveSite
from infra.provisioning.site import find_site
from infra.provisioning.verify import Report, Verification
from infra.settings import Settings


@click.command()
@inventory_option
@output_option
def verify(inventory: Path, output: str) -> int:
    """Prove that the site serves: VMs over SSH, isolation, APIs, targets.

    Reaches every VM of the inventory at its floating address, looks from inside each at other agencies'
    private networks, asks every API over TLS, and reads the monitoring targets. Exit code 6 if a check fails.
    """
    site = find_site(Settings.from_environment(os.environ), inventories.load(inventory))
    site.enter_network()
    live = LiveSite(site)
    shown = _Steps()
    report = Verification(site.inventory, live, live.compute, live.roll, shown.step).run()
    emit(output, {"ok": report.ok, "checks": report.checks}, lambda: text(report))
    return 0 if report.ok else EXIT_UNHEALTHY


def text(report: Report) -> str:
    lines = [
        f"{'ok  ' if check.ok else 'FAIL'} {check.name:<11} {check.subject:<24} {check.detail}"
        for check in report.checks
    ]
    lines.append(f"{len(report.checks) - len(report.failed)} of {len(report.checks)} checks hold")
    return "\n".join(lines)


class _Steps:
    """Prints a step once, however often it is repeated while waiting."""

    def __init__(self) -> None:
        self._last = ""

    def step(self, text: str) -> None:
        if text != self._last:
            self._last = text
            sys.stderr.write(f"{text}\n")

"""`citycloud logs`: what all servers wrote, searched in one place."""

from __future__ import annotations

import os
from pathlib import Path

import click

from infra import inventory as inventories
from infra.cli.output import emit, inventory_option, output_option
from infra.domain.log import PRIORITIES, LogEntry, LogQuery
from infra.provisioning.logs import search
from infra.provisioning.site import find_site
from infra.settings import Settings


@click.command()
@inventory_option
@output_option
@click.option("--host", multiple=True, metavar="SERVER", help="Only this server; may be given several times.")
@click.option(
    "--unit", multiple=True, metavar="NAME", help="Only this unit: nova-api, nova (all of it), compute."
)
@click.option(
    "--agency", default="", metavar="CODE", help="Only entries that name one of its servers or projects."
)
@click.option(
    "--since", default="-1h", show_default=True, metavar="WHEN", help="-1h, -2d, yesterday, 2026-11-26 22:00."
)
@click.option("--until", default="", metavar="WHEN", help="As --since.")
@click.option(
    "--grep", default="", metavar="REGEX", help="Only entries that match; lower case matches any case."
)
@click.option(
    "--priority",
    type=click.Choice(PRIORITIES),
    default=None,
    help="Only entries at least as bad. OpenStack's are all info: use --grep ERROR.",
)
@click.option(
    "--lines",
    type=click.IntRange(1, 20000),
    default=200,
    show_default=True,
    help="At most so many, the last.",
)
def logs(
    *, inventory: Path, output: str, host: tuple[str, ...], unit: tuple[str, ...], agency: str, since: str,
    until: str, grep: str, priority: str | None, lines: int,
) -> None:  # fmt: skip
    """Search the journals of all servers.

    They are gathered on the first monitoring server and kept for twelve months (logs_retention_months). Each
    alert names the command line that shows what belongs to it.
    """
    site = find_site(Settings.from_environment(os.environ), inventories.load(inventory))
    query = LogQuery(host, unit, since, until, grep, (), priority or "", lines)
    found = search(site, query, agency)
    emit(output, found, lambda: "\n".join(map(line, found)) or "nothing found")


def line(entry: LogEntry) -> str:
    unit = entry.unit.removesuffix(".service")
    return f"{entry.at[:23].replace('T', ' ')}Z {entry.host} {unit} {entry.priority}: {entry.message}"

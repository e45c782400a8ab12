"""`citycloud dashboards`: the dashboards for a Grafana that the city runs."""

from __future__ import annotations

from pathlib import Path

import click

from infra import inventory as inventories
from infra.cli.output import emit, inventory_option, output_option
from infra.provisioning.prometheus import PROMETHEUS_PORT


@click.group()
def dashboards() -> None:
    """Dashboards as code, for a Grafana of the city's."""


@dashboards.command("write")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@inventory_option
@click.option(
    "--prometheus", metavar="URL", help="Prometheus as Grafana reaches it; the site's own if not given."
)
@output_option
def write(*, folder: Path, inventory: Path, prometheus: str | None, output: str) -> int:
    """Write dashboards and Grafana's provisioning files to DIR.

    DIR/provisioning belongs into Grafana's /etc/grafana, DIR/dashboards to the path that it names. Files
    that are as they should be are left alone.
    """
    from monitoring.dashboards.grafana import files

    loaded = inventories.load(inventory)
    hosts = loaded.monitoring()
    if prometheus is None:
        if not hosts:
            raise click.UsageError("the inventory has no server in group `monitoring`: give --prometheus")
        prometheus = f"http://{hosts[0].address}:{PROMETHEUS_PORT}"
    names = {agency.code: agency.name_vi for agency in loaded.agencies}
    changed = [
        str(folder / path) for path, text in files(names, prometheus).items() if _put(folder / path, text)
    ]
    emit(output, {"changed": changed}, lambda: "\n".join(changed) or "nothing to change")
    return 0


def _put(path: Path, text: str) -> bool:
    """Write a file, whole or not at all; False if it is as it should be."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(path.suffix + ".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
    return True

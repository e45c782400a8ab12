"""`citycloud depot`: the folder with everything that servers install."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import click

from infra import depot as depots
from infra.cli.output import duration, emit, output_option
from infra.depot import BuildResult
from infra.provisioning import pulumi_engine
from infra.settings import Settings


@click.group()
def depot() -> None:
    """Build and verify the depot that servers install from."""


@depot.command()
@click.option("--renew", "renew", multiple=True, metavar="PART", help="Make this part again in any case.")
@click.option("--keycloak", is_flag=True, help="Keycloak, too, for a site that runs one. Needs Maven.")
@output_option
def build(renew: tuple[str, ...], keycloak: bool, output: str) -> None:
    """Fill the depot; what is in place and made from the same inputs is left alone.

    The only command that needs the outside world. `--renew apt` fetches what Debian has published since.
    """
    settings = Settings.from_environment(os.environ)
    result = depots.build(
        settings.depot_dir,
        settings.cache_dir,
        settings.project_root,
        _show,
        engine=lambda: _engine(settings),
        renew=renew,
        with_keycloak=keycloak,
    )
    emit(output, result, lambda: _text(result, settings.depot_dir))


@depot.command()
@output_option
def verify(output: str) -> None:
    """Hash every file of the depot and compare it with the manifest."""
    directory = Settings.from_environment(os.environ).depot_dir
    files = depots.verify(directory)
    emit(output, {"depot": directory, "files": files}, lambda: f"{directory}: {files} files are right")


@depot.command()
@click.option("--address", default="127.0.0.1", show_default=True, help="Address to listen on: depot_url's.")
@click.option("--port", default=8090, show_default=True, type=click.IntRange(1, 65535))
def serve(address: str, port: int) -> None:
    """Hand the depot out over HTTP until stopped. Labs have a server of their own."""
    directory = Settings.from_environment(os.environ).depot_dir
    click.echo(f"serving {directory} at http://{address}:{port}", err=True)
    try:
        depots.serve(directory, address, port)
    except OSError as error:
        raise click.UsageError(f"cannot listen on {address} port {port}: {error.strerror}") from error


def _engine(settings: Settings) -> Path:
    return pulumi_engine.ensure(
        settings.cache_dir, lambda text: _show("pulumi", text, 0.0), settings.search_path
    )


def _show(part: str, message: str, fraction: float) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {part}: {message}\n")


def _text(result: BuildResult, directory: Path) -> str:
    lines = [f"{part:<32}{duration(seconds):>12}" for part, seconds in result.made.items()]
    return "\n".join([*lines, f"{directory}: {len(result.made)} parts made, {len(result.in_place)} in place"])

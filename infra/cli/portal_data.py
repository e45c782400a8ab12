"""The portal's database as a whole: its tables, its backups. Commands of `citycloud portal`, on its
server."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click

from infra.cli.output import emit, output_option
from infra.cli.portal_settings import CONFIG, load
from infra.store.backup import Manifest, back_up
from infra.store.migration import newest
from infra.store.portal_database import PortalDatabase
from infra.store.restoring import restore as restored

F = TypeVar("F", bound=Callable[..., Any])


def config_option(function: F) -> F:
    """--config FILE, as parameter `config` (a Path)."""
    return click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        default=CONFIG,
        show_default=True,
        help="The portal's settings.",
    )(function)


@click.command()
@config_option
@output_option
def migrate(*, config: Path, output: str) -> None:
    """Make the portal's tables, or bring them to this release. Asked again it changes nothing."""
    settings = load(config, os.environ)
    with PortalDatabase(settings.database, key=settings.audit_key) as database:
        place = database.place
    found = {"database": place, "schema": newest()}
    emit(output, found, lambda: f"{place}: tables are of version {found['schema']}")


@click.command()
@config_option
@click.option(
    "--to", required=True, metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
    help="A new file; only its owner can read it.",
)  # fmt: skip
@output_option
def backup(*, config: Path, to: Path, output: str) -> None:
    """Write the portal's whole database to a file, as it is at one moment, while people go on working.

    The file has personal data and no secrets that open anything. It is proven by the audit key: keep that
    key elsewhere, as nobody can restore the file without it.
    """
    settings = load(config, os.environ)
    with PortalDatabase(settings.database, key=settings.audit_key, make=False) as database:
        made = back_up(database, to, dt.datetime.now(dt.UTC))
    emit(output, _document(to, made), lambda: f"{to}: {_told(made)}")


@click.command()
@config_option
@click.option(
    "--from", "source", required=True, metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file of `citycloud portal backup`.",
)  # fmt: skip
@click.option(
    "--into", required=True, metavar="URL",
    help="An empty database, SQLite or PostgreSQL whichever it was; PGPASSWORD has its password.",
)  # fmt: skip
@output_option
def restore(*, config: Path, source: Path, into: str, output: str) -> None:
    """Put a backup into an empty database: whole, or not at all.

    The file's digest, the number of rows and the audit chain are checked before anything is kept. Then point
    `database` of the settings to it. People sign in anew.
    """
    settings = load(config, os.environ)
    made = restored(source, into, settings.audit_key, dt.datetime.now(dt.UTC))
    emit(output, _document(source, made), lambda: f"{source} is restored: {_told(made)}")


def _document(file: Path, made: Manifest) -> dict[str, Any]:
    return {"file": str(file), **asdict(made)}


def _told(made: Manifest) -> str:
    requests, records = made.rows.get("request", 0), made.rows.get("audit_record", 0)
    return (
        f"{sum(made.rows.values())} rows of {made.made}, {requests} requests and {records} audit records,"
        f" SHA-256 {made.digest}"
    )

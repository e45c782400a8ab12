"""`citycloud audit`: the chain of the portal's audit records, on the portal's server."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import click

from infra.cli.output import emit, output_option
from infra.cli.portal_data import config_option
from infra.cli.portal_settings import PortalSettings, load
from infra.domain.audit import AuditBroken, Checkpoint, Fault
from infra.store import checkpoint as checkpoints
from infra.store.portal_database import PortalDatabase


class ChainBroken(AuditBroken):
    """As AuditBroken, with the first record that is not as it was written, for programs."""

    def __init__(self, fault: Fault) -> None:
        self.findings: list[dict[str, Any]] = [
            {"seq": fault.seq, "harm": fault.harm.value, "reason": fault.reason}
        ]
        super().__init__(
            f"{fault}; keep the database as it is and compare it with a backup (citycloud portal backup)"
        )


@click.group()
def audit() -> None:
    """The portal's audit records: follow their chain, note its end."""


@audit.command()
@config_option
@click.option(
    "--checkpoint", "files", multiple=True, metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Checkpoints that were kept elsewhere; may be given several times.",
)  # fmt: skip
@output_option
def verify(*, config: Path, files: tuple[Path, ...], output: str) -> None:
    """Follow the chain: name the first record that was changed, dropped, swapped, inserted or cut off.

    Ends with 0 where every record is as it was written, with 6 where one is not. Only a checkpoint from
    elsewhere finds an old copy of the whole database, or a chain that was made anew with the key.
    """
    settings = load(config, os.environ)
    known = [one for file in files for one in checkpoints.parse(file.read_text(encoding="utf-8"))]
    with _opened(settings) as database:
        found = database.verify(known)
    if isinstance(found, Fault):
        raise ChainBroken(found)
    told = {"records": found, "checkpoints": len(known)}
    emit(
        output, told,
        lambda: f"{found} records are as they were written; {len(known)} checkpoints agree with them",
    )  # fmt: skip


@audit.command()
@config_option
@click.option(
    "--to", "target", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
    help="Add the line to this file as well.",
)  # fmt: skip
@output_option
def checkpoint(*, config: Path, target: Path | None, output: str) -> None:
    """Print the end of the chain with its proof, a line of JSON to keep somewhere else."""
    settings, now = load(config, os.environ), dt.datetime.now(dt.UTC)
    with _opened(settings) as database:
        end: Checkpoint = database.checkpoint()
    line = checkpoints.line(end, now)
    if target is not None:
        checkpoints.append(target, line)
    emit(output, json.loads(line), lambda: line)


def _opened(settings: PortalSettings) -> PortalDatabase:
    return PortalDatabase(settings.database, key=settings.audit_key, make=False)

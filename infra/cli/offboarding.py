"""`citycloud zone offboard`, `verify-record` and `readmit`: how an agency leaves, and what proves it."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from infra import inventory as inventories
from infra.cli.guard import operator_options, signer_of
from infra.cli.output import emit, inventory_option, output_option
from infra.domain.offboarding import Waiver, parse_waiver
from infra.provisioning.export import amount
from infra.provisioning.offboarding import Progress
from infra.provisioning.offboarding_case import Case
from infra.provisioning.offboarding_runs import (
    Wish,
    call_off,
    check_record,
    let_in_again,
    run_offboarding,
)
from infra.provisioning.record import Checked
from infra.settings import Settings


@dataclass(frozen=True)
class Told:
    """What an off-boarding printed."""

    agency: str
    outcome: str
    folder: str
    files: int
    bytes: int
    removed: dict[str, int]
    without_bytes: dict[str, str]
    record: dict[str, Any]


@click.command()
@click.argument("agency")
@inventory_option
@click.option(
    "--export",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that gets a folder with the agency's data; by default exports/SITE in CITYCLOUD_STATE.",
)
@click.option(
    "--without",
    "waivers",
    multiple=True,
    metavar="ID=REASON",
    callback=lambda context, parameter, values: _waivers(values),
    help="Give up a server's or volume's data, which the record says; may be repeated.",
)
@click.option("--cancel", is_flag=True, help="Call it off; possible until something was deleted.")
@operator_options
@output_option
def offboard(
    *,
    agency: str,
    inventory: Path,
    export: Path | None,
    waivers: tuple[Waiver, ...],
    cancel: bool,
    operator: str,
    key: Path | None,
    output: str,
) -> None:
    """Export all that AGENCY has, delete it, and prove that nothing is left.

    A second operator confirms the inventory before anything is changed. Run it again to go on after a stop.
    """
    settings, loaded = Settings.from_environment(os.environ), inventories.load(inventory)
    if cancel:
        case = call_off(settings, loaded, agency, _show)
    else:
        wish = Wish(agency, export, waivers, signer_of(loaded, operator, key))
        case = run_offboarding(settings, loaded, wish, _show)
    told = _told(case)
    emit(output, told, lambda: _text(told))


@click.command()
@click.argument("record", type=click.Path(exists=True, file_okay=False, path_type=Path))
@inventory_option
@click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Certificate (PEM) of the authority that signed; by default this site's.",
)
@output_option
def verify_record(record: Path, inventory: Path, ca: Path | None, output: str) -> None:
    """Check signatures and checksums of an off-boarding's RECORD: its export folder, or `record` in it."""
    checked = check_record(Settings.from_environment(os.environ), inventories.load(inventory), record, ca)
    emit(output, checked, lambda: _checked(checked))


@click.command()
@click.argument("agency")
@inventory_option
@output_option
def readmit(agency: str, inventory: Path, output: str) -> None:
    """Let AGENCY, which was off-boarded, be on-boarded again by `zone up`."""
    kept = let_in_again(Settings.from_environment(os.environ), inventories.load(inventory), agency)
    said = f"{agency} may be on-boarded again: citycloud zone up {agency} (its case is kept in {kept})"
    emit(output, {"agency": agency, "case": str(kept)}, lambda: said)


def _waivers(values: tuple[str, ...]) -> tuple[Waiver, ...]:
    try:
        return tuple(parse_waiver(value) for value in values)
    except ValueError as wrong:
        raise click.BadParameter(str(wrong)) from wrong


def _show(event: Progress) -> None:
    said = event.sentence if event.kind == "step" else event.kind
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {event.agency} {event.step}: {said}\n")


def _told(case: Case) -> Told:
    size = sum(int(file["size"]) for file in case.files.values())
    return Told(
        case.agency, case.outcome, case.folder, len(case.files), size, case.removed, case.given_up,
        case.record,
    )  # fmt: skip


def _text(told: Told) -> str:
    if told.outcome == "called off":
        was = "people and servers are as they were"
        return f"{told.agency}: called off; {was}. What was exported is in {told.folder}"
    lines = [
        f"{told.agency}: nothing is left",
        f"export  {told.files} files, {amount(told.bytes)}, in {told.folder}",
    ]
    lines += [f"without {what}: {why}" for what, why in told.without_bytes.items()]
    return "\n".join([*lines, f"record  {told.record['folder']}/record.pdf"])


def _checked(checked: Checked) -> str:
    lines = [
        f"{checked.agency}: {checked.outcome}; asked for by {checked.requested_by or '-'}, confirmed by"
        f" {checked.confirmed_by or '-'}",
        f"signed by {checked.signer}; {checked.files} exported files are right, {amount(checked.bytes)}",
    ]
    return "\n".join([*lines, *(f"not here any more: {path}" for path in checked.absent)])

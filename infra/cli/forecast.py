"""`citycloud forecast`: when what the city hands out will be used up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from infra import inventory as inventories
from infra.cli.output import emit, inventory_option, output_option
from infra.cli.sla import ledger_options, source_of

SCOPES = {
    "left": "used up",
    "left_without_largest": "largest hypervisor can no longer be lost (N-1)",
}
UNITS = {
    "MEMORY_MB": (1024**3, "GiB"), "DISK_GB": (1024**3, "GiB"), "volumes": (1024**3, "GiB"),
}  # fmt: skip
"""Of figures that are bytes."""


@click.command()
@inventory_option
@ledger_options
@output_option
def forecast(*, inventory: Path, server: str, ledger: str, output: str) -> None:
    """When what the city hands out will be used up.

    In days, with an interval, and how good past forecasts were; from daily maxima over the whole city. In
    JSON, days that are null are never (not within ten years).
    """
    found = source_of(inventories.load(inventory), server, ledger).forecasts()
    emit(output, list(found), lambda: "\n".join(lines(found)))


def lines(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """For people."""
    if not found:
        yield "no day of capacity is kept yet; the first comes with the ledger's first day"
    for one in found:
        size, unit = UNITS.get(one["resource_class"], (1, ""))
        used, whole = one["used"] / size, one["allocatable"] / size
        unit = f" {unit}" if unit else ""
        yield f"{one['resource_class']}: {used:,.0f} of {whole:,.0f}{unit} used on {one['day']}"
        if one["reason"]:
            yield f"  no forecast: {one['reason']}"
            continue
        growth = one["growth"] / size
        yield f"  grows by {growth:,.2f}{unit} a day, by the last {one['weeks']} weeks"
        for name, words in SCOPES.items():
            if one[name] is not None:
                yield f"  {words}: {_when(one[name])}"
        yield f"  {_quality(one)}"


def _when(left: Mapping[str, Any]) -> str:
    likely, earliest, latest = (left[name] for name in ("likely", "earliest", "latest"))
    if earliest is None:
        return "never at this pace"
    return f"{_days(likely)} (between {_days(earliest)} and {_days(latest)})"


def _days(days: float | None) -> str:
    if days is None:
        return "never"
    return "now" if days == 0 else f"in {days:.0f} days"


def _quality(one: Mapping[str, Any]) -> str:
    if one["error"] is None:
        return "no past forecast can be judged yet"
    return (
        f"past forecasts over four weeks were off by {one['error']:.1%} of the capacity (median);"
        f" {one['coverage']:.0%} of their intervals held what came"
    )

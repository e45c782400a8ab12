"""`citycloud zone drift`: what was changed by hand, taken into the code or taken back."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from infra import inventory as inventories
from infra.cli.guard import operator_options, signer_of
from infra.cli.output import emit, inventory_option, output_option
from infra.cli.stacks import show_event
from infra.domain.drift import Choice, DriftReport, Finding, Orphan, StackDrift, moment
from infra.provisioning.drift_runs import DriftOutcome, run_drift
from infra.settings import Settings

SIGNS = {"foreign": "+", "missing": "-", "changed": "~"}
EXIT_UNREAD = 6


@click.command()
@inventory_option
@click.argument("agencies", nargs=-1, metavar="[AGENCY]...")
@output_option
@operator_options
@click.option("--adopt", multiple=True, metavar="ID", help="Write this finding into the inventory.")
@click.option("--adopt-all", is_flag=True, help="Write every finding that can be into the inventory.")
@click.option("--revert", multiple=True, metavar="ID", help="Make this finding what the code says.")
@click.option("--revert-all", is_flag=True, help="Make every finding what the code says.")
@click.option("--yes", is_flag=True, help="Do not ask; a second person has to confirm all the same.")
def drift(
    *, inventory: Path, agencies: tuple[str, ...], output: str, adopt: tuple[str, ...], adopt_all: bool,
    revert: tuple[str, ...], revert_all: bool, operator: str, key: Path | None, yes: bool,
) -> int:  # fmt: skip
    """Show what the cloud has that the code has not, the reverse, and what nobody owns.

    + foreign: made by hand; - missing: gone in the cloud; ~ changed by hand. Each has an ID for --adopt and
    --revert. The report goes to the site's folder and to Prometheus. Exit code 6: something could not be read
    or delivered.
    """
    if (adopt_all and revert_all) or set(adopt) & set(revert):
        raise click.UsageError("a finding is adopted or reverted, not both")
    settings, loaded = Settings.from_environment(os.environ), inventories.load(inventory)
    outcome = run_drift(
        settings, loaded, agencies, Choice(adopt, revert, adopt_all, revert_all), show_event,
        agreed=lambda take, undo: _ask(take, undo, yes), requester=signer_of(loaded, operator, key),
    )  # fmt: skip
    emit(output, outcome, lambda: "\n".join(_lines(outcome)))
    return 0 if outcome.report.whole and not outcome.delivered.failures else EXIT_UNREAD


def _ask(adopt: Sequence[Finding], revert: Sequence[Finding], yes: bool) -> None:
    for word, findings in (("adopt", adopt), ("revert", revert)):
        for finding in findings:
            click.echo(f"{word} {finding.id} {finding.agency}: {finding.sentence}", err=True)
    if not yes and sys.stdin.isatty():
        click.confirm(f"Adopt {len(adopt)} and revert {len(revert)} findings?", abort=True, err=True)


def _lines(outcome: DriftOutcome) -> Iterator[str]:
    report, now = outcome.report, dt.datetime.now(dt.UTC)
    for stack in report.stacks:
        yield from _stack(stack, now)
    if report.orphans_unread:
        yield f"orphans: NOT READ: {report.orphans_unread}"
    elif report.orphans:
        yield f"orphans: {len(report.orphans)}"
        yield from (_orphan(orphan, now) for orphan in report.orphans)
    yield _sum(report)
    if outcome.adopted:
        yield f"{len(outcome.adopted)} adopted: the next `citycloud zone up` takes them into the state"
    if outcome.reverted:
        yield f"{len(outcome.reverted)} reverted"
    for server, why in sorted(outcome.delivered.failures.items()):
        yield f"not delivered to Prometheus on {server}: {why}"


def _stack(stack: StackDrift, now: dt.datetime) -> Iterator[str]:
    taken = f"read {_age(stack.taken_at, now)} ago"
    if stack.unread:
        last = f"last read whole {_age(stack.read_at, now)} ago" if stack.read_at else "never read whole"
        yield f"{stack.stack}: NOT READ ({last}): {stack.unread}"
    elif not stack.findings:
        yield f"{stack.stack}: as the code says, {stack.resources} resources, {taken}"
    else:
        yield f"{stack.stack}: {len(stack.findings)} of drift, {stack.resources} resources, {taken}"
    for finding in stack.findings:
        age = f", {_age(finding.created_at, now)} old" if finding.created_at else ""
        yield f"  {SIGNS[finding.kind]} {finding.id} {finding.sentence}{age}"
        for change in finding.changes:
            yield f"      {change.name}: code {change.code!r}, cloud {change.cloud!r}"


def _orphan(orphan: Orphan, now: dt.datetime) -> str:
    age = f"{_age(orphan.created_at, now)} old" if orphan.created_at else "age unknown"
    return f"  ? {orphan.id} {orphan.sentence} ({age})"


def _sum(report: DriftReport) -> str:
    counts = ", ".join(
        f"{sum(stack.count(kind) for stack in report.stacks)} {kind}"
        for kind in ("changed", "missing", "foreign")
    )
    unread = sum(bool(stack.unread) for stack in report.stacks)
    return (
        f"{len(report.stacks)} stacks: {counts}, {len(report.orphans)} orphans, {unread} not read;"
        f" {report.seconds:.1f} s"
    )


def _age(when: str, now: dt.datetime) -> str:
    """`40 s`, `12 min`, `3 h`, `9 d`."""
    made = moment(when)
    seconds = max(0.0, (now - made).total_seconds()) if made else 0.0
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"

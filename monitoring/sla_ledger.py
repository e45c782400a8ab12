"""`citycloud-sla-ledger`: writes the day that is over (a timer runs it), and answers the deploy host's
questions in JSON. Runs on a monitoring server.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from infra.domain.forecast import forecasts
from infra.domain.sla import CONDITIONS, Month, Seconds
from infra.errors import InfraError, Problems
from infra.inventory.maintenance import read_maintenance
from infra.inventory.sla import read_sla
from infra.store.capacity import CapacityBook
from infra.store.database import Database
from infra.store.ledger import CorrectionInvalid, EntryUnknown, Head, Ledger
from monitoring.ledger import keep, standing
from monitoring.ledger_metrics import exposition
from monitoring.ledger_reading import Agreed
from monitoring.prometheus import Prometheus

QUERY_SECONDS = 120.0
EXIT_FAILED, EXIT_INPUT = 1, 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--ledger", "url", envvar="CITYCLOUD_LEDGER_URL", show_envvar=True, show_default=True,
    default="sqlite:////var/lib/citycloud-sla-ledger/ledger.sqlite",
    help="SQLAlchemy's URL of the ledger's database, without a password (PGPASSWORD has it).",
)  # fmt: skip
@click.pass_context
def cli(context: click.Context, url: str) -> None:
    """The SLA ledger of a site."""
    context.obj = url


@cli.command()
@click.option("--prometheus", required=True, help="URL of this server's Prometheus.")
@click.option("--sla", type=click.Path(path_type=Path), required=True, help="The site's sla.yaml.")
@click.option("--maintenance", type=click.Path(path_type=Path), required=True, help="Its maintenance.yaml.")
@click.option(
    "--metrics-file", type=click.Path(path_type=Path), help="Where metrics go, for the node exporter."
)
@click.option(
    "--head-file", type=click.Path(path_type=Path), help="Remembers the ledger's head between runs."
)
@click.pass_obj
def write(
    url: str,
    *,
    prometheus: str,
    sla: Path,
    maintenance: Path,
    metrics_file: Path | None,
    head_file: Path | None,
) -> None:
    """Write every day that is over and missing; again and again changes nothing."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    now = dt.datetime.now(dt.UTC)
    agreed = Agreed(read_sla(sla), read_maintenance(maintenance))
    with Database(url) as database, Prometheus(prometheus, QUERY_SECONDS) as source:
        ledger, book = Ledger(database), CapacityBook(database)
        try:
            keep(ledger, book, source, agreed, now)
        finally:  # also when Prometheus does not answer: how the books stand is known
            if metrics_file is not None:
                _put(metrics_file, exposition(standing(ledger, book, head_file), now))


@cli.command()
@click.option("--sla", type=click.Path(path_type=Path), help="A site's sla.yaml.")
@click.option("--maintenance", type=click.Path(path_type=Path), help="A site's maintenance.yaml.")
def check(*, sla: Path | None, maintenance: Path | None) -> None:
    """Say what is wrong with files before they are used; exit code 2 if anything is."""
    if sla is not None:
        read_sla(sla)
    if maintenance is not None:
        read_maintenance(maintenance)


def _put(file: Path, text: str) -> None:
    """The exporter never sees half a file."""
    fresh = file.with_name(f".{file.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.chmod(0o644)
    os.replace(fresh, file)


@cli.command()
@click.option("--month", required=True, help="YYYY-MM, in Vietnam's time.")
@click.option("--agency", help="Only this agency's.")
@click.pass_obj
def month(url: str, *, month: str, agency: str | None) -> None:
    """A month of each agency (or of one), as the ledger has it."""
    wanted = Month.parse(month)
    with _reading(url) as database:
        ledger = Ledger(database)
        codes = (agency,) if agency is not None else ledger.agencies(wanted)
        _print({code: ledger.month(wanted, code).as_data() for code in codes})


@cli.command()
@click.option("--head", help="NUMBER:DIGEST of a statement, which must still be in the ledger.")
@click.pass_obj
def verify(url: str, *, head: str | None) -> None:
    """Follow the chain of entries from its beginning."""
    known = Head.parse(head) if head else None
    with _reading(url) as database:
        ledger = Ledger(database)
        found, days = ledger.verify(known), ledger.days()
    _print({"head": str(found), "days": len(days), "first": str(days[0]) if days else None,
            "last": str(days[-1]) if days else None})  # fmt: skip


@cli.command()
@click.option("--day", required=True, type=click.DateTime(["%Y-%m-%d"]))
@click.option("--agency", required=True)
@click.option("--workload", required=True, help="The server's id.")
@click.option("--from", "source", required=True, type=click.Choice(CONDITIONS))
@click.option("--to", "target", required=True, type=click.Choice(CONDITIONS))
@click.option("--seconds", required=True, type=click.IntRange(1))
@click.option("--reason", required=True, help="Why, and who agreed.")
@click.pass_obj
def correct(
    url: str,
    *,
    day: dt.datetime,
    agency: str,
    workload: str,
    source: str,
    target: str,
    seconds: int,
    reason: str,
) -> None:
    """Move seconds of a workload's day from one condition to another, by a new entry."""
    with _reading(url) as database:
        ledger = Ledger(database)
        before = ledger.entry(day.date(), agency, workload)
        if before is None:
            raise EntryUnknown(f"the ledger has no entry of {agency}/{workload} on {day:%Y-%m-%d}")
        moved = _moved(before.seconds, source, target, seconds)
        head = ledger.correct(replace(before, seconds=moved, reason=reason), dt.datetime.now(dt.UTC))
        _print({"head": str(head), "seconds": asdict(moved)})


def _moved(before: Seconds, source: str, target: str, seconds: int) -> Seconds:
    has = getattr(before, source)
    if source == target or seconds > has:
        raise CorrectionInvalid(
            f"only {has} seconds of the day are {source}; move no more, to another condition"
        )
    return replace(before, **{source: has - seconds, target: getattr(before, target) + seconds})


@cli.command()
@click.pass_obj
def forecast(url: str) -> None:
    """When resources will be used up; days that are null are never."""
    with _reading(url) as database:
        found = forecasts(CapacityBook(database).read())
    _print([one.as_data() for one in found])


@contextmanager
def _reading(url: str) -> Iterator[Database]:
    with Database(url, make=False) as database:
        yield database


def _print(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))


def main(run: Callable[[], object] = cli) -> None:
    """Entry point. Exit code 2 for wrong input, 1 for what failed; the message says what to do."""
    try:
        run()
    except InfraError as error:
        click.echo(f"citycloud-sla-ledger: {error} [{error.code}]", err=True)
        sys.exit(EXIT_INPUT if isinstance(error, Problems) else EXIT_FAILED)


if __name__ == "__main__":
    main()

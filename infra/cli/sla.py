"""`citycloud sla`: what agencies were promised and got, as the SLA ledger has it, in both languages."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from infra import inventory as inventories
from infra.cli.output import emit, inventory_option, output_option
from infra.domain.sla import CONDITIONS, Month, Statement, WorkloadStatement, day_of, statement
from infra.errors import InfraError
from infra.inventory import Inventory
from infra.inventory.wording import choose
from infra.provisioning.ledger import DatabaseLedger, LedgerSource, ledger_of
from infra.provisioning.site import find_site
from infra.settings import Settings
from infra.store.ledger import LedgerMonth

WORDS = {
    "up": "Hoạt động / up",
    "down": "Gián đoạn / down",
    "unknown": "Không rõ / unknown",
    "maintenance": "Bảo trì đã thỏa thuận / agreed maintenance",
    "stopped": "Cơ quan tự dừng / stopped by the agency",
    "not_expected": "Không thuộc cam kết / not expected to answer",
    "absent": "Chưa có hoặc đã xóa / not there",
}
UNKNOWN = {
    "counts_down": "tính là gián đoạn / counts as down",
    "excluded": "không tính / left out",
}


class AgencyUnknown(InfraError):
    """The inventory and the ledger have no agency of this code; the message names the nearest."""

    code = "agency_unknown"


def ledger_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--server NAME and --ledger URL: where the ledger is read."""
    function = click.option(
        "--server", default="", help="Monitoring server whose ledger is read; the first if left out."
    )(function)
    return click.option(
        "--ledger", default="", metavar="URL",
        help="Read this database instead, as SQLAlchemy writes it; PGPASSWORD has its password.",
    )(function)  # fmt: skip


def source_of(inventory: Inventory, server: str, ledger: str) -> LedgerSource:
    """Where the site's ledger is read."""
    if ledger:
        return DatabaseLedger(ledger)
    return ledger_of(find_site(Settings.from_environment(os.environ), inventory), server)


@click.group()
def sla() -> None:
    """What agencies were promised and got, from the SLA ledger.

    Days that are over are in it for good: the same question gives the same answer years later.
    """


@sla.command()
@inventory_option
@click.option("--agency", help="Code of one agency; all of them if left out.")
@click.option("--month", help="YYYY-MM; the month of yesterday if left out.")
@ledger_options
@output_option
def show(
    *, inventory: Path, agency: str | None, month: str | None, server: str, ledger: str, output: str
) -> None:
    """Show the statement of a month: per agency and server what was up, down, unknown and excluded."""
    loaded = inventories.load(inventory)
    yesterday = day_of(dt.datetime.now(dt.UTC)) - dt.timedelta(1)
    wanted = Month.parse(month) if month else Month.of(yesterday)
    found = source_of(loaded, server, ledger).months(wanted, agency)
    names = {one.code: f"{one.name_vi} / {one.name_en}" for one in loaded.agencies}
    if agency is not None and agency not in names and not found[agency].days:
        raise AgencyUnknown(f"{agency} is no agency: {choose(agency, names, 'look into agencies.yaml')}")
    emit(output, document(wanted, found), lambda: "\n".join(lines(wanted, found, names)))


@sla.command()
@inventory_option
@click.option("--head", default="", help="NUMBER:DIGEST from a statement, which must still be in the ledger.")
@ledger_options
@output_option
def verify(*, inventory: Path, head: str, server: str, ledger: str, output: str) -> None:
    """Follow the chain of the ledger's entries: nothing was changed, removed or put between."""
    found = source_of(inventories.load(inventory), server, ledger).verify(head)
    emit(
        output, found,
        lambda: f"{found['days']} days ({found['first']} to {found['last']}) are as they were written;"
        f" last entry {found['head']}",
    )  # fmt: skip


def _statement(code: str, found: LedgerMonth) -> Statement:
    return statement(code, found.month, found.days, found.written)


def document(month: Month, found: Mapping[str, LedgerMonth]) -> dict[str, Any]:
    """The statements as JSON: nothing in it depends on when it is asked for."""
    return {
        "month": str(month),
        "zone": "Asia/Ho_Chi_Minh",
        "agencies": [
            {
                "agency": code,
                "ledger_entry": str(found[code].head),
                "days_missing": [str(day) for day in told.days_missing],
                "workloads": [_workload(one) for one in told.workloads],
            }
            for code in sorted(found)
            for told in [_statement(code, found[code])]
        ],
    }


def _workload(one: WorkloadStatement) -> dict[str, Any]:
    return {
        "server": one.workload.name, "server_id": one.workload.id, "project": one.workload.project,
        "item": one.workload.item, "days": one.days, "seconds": vars(one.seconds),
        "availability": None if one.availability is None else str(one.availability),
        "class": one.terms.name, "objective": str(one.terms.objective), "unknown": one.terms.unknown,
        "met": one.met, "credit_percent": str(one.credit_percent),
        "maintenance": list(one.windows), "corrections": list(one.corrections),
    }  # fmt: skip


def lines(month: Month, found: Mapping[str, LedgerMonth], names: Mapping[str, str]) -> Iterator[str]:
    """The statements for people."""
    if not found:
        yield f"{month}: sổ SLA chưa có mục nào / the SLA ledger has no entry"
    for code in sorted(found):
        told = _statement(code, found[code])
        yield f"{names.get(code, code)} ({code})"
        yield f"  Tháng / month {month}, giờ Việt Nam / Vietnam time"
        yield f"  Mục sổ / ledger entry {found[code].head}"
        if told.days_missing:
            first, last = told.days_missing[0], told.days_missing[-1]
            yield (
                f"  Chưa có trong sổ / not in the ledger: {len(told.days_missing)} ngày / days,"
                f" {first} … {last}"
            )
        if not told.workloads:
            yield "  Không có máy chủ / no server"
        for one in told.workloads:
            yield from _workload_lines(one)
        yield ""


def _workload_lines(one: WorkloadStatement) -> Iterator[str]:
    judged = {True: "ĐẠT / met", False: "KHÔNG ĐẠT / MISSED", None: "không đánh giá / not judged"}[one.met]
    share = "-" if one.availability is None else f"{one.availability * 100:.4f} %"
    promised = f"{(one.terms.objective * 100).normalize():f} %"
    yield f"  {one.workload.name} ({one.workload.id})"
    yield (
        f"    Độ sẵn sàng / availability: {share}; cam kết / promised: {promised}"
        f" ({one.terms.name}): {judged}"
    )
    if one.credit_percent:
        yield f"    Giảm trừ / credit: {one.credit_percent:f} %"
    for name in CONDITIONS:
        seconds = getattr(one.seconds, name)
        if seconds:
            more = f", {UNKNOWN[one.terms.unknown]}" if name == "unknown" else ""
            yield f"    {WORDS[name]}: {_length(seconds)}{more}"
    if one.windows:
        yield f"    Đợt bảo trì / maintenance: {', '.join(one.windows)}"
    for correction in one.corrections:
        yield f"    Đính chính / corrected {correction}"


def _length(seconds: int) -> str:
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    return f"{seconds} s ({days} d {hours:02}:{rest // 60:02}:{rest % 60:02})"

"""The site's ledger as the deploy host reads it: over SSH or from the database, with the same result."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra.domain.sla import Month, Seconds, WorkloadDay
from infra.hosts import ssh
from infra.inventory import load
from infra.provisioning.ledger import (
    DatabaseLedger,
    LedgerServerUnknown,
    LedgerUnread,
    ServerLedger,
    ledger_of,
)
from infra.settings import Settings
from infra.store.database import Database
from infra.store.ledger import Ledger
from tests.unit.domain.test_sla import TERMS, WEB

INVENTORY = load(Path(__file__).parents[3] / "inventories/production")
MONTH = Month(2026, 11)


def make_site(settings: Settings | None = None) -> Any:
    entered: list[bool] = []
    return SimpleNamespace(
        inventory=INVENTORY, settings=settings or Settings.from_environment({}),
        enter_network=lambda: entered.append(True), entered=entered,
    )  # fmt: skip


@pytest.fixture
def source(tmp_path: Path) -> DatabaseLedger:
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    with Database(url) as database:
        day = dt.date(2026, 11, 3)
        Ledger(database).write_day(
            day,
            [WorkloadDay(day, WEB, Seconds(up=86400), TERMS, windows=("w1",))],
            {},
            dt.datetime.now(dt.UTC),
        )
    return DatabaseLedger(url)


def test_a_month_is_the_same_over_ssh_and_from_the_database(
    source: DatabaseLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def run(target: ssh.Target, command: str, **_: object) -> ssh.Result:
        asked.append(command)
        months = {code: month.as_data() for code, month in source.months(MONTH, "sxd").items()}
        return ssh.Result(0, json.dumps(months), "")

    monkeypatch.setattr(ssh, "run", run)
    site = make_site()
    found = ledger_of(site).months(MONTH, "sxd")
    assert found == source.months(MONTH, "sxd")
    assert site.entered
    assert asked[0].endswith("/usr/local/sbin/citycloud-ledger month --month 2026-11 --agency sxd")


def test_what_a_person_gives_is_no_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def run(target: ssh.Target, command: str, **_: object) -> ssh.Result:
        asked.append(command)
        return ssh.Result(0, "{}", "")

    monkeypatch.setattr(ssh, "run", run)
    ledger_of(make_site()).months(MONTH, "x; reboot")
    assert asked[0].endswith("--agency 'x; reboot'")


@pytest.mark.parametrize("output", ["", "not JSON"])
def test_an_answer_that_is_none_is_told_with_the_server(monkeypatch: pytest.MonkeyPatch, output: str) -> None:
    monkeypatch.setattr(ssh, "run", lambda target, command, **_: ssh.Result(0, output, ""))
    host = INVENTORY.monitoring()[0]
    with pytest.raises(LedgerUnread, match=host.name):
        ServerLedger(make_site(), host).forecasts()


def test_a_server_that_does_not_keep_a_ledger_is_refused_with_those_that_do() -> None:
    with pytest.raises(LedgerServerUnknown, match=INVENTORY.monitoring()[0].name):
        ledger_of(make_site(), "nowhere")

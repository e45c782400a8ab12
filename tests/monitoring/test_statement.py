"""The ledger's answer to the portal, by the ops pages."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

from infra.domain.sla import Month, bounds
from infra.store.database import Database
from infra.store.ledger import Ledger, LedgerMonth
from monitoring.exporters.listening import Request, Response
from monitoring.pages.server import Pages
from monitoring.prometheus import Alertmanager, Prometheus
from tests.functional.portal.memory_sla import MONTH, day_of_web

NOBODY = "http://127.0.0.1:9"


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder}/ledger.sqlite"


def ledger_in(folder: Path) -> str:
    """A ledger of October with a server of each of two agencies; its URL."""
    with Database(url_of(folder)) as database:
        for day in MONTH.days:
            rows = [day_of_web(day, agency) for agency in ("hongbang", "lechan")]
            after = dt.datetime.fromtimestamp(bounds(day)[1] + 3600, dt.UTC)
            assert Ledger(database).write_day(day, rows, {"source": "prometheus"}, after)
    return url_of(folder)


def answer(ledger: str, **query: str) -> Response:
    pages = Pages("test", Prometheus(NOBODY), Alertmanager(NOBODY), ledger=ledger)
    return pages.answer(Request("/sla", {name: (value,) for name, value in query.items()}))


def test_a_month_of_one_agency_is_answered_as_the_ledger_has_it(tmp_path: Path) -> None:
    url = ledger_in(tmp_path)
    found = answer(url, agency="hongbang", month="2026-10")
    with Database(url, make=False) as database:
        held = Ledger(database).month(MONTH, "hongbang")
    assert (found.status, LedgerMonth.from_data(json.loads(found.body))) == (200, held)
    assert {one.workload.agency for one in held.days} == {"hongbang"}
    assert b"lechan" not in found.body


def test_without_an_agency_nothing_is_told_of_any(tmp_path: Path) -> None:
    assert json.loads(answer(ledger_in(tmp_path), month="2026-10").body)["days"] == []


def test_a_month_that_is_none_is_refused(tmp_path: Path) -> None:
    found = answer(ledger_in(tmp_path), agency="hongbang", month="2026-13")
    assert (found.status, b"YYYY-MM" in found.body) == (400, True)


def test_a_ledger_that_is_not_there_is_said_and_not_made(tmp_path: Path) -> None:
    assert answer(url_of(tmp_path), agency="hongbang", month=str(Month(2026, 10))).status == 503
    assert list(tmp_path.iterdir()) == []


def test_pages_without_a_ledger_have_no_such_page() -> None:
    assert answer("", agency="hongbang", month="2026-10").status == 404

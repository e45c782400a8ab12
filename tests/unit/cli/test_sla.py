"""`citycloud sla` and `forecast`: the same question gives the same answer, in words that an agency reads."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pytest

from infra.cli.main import run
from infra.cli.sla import WORDS
from infra.domain.forecast import CapacityDay
from infra.domain.sla import CONDITIONS, Month, Seconds, WorkloadDay
from infra.store.capacity import CapacityBook
from infra.store.database import Database
from infra.store.ledger import Ledger
from tests.unit.domain.test_sla import TERMS
from tests.unit.domain.test_sla import WEB as SAMPLE

MONTH = Month(2026, 9)
NOW = dt.datetime(2026, 10, 1, 1, tzinfo=dt.UTC)
WEB = replace(SAMPLE, agency="soxd")
OTHER = replace(WEB, agency="soyt", id="id-2", name="ho-so")
INVENTORY = str(Path(__file__).parents[3] / "inventories/lab")


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A ledger of a month: a server of two agencies, one hour down, one unknown, one agreed, one stopped."""
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    with Database(url) as database:
        for day in MONTH.days:
            odd = Seconds(up=72000, down=3600, unknown=3600, maintenance=3600, stopped=3600)
            seconds = odd if day.day == 5 else Seconds(up=86400)
            days = [WorkloadDay(day, one, seconds, TERMS, windows=("w1",)) for one in (WEB, OTHER)]
            Ledger(database).write_day(day, days, {}, NOW)
        CapacityBook(database).write(
            [
                CapacityDay(dt.date(2026, 3, 1) + dt.timedelta(day), "VCPU", 100 + day, 1000, 800)
                for day in range(180)
            ]
            + [CapacityDay(dt.date(2026, 9, 1), "DISK_GB", 2**40, 2**41)]
        )
    return url


def told(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    capsys.readouterr()
    assert run([*arguments, "--inventory", INVENTORY]) == code
    return capsys.readouterr().out


def test_every_condition_has_words_in_both_languages() -> None:
    assert tuple(WORDS) == CONDITIONS
    assert all(" / " in words for words in WORDS.values())


def test_a_statement_says_what_was_up_down_unknown_and_excluded_and_what_follows(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = told(capsys, "sla", "show", "--ledger", url, "--month", "2026-09", "--agency", "soxd")
    for line in (
        "Độ sẵn sàng / availability: 99.7214 %; cam kết / promised: 99.9 % (important): KHÔNG ĐẠT / MISSED",
        "Giảm trừ / credit: 10 %",
        "Gián đoạn / down: 3600 s (0 d 01:00:00)",
        "Không rõ / unknown: 3600 s (0 d 01:00:00), tính là gián đoạn / counts as down",
        "Bảo trì đã thỏa thuận / agreed maintenance: 3600 s (0 d 01:00:00)",
        "Cơ quan tự dừng / stopped by the agency: 3600 s (0 d 01:00:00)",
        "Đợt bảo trì / maintenance: w1",
    ):
        assert line in shown, shown
    assert "Sở Xây dựng / " in shown
    assert "ho-so" not in shown


def test_the_same_question_gives_the_same_answer_whatever_was_written_since(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("sla", "show", "--ledger", url, "--month", "2026-09")
    first = [told(capsys, *asked, "--output", form) for form in ("json", "text")]
    with Database(url) as database:
        for number in range(400):
            day = dt.date(2026, 10, 1) + dt.timedelta(number)
            unknown = WorkloadDay(day, WEB, Seconds(unknown=86400), replace(TERMS, name="other"))
            Ledger(database).write_day(day, [unknown], {}, NOW + dt.timedelta(days=400))
    assert [told(capsys, *asked, "--output", form) for form in ("json", "text")] == first


def test_json_adds_up_to_the_months_seconds(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(told(capsys, "sla", "show", "--ledger", url, "--month", "2026-09", "--output", "json"))
    assert [one["agency"] for one in found["agencies"]] == ["soxd", "soyt"]
    for agency in found["agencies"]:
        (server,) = agency["workloads"]
        assert sum(server["seconds"].values()) == MONTH.seconds
        assert (server["availability"], server["met"], server["credit_percent"]) == ("0.997214", False, "10")


def test_days_that_the_ledger_has_not_are_shown(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown = told(capsys, "sla", "show", "--ledger", url, "--month", "2026-08", "--agency", "soxd")
    assert "not in the ledger: 31 ngày / days, 2026-08-01 … 2026-08-31" in shown
    assert "Không có máy chủ / no server" in shown


def test_the_chain_is_verified_and_a_break_is_told(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "30 days (2026-09-01 to 2026-09-30)" in told(capsys, "sla", "verify", "--ledger", url)
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as connection:
        connection.execute("DROP TRIGGER ledger_entry_no_update")
        connection.execute("UPDATE ledger_entry SET content = replace(content, '3600', '36') WHERE seq = 13")
        connection.commit()
    error = json.loads(told(capsys, "sla", "verify", "--ledger", url, "--output", "json", code=6))["error"]
    assert error["code"] == "ledger_broken"
    assert "entry 13" in error["message"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("show", "--month", "2026-13"), "month_invalid"),
        (("show", "--agency", "sxdd"), "agency_unknown"),
        (("verify", "--head", "7"), "head_invalid"),
    ],
)
def test_wrong_input_is_told_and_ends_with_3(
    url: str, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: str
) -> None:
    shown = told(capsys, "sla", *arguments, "--ledger", url, "--output", "json", code=3)
    assert json.loads(shown)["error"]["code"] == code


def test_a_forecast_says_when_and_how_good_it_was_and_where_there_is_none(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = told(capsys, "forecast", "--ledger", url)
    assert "VCPU: 279 of 1,000 used on 2026-08-27" in shown
    assert "grows by 1.00 a day" in shown
    assert "used up: in 721 days (between in 721 days and in 721 days)" in shown
    assert "(N-1): in 521 days" in shown
    assert "DISK_GB: 1,024 of 2,048 GiB used" in shown
    assert "no forecast: too little history: 1 of at least 28 days" in shown
    found = json.loads(told(capsys, "forecast", "--ledger", url, "--output", "json"))
    assert {one["resource_class"]: one["left"] and round(one["left"]["likely"]) for one in found} == {
        "DISK_GB": None,
        "VCPU": 721,
    }

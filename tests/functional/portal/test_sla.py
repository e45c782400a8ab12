"""An agency's SLA statement in the portal: its own, whole, and said where the ledger is silent."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from infra.domain.sla import Month
from infra.portal.sla import Sla, SlaState, sla_of
from infra.portal.sla_reading import SlaView
from infra.store.portal_database import PortalDatabase
from tests.functional.portal.memory_sla import MONTH, OCTOBER, day_of_web, month_of
from tests.functional.portal.portal import Stand
from tests.functional.portal.real import RealStand

PAGE = "/agencies/hongbang/sla?month=2026-10"


def view(answer: httpx.Response | Exception, asked: list[httpx.URL] | None = None) -> SlaView:
    def handle(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request.url)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return SlaView("http://monitoring.test:9184/", httpx.MockTransport(handle))


def test_the_page_and_the_api_say_the_same(stand: Stand) -> None:
    with stand.as_person("u-hoa") as client:
        told = client.get(f"/api/v1{PAGE}").json()
        assert (told["state"], told["month"], told["days_missing"]) == ("known", "2026-10", 0)
        idle, web = sorted(told["servers"], key=lambda one: one["id"])
        assert (idle["availability"], idle["met"]) == (None, None)
        assert (web["met"], web["credit_percent"], web["seconds"]["down"]) == (False, 10, 18000)
        assert web["windows"] == ["2026-10-storage"]
        page = client.get(PAGE).text
        words = ("web-01", "99,32%", "99,5%", "✘ không đạt", "10%", "5 tiếng", "2 tiếng", "31 ngày")
        assert [word for word in words if word not in page] == []
        assert "99.32%" in client.get(PAGE + "&lang=en").text
        assert told["entry"] in page


def test_what_was_missed_by_little_is_not_shown_as_kept() -> None:
    almost = sla_of("hongbang", month_of(*(day_of_web(day) for day in MONTH.days))).servers[0]
    assert almost.availability == 0.993261
    assert almost.shown == 0.9932


def test_nobody_reads_the_statement_of_another_agency(stand: Stand) -> None:
    with stand.as_person("u-mai") as client:
        for path in (PAGE, f"/api/v1{PAGE}"):
            assert client.get(path).status_code == 404
    mixed = month_of(*(day_of_web(day, agency) for agency in ("hongbang", "lechan") for day in MONTH.days))
    assert len(sla_of("lechan", mixed).servers) == 1


def test_the_ledger_is_not_asked_for_what_is_not_the_persons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def sla(agency: str, month: Month) -> Sla:
        asked.append(agency)
        return Sla(str(month))

    with PortalDatabase(f"sqlite:///{tmp_path}/portal.sqlite", key=b"k" * 32) as database:
        stand = RealStand(database)
        ground = stand.services._ground
        monkeypatch.setattr(
            stand.services._agencies, "_ground", replace(ground, site=replace(ground.site, sla=sla))
        )
        own, other = stand.people["hoa"].agency, stand.people["mai"].agency
        with stand.as_person("hoa") as client:
            assert client.get(f"/api/v1/agencies/{other}/sla").status_code == 404
            assert client.get(f"/api/v1/agencies/{own}/sla").json()["state"] == "unreachable"
    assert asked == [own]


def test_a_month_is_yesterdays_where_none_is_named_and_no_other_word(stand: Stand) -> None:
    with stand.as_person("u-hoa") as client:
        assert client.get("/api/v1/agencies/hongbang/sla").json()["month"] == "2026-11"
        for wrong in ("2026-13", "1969-12", "x"):
            assert client.get(f"/api/v1/agencies/hongbang/sla?month={wrong}").status_code == 422


def test_a_silent_ledger_is_said(stand: Stand) -> None:
    with stand.as_person("u-hoa") as client:
        page = client.get("/agencies/hongbang/sla?month=2026-09").text
    assert "Sổ SLA hiện không trả lời" in page
    assert "<table" not in page


def test_the_ledger_is_asked_for_one_agency_and_month() -> None:
    asked: list[httpx.URL] = []
    found = view(httpx.Response(200, json=OCTOBER.as_data()), asked).sla("hongbang", MONTH)
    assert found == sla_of("hongbang", OCTOBER)
    assert [str(url) for url in asked] == ["http://monitoring.test:9184/sla?agency=hongbang&month=2026-10"]


def test_a_month_without_a_day_is_empty_and_not_kept() -> None:
    empty = {"month": "2026-10", "written": [], "head": "0:" + "0" * 64, "days": []}
    found = view(httpx.Response(200, json=empty)).sla("hongbang", MONTH)
    assert (found.state, found.days_missing, found.servers) == (SlaState.EMPTY, 31, ())


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("late"),
        httpx.Response(503, text="the ledger: store_unreachable"),
        httpx.Response(401),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, text=json.dumps({"month": "2026-10"})),
    ],
    ids=["refused", "late", "503", "401", "no JSON", "half"],
)
def test_whatever_the_ledger_answers_wrongly_is_unreachable(answer: httpx.Response | Exception) -> None:
    assert view(answer).sla("hongbang", MONTH) == Sla("2026-10", SlaState.UNREACHABLE)


def test_a_site_without_monitoring_has_no_ledger_to_ask() -> None:
    assert SlaView("").sla("hongbang", MONTH).state == SlaState.UNREACHABLE

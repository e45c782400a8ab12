"""Usage on a deployment's page and in the API: whose, in what words, and what is said where there is none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from infra.portal.usage import Usage, UsageState
from tests.functional.portal.memory import PEOPLE
from tests.functional.portal.memory_usage import usage_of
from tests.functional.portal.portal import Stand
from tests.functional.portal.real import OUTPUTS, RealStand
from tests.functional.portal.test_api_contract import DRAFT
from tests.functional.store.tables import portal_database

Asked = tuple[RealStand, list[tuple[str, str]]]
PAGE, API = "/deployments/d-hongbang", "/api/v1/deployments/d-hongbang/usage"


def test_the_page_and_the_api_say_the_same(stand: Stand) -> None:
    with stand.as_person("u-hoa") as client:
        told = client.get(API).json()
        assert [one["span"] for one in told["uptime"]] == ["day", "week", "days_30", "month"]
        assert told["uptime"][2]["down_seconds"] == 6980
        assert told["measures"][0]["kind"] == "response"
        page = client.get(PAGE).text
        assert "99,73%" in page
        assert 'href="/agencies/hongbang/sla"' in page
        assert "1 tiếng 56 phút" in page
        assert page.count("<figure") == 6
        assert "99.73%" in client.get(PAGE + "?lang=en").text


def test_an_interruption_is_never_rounded_away(stand: Stand) -> None:
    with stand.as_person("u-hoa") as client:
        page = client.get(PAGE).text
    assert "99,98%" in page, "99.985 % is not shown as 99.99 %"


def test_monitoring_that_does_not_answer_is_said_and_the_rest_works(stand: Stand) -> None:
    stand.services.monitored = False
    with stand.as_person("u-hoa") as client:
        answer = client.get(PAGE)
        assert (answer.status_code, "Hệ thống giám sát hiện không trả lời" in answer.text) == (200, True)
        assert "<figure" not in answer.text
        told = client.get(API)
        assert (told.status_code, told.json()["state"]) == (200, "unreachable")


@pytest.mark.parametrize(
    ("state", "words"),
    [(UsageState.EMPTY, "Chưa có số liệu"), (UsageState.UNMEASURED, "không có số liệu đo")],
)
def test_what_is_not_measured_says_why(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, state: UsageState, words: str
) -> None:
    monkeypatch.setattr(stand.services, "usage", lambda person, deployment: Usage(state))
    with stand.as_person("u-hoa") as client:
        assert words in client.get(PAGE).text


def test_a_gap_in_the_figures_is_a_gap_in_the_line(stand: Stand) -> None:
    with stand.as_person("u-hoa") as client:
        page = client.get(PAGE).text
    paths = re.findall(r'<path class="line s\d" d="(M[^"]*)"', page)
    assert {path.count("M") for path in paths if path.count("L") > 1} == {2}


def test_a_server_of_which_only_probes_are_known_says_so(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = usage_of(stand.services.now)
    found = replace(found, measures=found.measures[:2])
    monkeypatch.setattr(stand.services, "usage", lambda person, deployment: found)
    with stand.as_person("u-hoa") as client:
        page = client.get(PAGE).text
    assert page.count("<figure") == 2
    assert "chỉ có số liệu ở các loại máy chủ có đo bên trong" in page


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    """The real services, and what they ask monitoring for."""
    monkeypatch.setitem(OUTPUTS, "server_id", "7c0ffee0-0000-4000-8000-000000000001")
    with portal_database(tmp_path) as database:
        stand = RealStand(database)
        seen: list[tuple[str, str]] = []

        def usage(agency: str, server: str) -> Usage:
            seen.append((agency, server))
            return Usage(UsageState.EMPTY)

        ground = stand.services._ground
        monkeypatch.setattr(
            stand.services._deployments, "_ground", replace(ground, site=replace(ground.site, usage=usage))
        )
        yield stand, seen


def test_monitoring_is_asked_for_what_the_store_has_and_for_nobody_elses(
    asked: Asked,
) -> None:
    stand, seen = asked
    headers = {"Idempotency-Key": "a-key-of-this-test"}
    with stand.as_person("hoa") as client:
        made = client.post(
            "/api/v1/requests", json=DRAFT, headers={**headers, **client.headers_of_a_script()}
        )
        assert made.status_code == 201, made.text
    with stand.as_person("binh") as client:
        client.post(
            f"/api/v1/requests/{made.json()['id']}/decision", json={"version": 1, "verdict": "approve"},
            headers={**headers, **client.headers_of_a_script()},
        )  # fmt: skip
    stand.work()
    with stand.as_person("hoa") as client:
        [one] = client.get("/api/v1/deployments").json()["items"]
        place = f"/api/v1/deployments/{one['id']}/usage"
        assert client.get(f"{place}?agency=lechan&server_id=other").status_code == 200
    assert seen == [(stand.people["hoa"].agency, OUTPUTS["server_id"])]
    with stand.as_person("mai") as client:
        assert client.get(place).status_code == 404
    assert len(seen) == 1, "who may not see it makes nobody ask"


def test_everybody_who_sees_a_deployment_sees_its_usage(stand: Stand) -> None:
    for person in PEOPLE:
        with stand.as_person(person) as client:
            assert client.get(API).status_code == client.get(API.removesuffix("/usage")).status_code

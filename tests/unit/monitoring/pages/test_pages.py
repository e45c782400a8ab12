"""The ops pages' parts: words, numbers, charts, and views of facts that are missing."""

from __future__ import annotations

import math
from pathlib import Path

import promql_parser
import pytest
import yaml

from monitoring.overview import Overview
from monitoring.pages import agency, capacity, operations, slo
from monitoring.pages.chart import DAY, HOUR, Chart, Line, chart, ticks, times
from monitoring.pages.language import Language, accepted
from monitoring.pages.markup import Markup, el
from monitoring.pages.page import Look
from monitoring.pages.words import SLOS
from monitoring.prometheus import Alert
from tests.unit.monitoring.dashboards.test_dashboards import exported, metrics

ROOT = Path(__file__).parents[4]
EN, VI = Language("en"), Language("vi")
NOW = 1_800_000_000.0
QUERIES = {
    f"{module.__name__}.{name}": text.replace("{OF}", '{agency="a"}')
    for module in (operations, capacity, agency, slo)
    for name, text in module.QUERIES.items()
} | {
    **{f"range.{name}": text for name, text in capacity.RANGES.items()},
    "range.worst": slo.WORST,
    "range.by_hour": agency.BY_HOUR.replace("{OF}", '{agency="a"}'),
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_page_asks_for_metrics_that_exist(name: str) -> None:
    used = metrics(promql_parser.parse(QUERIES[name]))
    assert used
    assert used <= exported(), used - exported()


def test_each_slo_has_words_in_both_languages() -> None:
    files = (ROOT / "monitoring/slos").glob("*.yaml")
    names = {one["name"] for file in files for one in yaml.safe_load(file.read_text())["slos"]}
    assert names
    assert names <= SLOS.keys()


@pytest.mark.parametrize("say", [EN, VI], ids=["en", "vi"])
def test_pages_without_facts_say_so_and_claim_nothing(say: Language) -> None:
    look = Look(say, "/")
    nothing = Overview(NOW, {}, (), {}, (), (), ())
    bodies = [
        operations.page(operations.Facts(nothing), look, "x"),
        capacity.page(capacity.Facts(NOW), look, "x"),
        agency.page(agency.Facts(NOW, "a"), look, "x", {}),
        agency.index(nothing, look, "x", {}),
        slo.page(slo.Facts(NOW), look, "x"),
    ]
    for body in bodies:
        assert "verdict good" not in body
        assert "nan" not in body.lower().replace("nang", "")
    assert say("heartbeat is missing", "mất nhịp Watchdog") in bodies[0]


@pytest.mark.parametrize("say", [EN, VI], ids=["en", "vi"])
def test_a_young_site_has_no_day_in_its_ledger_and_no_history_which_is_no_fault(say: Language) -> None:
    kept = slo.Objective("api-availability", "compute", 0.999, left=1.0)
    body = slo.page(
        slo.Facts(
            NOW, (kept, slo.Objective("vm-creation", "", 0.99)), ledger_day=0, ledger_intact=True,
            ledger_unknown=0.0,
        ),
        Look(say, "/slo"), "x",
    )  # fmt: skip
    assert say("no day yet", "chưa có ngày nào") in body
    assert "1 / 1" in body
    assert say.percent(0.0, 2) not in body
    assert say("No history yet.", "Chưa có lịch sử.") in body
    body = capacity.page(capacity.Facts(NOW, zones={"nova": False}), Look(say, "/capacity"), "x")
    assert say("No history yet.", "Chưa có lịch sử.") in body
    assert say("the only zone", "vùng duy nhất") in body
    assert "status bad" not in body


def test_of_several_zones_each_says_whether_it_can_be_lost() -> None:
    facts = capacity.Facts(NOW, zones={"a": False, "b": True})
    body = capacity.page(facts, Look(EN, "/capacity"), "x")
    assert "its servers do not fit elsewhere" in body
    assert "the only zone" not in body


def test_the_fullest_quota_is_none_of_those_that_a_landing_zone_takes_itself() -> None:
    quotas = (agency.Quota("routers", 1, 1), agency.Quota("cores", 1, 4), agency.Quota("volumes", 0, 8))
    body = agency.page(agency.Facts(NOW, "a", quotas=quotas), Look(EN, "/agency/a"), "x", {})
    tile = body.split("Fullest quota")[1][:120]
    assert "25%" in tile
    assert "cores" in tile


def test_what_others_wrote_is_escaped() -> None:
    bad = '<script>"&'
    alert = Alert(bad, "page", bad, bad, "https://x.test/?a=1&b=2", "o", NOW, {"server": bad})
    body = operations.page(
        operations.Facts(Overview(NOW, {bad: False}, (alert,), {}, (), (), ())), Look(EN, "/"), bad
    )
    assert "<script" not in body
    assert "&lt;script&gt;" in body


def test_the_portal_gets_the_page_without_the_document_and_its_navigation() -> None:
    body = agency.page(
        agency.Facts(NOW, "a"), Look(VI, "/agency/a", embedded=True), "x", {"a": ("Sở A", "A")}
    )
    assert body.startswith("<div")
    assert "<nav" not in body
    assert "Sở A" in body


@pytest.mark.parametrize(
    ("given", "english", "vietnamese"),
    [
        (lambda say: say.number(1234.5, 1), "1,234.5", "1.234,5"),
        (lambda say: say.percent(0.99999, 2), "99.99%", "99,99 %"),
        (lambda say: say.percent(0.000001), "1%", "1 %"),
        (lambda say: say.percent(1.0), "100%", "100 %"),
        (lambda say: say.percent(-0.2), "-20%", "-20 %"),
        (lambda say: say.bytes(240 * 1024**3), "240 GiB", "240 GiB"),
        (lambda say: say.bytes(1.5 * 1024**2), "1.5 MiB", "1,5 MiB"),
        (lambda say: say.age(7300), "2 h", "2 giờ"),
        (lambda say: say.age(-5), "0 s", "0 giây"),
        (lambda say: say.days(math.inf), "not in ten years", "không trong 10 năm"),
        (lambda say: say.seconds(0.18), "180 ms", "180 ms"),
        (lambda say: say.date(NOW), "15 Jan", "15/01"),
        (lambda say: say.clock(NOW), "15:00", "15:00"),
    ],
)
def test_numbers_and_times_are_written_as_readers_do(given, english: str, vietnamese: str) -> None:  # type: ignore[no-untyped-def]
    assert (given(EN), given(VI)) == (english, vietnamese)


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0, 9, [0, 2, 4, 6, 8, 10]),
        (-0.2, 1, [-0.25, 0, 0.25, 0.5, 0.75, 1]),
    ],
)
def test_axes_have_round_values_that_hold_all(low: float, high: float, marks: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(marks)


def test_an_axis_of_nothing_is_still_one() -> None:
    assert len(ticks(0, 0)) >= 2


def test_clock_times_within_two_days_and_dates_beyond() -> None:
    assert all(":" in label for _, label in times(NOW - 6 * HOUR, NOW, EN))
    assert all("/" in label for _, label in times(NOW - 30 * DAY, NOW, VI))
    assert 2 <= len(times(NOW - 30 * DAY, NOW + 90 * DAY, EN)) <= 6


def test_a_line_has_a_gap_where_samples_are_missing() -> None:
    points = tuple((NOW + 60 * step, 1.0) for step in range(20) if step not in (9, 10, 11))
    drawn = chart(Chart("t", (Line("a", points),), NOW, NOW + 1200, str), EN)
    assert drawn.split('class="line s1" d="')[1].split('"')[0].count("M") == 2


def test_markup_escapes_all_but_markup() -> None:
    assert (
        el("p", "<b>", Markup("<i></i>"), None, class_="x", hidden=None)
        == '<p class="x">&lt;b&gt;<i></i></p>'
    )


def test_the_browsers_first_known_language_is_taken() -> None:
    assert accepted("fr-FR,en;q=0.8,vi;q=0.5", "vi") == "en"
    assert accepted("", "vi") == "vi"

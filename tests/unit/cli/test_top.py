"""`citycloud top`: what a person at 3 a.m. reads from it, on any terminal and when Prometheus is down."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from infra.cli.top import Watch, document, turned
from infra.cli.top_view import SORTS, VIEWS, Screen, age
from monitoring.overview import AgencyState, HypervisorState, Overview, Use
from monitoring.prometheus import Alert, MonitoringUnreachable

GIB = 1024**3
NOW = 1_800_000_000.0
NAME = "Sở Thông tin và Truyền thông"


def make_alert(name: str = "ApiDown", severity: str = "page", **changes: object) -> Alert:
    link = f"http://192.0.2.1:9090/consoles/{name}.md"
    alert = Alert(name, severity, f"{name} says so", "", link, "cloud-operations", NOW - 720)
    return replace(alert, **changes)  # type: ignore[arg-type]


def make_overview(**changes: object) -> Overview:
    uses = {"VCPU": Use(64, 60), "MEMORY_MB": Use(256 * GIB, 64 * GIB), "DISK_GB": Use(900 * GIB, 0)}
    overview = Overview(
        taken=NOW - 5,
        apis={"compute": True, "volume": False},
        alerts=(make_alert(), make_alert("Watchdog", "heartbeat")),
        ages={"capacity": 22.0, "quotas": 71.0},
        stale=(),
        hypervisors=(
            HypervisorState("hv1", "up", uses), HypervisorState("hv2", "down", uses),
            HypervisorState("hv3", "disabled"),
        ),
        agencies=(
            AgencyState("sotc", 2, 0, 1, "memory", 0.25, 1.0),
            AgencyState("sotttt", 1, 1, 0, "cores", 0.95, 0.12),
        ),
    )  # fmt: skip
    return replace(overview, **changes)  # type: ignore[arg-type]


def make_screen(**changes: object) -> Screen:
    screen = Screen(site="lab", now=NOW, overview=make_overview(), names={"sotttt": NAME})
    return replace(screen, **changes)  # type: ignore[arg-type]


def drawn(screen: Screen, width: int = 80, colour: bool = False) -> str:
    stream = io.StringIO()
    system = "standard" if colour else None
    console = Console(file=stream, width=width, force_terminal=colour, color_system=system)  # type: ignore[arg-type]
    console.print(screen)
    return stream.getvalue()


@pytest.mark.parametrize("width", [80, 100, 160])
def test_no_line_is_wider_than_the_terminal_and_no_state_is_lost(width: int) -> None:
    text = drawn(make_screen(), width)
    assert max(map(len, text.splitlines())) <= width
    for word in (
        "APIs 1/2 up (down: volume)",
        "1 page, 0 notice",
        "ApiDown",
        "12 min",
        "disabled",
        "94%",
        "12%",
    ):
        assert word in text


def test_names_of_agencies_are_shown_as_they_are_written() -> None:
    assert NAME in drawn(make_screen(), 100)


def test_without_colour_there_is_no_escape_and_with_it_the_words_are_the_same() -> None:
    assert "\x1b" not in drawn(make_screen())
    assert "\x1b[" in drawn(make_screen(), colour=True)


def test_trouble_stands_first() -> None:
    text = drawn(make_screen())
    assert text.index("hv2") < text.index("hv1")
    assert text.index("sotttt") < text.index("sotc")
    by_name = drawn(make_screen(sort="name"))
    assert by_name.index("sotc") < by_name.index("sotttt")


def test_the_runbook_is_named_at_any_width() -> None:
    assert "http://192.0.2.1:9090/consoles/<ALERT>.md" in drawn(make_screen())
    assert "http://192.0.2.1:9090/consoles/ApiDown.md" in drawn(make_screen(), 160)


def test_a_dead_heartbeat_and_old_facts_are_said() -> None:
    text = drawn(make_screen(overview=make_overview(alerts=(), stale=("capacity",))), 120)
    assert "HEARTBEAT MISSING" in text
    assert "STALE: capacity" in text
    assert "none fire" in text


def test_silenced_and_inhibited_alerts_are_counted_and_not_listed() -> None:
    overview = make_overview(alerts=(make_alert(silenced=True), make_alert("TargetDown", inhibited=True)))
    text = drawn(make_screen(overview=overview))
    assert "2 silenced" in text
    assert "ApiDown says so" not in text


def test_what_is_not_known_is_a_dash_and_not_zero() -> None:
    overview = make_overview(agencies=(AgencyState("sotc", 0, 0, 0),), ages={})
    (row,) = [line for line in drawn(make_screen(overview=overview)).splitlines() if line.startswith("sotc")]
    assert row.split() == ["sotc", "0", "0", "0", "-", "-"]
    assert "UNKNOWN AGE" in drawn(make_screen(overview=overview))


def test_a_small_terminal_keeps_the_keys_and_says_how_many_agencies_are_left_out() -> None:
    agencies = tuple(AgencyState(f"a{number:02}", 1, 0, 0) for number in range(35))
    screen = make_screen(overview=make_overview(agencies=agencies), live=True, height=30)
    lines = drawn(screen).splitlines()
    assert len(lines) <= 30
    assert lines[-1].startswith("q quit")
    assert any("more; `--once` lists all" in line for line in lines)


def test_when_prometheus_is_down_the_last_reading_stays_with_its_age() -> None:
    answers = [make_overview()]

    def read() -> Overview:
        if answers:
            return answers.pop()
        raise MonitoringUnreachable("http://192.0.2.1:9090 does not answer")

    watch = Watch(read)
    watch.look()
    watch.look()
    overview, error = watch.seen
    text = drawn(make_screen(overview=overview, error=error, now=NOW + 600), 200)
    assert "PROMETHEUS DOWN http://192.0.2.1:9090 does not answer. Below is what it said 10 min ago." in text
    assert "hv1" in text


def test_before_the_first_reading_nothing_is_claimed() -> None:
    text = drawn(make_screen(overview=None, error="nobody answers"))
    assert "no reading yet" in text
    assert "PROMETHEUS DOWN" in text


def test_keys_turn_through_orders_and_views_and_others_do_nothing() -> None:
    screen = make_screen()
    assert turned(screen, "s").sort == SORTS[1]
    assert turned(turned(screen, "v"), "v").view == VIEWS[2]
    assert turned(replace(screen, sort=SORTS[-1]), "s").sort == SORTS[0]
    assert turned(screen, "x") == screen


def test_a_view_shows_its_part_only() -> None:
    text = drawn(make_screen(view="hypervisors"))
    assert "HYPERVISORS" in text
    assert "AGENCIES" not in text


def test_the_document_for_programs_has_totals_of_what_can_be_placed() -> None:
    found = document("lab", make_overview())
    assert found["placeable"]["VCPU"] == Use(64, 60)  # type: ignore[index]
    assert found["apis_down"] == ("volume",)
    assert found["pages"] == 1


@pytest.mark.parametrize(
    ("seconds", "text"), [(-3, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (172800, "2 d")]
)
def test_ages_are_short(seconds: float, text: str) -> None:
    assert age(seconds) == text

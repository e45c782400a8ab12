"""Operations: is anything broken, what is it, and what is to be done. Read at 3 a.m., from the top."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitoring.overview import NOTICE, PAGE, HypervisorState, Overview, read_overview
from monitoring.pages.alerts import alerts
from monitoring.pages.chart import Chart, Line, Point, bar, chart
from monitoring.pages.language import Language
from monitoring.pages.markup import Content, Markup, el
from monitoring.pages.page import (
    BAD,
    GOOD,
    WARN,
    Column,
    Look,
    document,
    heading,
    section,
    status,
    table,
    tiles,
    verdict,
)
from monitoring.pages.words import CLASSES, resource_class, state, used_of
from monitoring.prometheus import Alertmanager, Prometheus, latest

PAST, STEP = 6 * 3600.0, 240.0
QUERIES = {
    "api_seconds": "max by (service) (city_api_probe_duration_seconds) and on (service) city_api_up == 1",
    "expected": "sum(max by (server_id) (city_workload_expected))",
    "answering": """count(max by (server_id) (city_workload_expected) == 1
        and on (server_id) city_workload_up == 1)""",
    "canary": "max by (hypervisor) (city_canary_up)",
    "canary_run": "max by (hypervisor) (city_canary_last_run_timestamp_seconds)",
}


@dataclass(frozen=True)
class Facts:
    """`api_seconds` by service; `canary` by hypervisor: whether its last run was good, and when it ended."""

    overview: Overview
    api_seconds: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)
    expected: tuple[Point, ...] = ()
    answering: tuple[Point, ...] = ()
    canary: Mapping[str, tuple[bool, float]] = field(default_factory=dict)


def read(prometheus: Prometheus, alertmanager: Alertmanager, now: float) -> Facts:
    """Raises MonitoringUnreachable if Prometheus does not answer."""
    end = now // STEP * STEP  # whole steps: a page that is renewed does not flicker
    asked = {
        name: prometheus.query_range(QUERIES[name], end - PAST, end, STEP)
        for name in ("api_seconds", "expected", "answering")
    }
    runs = latest(prometheus.query(QUERIES["canary_run"]), "hypervisor")
    return Facts(
        overview=read_overview(prometheus, alertmanager, now),
        api_seconds={series.labels.get("service", ""): series.points for series in asked["api_seconds"]},
        expected=asked["expected"][0].points if asked["expected"] else (),
        answering=asked["answering"][0].points if asked["answering"] else (),
        canary={
            key[0]: (value == 1, runs.get(key, 0.0))
            for key, value in latest(prometheus.query(QUERIES["canary"]), "hypervisor").items()
        },
    )


def page(facts: Facts, look: Look, site: str) -> Markup:
    """The page, from facts alone."""
    say, overview = look.say, facts.overview
    title = say("Operations", "Vận hành")
    return document(
        look,
        site,
        title,
        [
            heading(look, title, overview.taken),
            verdict(*_verdict(overview, say)),
            [el("p", status(WARN, problem)) for problem in overview.problems],
            tiles(_tiles(overview, say)),
            alerts(overview.firing, overview.taken, say),
            section(say("Hypervisors", "Máy chủ ảo hóa"), _hypervisors(facts, say)),
            section(say("Last 6 hours", "6 giờ qua"), el("div", _charts(facts, say), class_="charts")),
        ],
    )


def _verdict(overview: Overview, say: Language) -> tuple[str, str]:
    pages, notices = overview.count(PAGE), overview.count(NOTICE)
    if not overview.heartbeat:
        return BAD, say(
            "Alerts are not evaluated: the heartbeat is missing. Look at Prometheus first.",
            "Cảnh báo không được xét: mất nhịp Watchdog. Kiểm tra Prometheus trước.",
        )
    if pages:
        return BAD, say(
            f"{pages} urgent alert{'s' if pages > 1 else ''}. Begin with the first in the list.",
            f"{pages} cảnh báo khẩn cấp. Bắt đầu từ cảnh báo đầu danh sách.",
        )
    if overview.stale:
        return WARN, say(
            "Some facts are old; what they say may be over.", "Một số dữ liệu đã cũ; có thể không còn đúng."
        )
    if overview.problems:
        return WARN, say("Not everything could be read.", "Không đọc được toàn bộ dữ liệu.")
    if notices:
        return WARN, say(
            f"Nothing urgent. {notices} notice{'s' if notices > 1 else ''} for working hours.",
            f"Không có gì khẩn cấp. {notices} việc cần xử lý trong giờ làm việc.",
        )
    return GOOD, say("All is well: no alert fires.", "Mọi thứ bình thường: không có cảnh báo.")


def _tiles(overview: Overview, say: Language) -> list[tuple[str, Content, Content, str]]:
    up, all_ = len(overview.apis) - len(overview.apis_down), len(overview.apis)
    working, hypervisors = len(overview.placeable), len(overview.hypervisors)
    answering, down = sum(a.up for a in overview.agencies), sum(a.down for a in overview.agencies)
    lost = sum(h.state in ("down", "unreachable") for h in overview.hypervisors)
    none = say("none is known", "không có số liệu")
    silent = say("no answer: ", "không trả lời: ") + ", ".join(overview.apis_down)
    oldest = overview.oldest
    return [
        (
            say("APIs that answer", "API trả lời"),
            _of(up, all_, say),
            silent if overview.apis_down else (say("all answer", "đều trả lời") if all_ else none),
            BAD if overview.apis_down or not all_ else "",
        ),
        (
            say("Hypervisors up", "Máy chủ ảo hóa"),
            _of(working, hypervisors, say),
            say(
                f"{lost} lost, {hypervisors - working - lost} disabled",
                f"{lost} mất, {hypervisors - working - lost} tắt cấp phát",
            )
            if hypervisors
            else none,
            BAD if lost or not hypervisors else "",
        ),
        (
            say("Servers that answer", "Máy chủ trả lời"),
            _of(answering, answering + down, say),
            say(f"{down} down", f"{down} không trả lời"),
            BAD if down else "",
        ),
        (
            say("Oldest facts", "Dữ liệu cũ nhất"),
            say.age(oldest[1]) if oldest else say("unknown", "không rõ"),
            say("too old: ", "quá cũ: ") + ", ".join(overview.stale)
            if overview.stale
            else (oldest[0] if oldest else none),
            BAD if overview.stale or not oldest else "",
        ),
        (
            say("Not sent", "Không gửi đi"),
            say.number(overview.hushed),
            say("alerts silenced, or following from another", "cảnh báo bị tắt tiếng hoặc kéo theo"),
            "",
        ),
    ]


def _of(some: int, whole: int, say: Language) -> str:
    return f"{say.number(some)} / {say.number(whole)}"


def _hypervisors(facts: Facts, say: Language) -> Markup:
    order = {"up": 2, "disabled": 1}
    columns = [
        Column(say("Name", "Tên"), "head"),
        Column(say("State", "Trạng thái")),
        Column(say("Test server", "Máy ảo thử")),
        *(Column(resource_class(name, say), "num") for name in CLASSES),
    ]
    ordered = sorted(facts.overview.hypervisors, key=lambda h: (order.get(h.state, 0), h.name))
    return table(columns, [_hypervisor(h, facts, say) for h in ordered], say("Hypervisors", "Máy chủ ảo hóa"))


def _hypervisor(hypervisor: HypervisorState, facts: Facts, say: Language) -> list[Content]:
    row: list[Content] = [
        hypervisor.name,
        status(*state(hypervisor.state, say)),
        _canary(facts.canary.get(hypervisor.name), facts.overview.taken, say),
    ]
    for name in CLASSES:
        use = hypervisor.uses.get(name)
        row.append(
            None
            if use is None
            else [
                say.percent(use.ratio),
                bar(use.ratio, say.percent(use.ratio)),
                el("small", used_of(use, name, say)),
            ]
        )
    return row


def _canary(run: tuple[bool, float] | None, now: float, say: Language) -> Content:
    if run is None:
        return say("none run", "chưa chạy")
    good, ended = run
    word = status(GOOD, say("good", "tốt")) if good else status(BAD, say("failed", "thất bại"))
    return [word, el("small", say(f"{say.age(now - ended)} ago", f"{say.age(now - ended)} trước"))]


def _charts(facts: Facts, say: Language) -> list[Markup]:
    end = facts.overview.taken // STEP * STEP
    slowest = sorted(facts.api_seconds.items(), key=lambda item: item[0])[:6]
    apis = tuple(
        Line(name, points, str(number + 1), _answered(points, end, say))
        for number, (name, points) in enumerate(slowest)
    )
    servers = (
        Line(say("answer", "trả lời"), facts.answering, "1", _newest(facts.answering, say)),
        Line(say("ought to answer", "cần trả lời"), facts.expected, "2", _newest(facts.expected, say)),
    )
    return [
        chart(
            Chart(
                say(
                    "Time until an API answers; a gap: it did not",
                    "Thời gian API trả lời; chỗ trống: không trả lời",
                ),
                apis,
                end - PAST,
                end,
                say.seconds,
                least=0.2,
            ),
            say,
        ),
        chart(
            Chart(
                say("Agencies' servers", "Máy chủ của các cơ quan"),
                servers,
                end - PAST,
                end,
                say.number,
                least=4.0,
            ),
            say,
        ),
    ]


def _answered(points: tuple[Point, ...], end: float, say: Language) -> str:
    if not points or points[-1][0] < end - STEP:
        return say("no answer", "không trả lời")
    return say.seconds(points[-1][1])


def _newest(points: tuple[Point, ...], say: Language) -> str:
    return say.number(points[-1][1]) if points else ""

"""Agency: do its servers answer, how full are its quotas, is what it was promised kept.

It shows one agency's facts and nothing of another's, so that the portal can show it to the agency's own
people.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from monitoring.overview import GROUND, AgencyState, Overview, read_overview
from monitoring.pages.alerts import alerts
from monitoring.pages.chart import HOUR, bar, strip
from monitoring.pages.language import VIETNAMESE, Language
from monitoring.pages.markup import Content, Markup, el
from monitoring.pages.page import (
    AGENCIES,
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
from monitoring.pages.slo import QUERIES as SLO_QUERIES
from monitoring.pages.slo import Objective, budget, objectives, rows
from monitoring.pages.words import reason, resource, state
from monitoring.prometheus import Alert, Alertmanager, Prometheus, Sample, latest

HOURS = 24
NEAR = 0.9
_SERVER = ("server_id", "server")
QUERIES = {
    "expected": "max by (server_id, server) (city_workload_expected{OF})",
    "up": "max by (server_id, server) (city_workload_up{OF})",
    "since": "max by (server_id, server, condition) (city_workload_since_timestamp_seconds{OF})",
    "reason": "max by (server_id, server, reason) (city_workload_down_reason{OF})",
    "info": "max by (server_id, server, address, item) (city_workload_info{OF})",
    "day": """sum by (server_id, server) (increase(city_workload_probes_good_total{OF}[24h]))
        / sum by (server_id, server) (increase(city_workload_probes_total{OF}[24h]))""",
    "usage": """max by (resource) (city_agency_usage_units{OF})
        or max by (resource) (city_agency_usage_bytes{OF})""",
    "quota": """max by (resource) (city_agency_quota_units{OF})
        or max by (resource) (city_agency_quota_bytes{OF})""",
    "bytes": "count by (resource) (city_agency_usage_bytes{OF})",
}
BY_HOUR = """sum by (server_id, server) (increase(city_workload_probes_good_total{OF}[1h]))
    / (sum by (server_id, server) (increase(city_workload_probes_total{OF}[1h])) > 0)"""


@dataclass(frozen=True)
class Server:
    """`condition`: up, down, idle or unknown, `since` when; `hours`: (its end, share of good probes)."""

    name: str
    condition: str
    since: float | None = None
    reason: str = ""
    address: str = ""
    item: str = ""
    day: float | None = None
    hours: tuple[tuple[float, float | None], ...] = ()


@dataclass(frozen=True)
class Quota:
    resource: str
    used: float
    limit: float | None
    bytes: bool = False

    @property
    def ratio(self) -> float | None:
        return self.used / self.limit if self.limit else None


@dataclass(frozen=True)
class Facts:
    """Of one agency."""

    taken: float
    code: str
    servers: tuple[Server, ...] = ()
    quotas: tuple[Quota, ...] = ()
    objectives: tuple[Objective, ...] = ()
    alerts: tuple[Alert, ...] = ()

    def count(self, condition: str) -> int:
        return sum(server.condition == condition for server in self.servers)


def read(prometheus: Prometheus, alertmanager: Alertmanager, code: str, now: float) -> Facts:
    """Raises MonitoringUnreachable if one of the two does not answer."""
    of = "{agency=" + json.dumps(code, ensure_ascii=False) + "}"  # PromQL quotes as JSON does

    def ask(text: str) -> tuple[Sample, ...]:
        return prometheus.query(text.replace("{OF}", of))

    found = {name: ask(text) for name, text in QUERIES.items()}
    promised = {name: _of(prometheus.query(text), code) for name, text in SLO_QUERIES.items()}
    end = now // HOUR * HOUR
    hours = prometheus.query_range(BY_HOUR.replace("{OF}", of), end - (HOURS - 1) * HOUR, end, HOUR)
    by_hour = {series.labels.get("server_id", ""): dict(series.points) for series in hours}
    told = alertmanager.alerts()
    mine = [a for a in told if a.labels.get("agency") == code and not a.silenced and not a.inhibited]
    return Facts(
        taken=now,
        code=code,
        servers=_servers(found, by_hour, end),
        quotas=_quotas(found),
        objectives=objectives(promised),
        alerts=tuple(sorted(mine, key=lambda alert: (alert.severity != "page", alert.started))),
    )


def _of(samples: tuple[Sample, ...], code: str) -> tuple[Sample, ...]:
    """An agency's own series; its page does not name it again."""
    return tuple(
        Sample({name: value for name, value in sample.labels.items() if name != "agency"}, sample.value)
        for sample in samples
        if sample.label("agency") == code
    )


def read_all(prometheus: Prometheus, alertmanager: Alertmanager, now: float) -> Overview:
    """The index's facts: the overview, which knows all agencies."""
    return read_overview(prometheus, alertmanager, now)


def _servers(
    found: Mapping[str, tuple[Sample, ...]], by_hour: Mapping[str, Mapping[float, float]], end: float
) -> tuple[Server, ...]:
    up = latest(found["up"], *_SERVER)
    day = latest(found["day"], *_SERVER)
    since = {(s.label("server_id"), s.label("condition")): s.value for s in found["since"]}
    why = {s.label("server_id"): s.label("reason") for s in found["reason"]}
    info = {s.label("server_id"): s for s in found["info"]}
    made = []
    for key, expected in sorted(latest(found["expected"], *_SERVER).items(), key=lambda item: item[0][1]):
        server_id, name = key
        condition = "idle" if expected != 1 else {1.0: "up", 0.0: "down"}.get(up.get(key, -1.0), "unknown")
        written = {"idle": "not_expected"}.get(condition, condition)
        cells = by_hour.get(server_id, {})
        made.append(
            Server(
                name,
                condition,
                since.get((server_id, written)),
                why.get(server_id, ""),
                info[server_id].label("address") if server_id in info else "",
                info[server_id].label("item") if server_id in info else "",
                day.get(key),
                tuple((at, cells.get(at)) for at in (end - back * HOUR for back in range(HOURS - 1, -1, -1))),
            )
        )
    return tuple(sorted(made, key=lambda server: (server.condition not in ("down", "unknown"), server.name)))


def _quotas(found: Mapping[str, tuple[Sample, ...]]) -> tuple[Quota, ...]:
    limits, sizes = latest(found["quota"], "resource"), latest(found["bytes"], "resource")
    made = [
        Quota(key[0], used, limits.get(key), key in sizes)
        for key, used in latest(found["usage"], "resource").items()
    ]
    return tuple(sorted(made, key=lambda quota: (-(quota.ratio or 0.0), quota.resource)))


def name_of(code: str, names: Mapping[str, tuple[str, str]], say: Language) -> str:
    """An agency's name in the reader's language; its code where there is none."""
    vietnamese, english = names.get(code, (code, code))
    return vietnamese if say.code == VIETNAMESE else english


def page(facts: Facts, look: Look, site: str, names: Mapping[str, tuple[str, str]]) -> Markup:
    """The page of one agency, from facts alone."""
    say = look.say
    title = name_of(facts.code, names, say)
    return document(
        look,
        site,
        title,
        [
            heading(look, title, facts.taken),
            verdict(*_verdict(facts, say)),
            tiles(_tiles(facts, say)),
            section(say("Servers", "Máy chủ"), _server_table(facts, say)),
            section(say("Quota", "Hạn ngạch"), _quota_table(facts.quotas, say)),
            section(say("What was promised", "Cam kết dịch vụ"), rows(facts.objectives, say)),
            alerts(facts.alerts, facts.taken, say, runbooks=False),
        ],
    )


def _verdict(facts: Facts, say: Language) -> tuple[str, str]:
    down, unknown = facts.count("down"), facts.count("unknown")
    if not facts.servers:
        return WARN, say("No servers are known of this agency.", "Chưa có máy chủ nào của cơ quan này.")
    if down:
        return BAD, say(
            f"{down} server{'s do' if down > 1 else ' does'} not answer. The cloud team has been told.",
            f"{down} máy chủ không trả lời. Đội vận hành đã được báo.",
        )
    if unknown:
        return WARN, say(f"Of {unknown} servers nothing is known.", f"Không rõ tình trạng {unknown} máy chủ.")
    return GOOD, say("All servers that are meant to run answer.", "Mọi máy chủ đang chạy đều trả lời.")


def _tiles(facts: Facts, say: Language) -> list[tuple[str, Content, Content, str]]:
    up, down, idle = facts.count("up"), facts.count("down") + facts.count("unknown"), facts.count("idle")
    full = max(
        (quota for quota in facts.quotas if quota.ratio is not None and quota.resource not in GROUND),
        key=lambda q: q.ratio or 0,
        default=None,
    )
    left = min((one.left for one in facts.objectives if one.left is not None), default=None)
    unknown = say("unknown", "không rõ")
    ratio = None if full is None or full.ratio is None else full.ratio
    return [
        (
            say("Servers that answer", "Máy chủ trả lời"),
            f"{up} / {up + down}",
            say(f"{idle} stopped or not watched", f"{idle} máy đã tắt hoặc không theo dõi"),
            BAD if down else "",
        ),
        (
            say("Fullest quota", "Hạn ngạch đầy nhất"),
            unknown if ratio is None else say.percent(ratio),
            resource(full.resource, say) if full else None,
            WARN if ratio is not None and ratio >= NEAR else "",
        ),
        (
            say("Error budget left", "Ngân sách lỗi còn lại"),
            unknown if left is None else say.percent(left),
            say("worst server, 30 days", "máy chủ kém nhất, 30 ngày"),
            "" if left is None else BAD if left < 0 else WARN if left < 0.25 else "",
        ),
    ]


def _server_table(facts: Facts, say: Language) -> Content:
    if not facts.servers:
        return el("p", status("", say("None.", "Không có.")))
    columns = [
        Column(say("Name", "Tên"), "head"),
        Column(say("State", "Trạng thái")),
        Column(say("For", "Từ"), "num"),
        Column(say("24 hours", "24 giờ"), "num"),
        Column(say("Each hour", "Từng giờ"), "wide"),
    ]
    return [table(columns, [_server(server, facts, say) for server in facts.servers]), _key(say)]


def _server(server: Server, facts: Facts, say: Language) -> list[Content]:
    grade, word = state(server.condition, say)
    why = reason(server.reason, say) if server.reason and server.condition == "down" else ""
    where = " · ".join(part for part in (server.item, server.address) if part)
    cells = [
        (f"{say.clock(at - HOUR)}–{say.clock(at)}: {_share(ratio, say)}", ratio) for at, ratio in server.hours
    ]
    return [
        [server.name, el("small", where) if where else None],
        [status(grade, word), el("small", why) if why else None],
        "" if server.since is None else say.age(facts.taken - server.since),
        "" if server.day is None else say.percent(server.day, 2),
        strip(cells, say(f"{server.name}, hour by hour", f"{server.name}, từng giờ")),
    ]


def _share(ratio: float | None, say: Language) -> str:
    return say("not known", "không rõ") if ratio is None else say.percent(ratio, 1)


def _key(say: Language) -> Markup:
    grades = (
        ("good", say("answered", "trả lời")),
        ("part", say("90 % or more", "từ 90 %")),
        ("bad", say("less", "ít hơn")),
        ("none", say("not known", "không rõ")),
    )
    return el("ul", [el("li", _swatch(grade), f" {word}") for grade, word in grades], class_="legend")


def _swatch(grade: str) -> Markup:
    return el(
        "svg",
        el("rect", class_=f"cell {grade}", width=26, height=10),
        class_="key",
        viewBox="0 0 26 10",
        aria_hidden="true",
    )


def _quota_table(quotas: tuple[Quota, ...], say: Language) -> Content:
    if not quotas:
        return el("p", status("", say("Nothing is known.", "Không có số liệu.")))
    columns = [
        Column(say("Resource", "Tài nguyên"), "head"),
        Column(say("Used", "Đã dùng"), "num"),
        Column(say("Limit", "Giới hạn"), "num"),
        Column(say("Share", "Tỷ lệ"), "num"),
    ]
    return table(columns, [_quota(quota, say) for quota in quotas])


def _quota(quota: Quota, say: Language) -> list[Content]:
    show: Callable[[float], str] = say.bytes if quota.bytes else say.number
    ratio = quota.ratio
    word = "" if ratio is None else say.percent(ratio)
    full: Content = status(WARN, word) if ratio is not None and ratio >= NEAR else word
    return [
        resource(quota.resource, say),
        show(quota.used),
        say("none", "không") if quota.limit is None else show(quota.limit),
        None if ratio is None else [full, bar(ratio, word)],
    ]


def index(overview: Overview, look: Look, site: str, names: Mapping[str, tuple[str, str]]) -> Markup:
    """All agencies, those in trouble first. For staff only."""
    say = look.say
    title = say("Agencies", "Các cơ quan")
    known = {agency.code: agency for agency in overview.agencies}
    silent = [AgencyState(code, 0, 0, 0) for code in names if code not in known]
    ordered = sorted([*known.values(), *silent], key=_trouble)
    columns = [
        Column(say("Agency", "Cơ quan"), "head"),
        Column(say("Servers that answer", "Máy chủ trả lời"), "num"),
        Column(say("Fullest quota", "Hạn ngạch đầy nhất"), "num"),
        Column(say("Budget left", "Ngân sách lỗi còn"), "num"),
    ]
    listed = [_listed(agency, look, names) for agency in ordered]
    return document(
        look,
        site,
        title,
        [
            heading(look, title, overview.taken),
            el("section", table(columns, listed, title)),
        ],
    )


def _trouble(agency: AgencyState) -> tuple[bool, bool, bool, str]:
    budget = 1.0 if agency.budget_left is None else agency.budget_left
    return (not agency.down, budget >= 0.25, agency.up + agency.idle == 0, agency.code)


def _listed(agency: AgencyState, look: Look, names: Mapping[str, tuple[str, str]]) -> list[Content]:
    say = look.say
    link = el("a", name_of(agency.code, names, say), href=look.link(f"{AGENCIES}/{agency.code}"))
    total = agency.up + agency.down
    answering: Content = f"{agency.up} / {total}" if total else say("none", "không có")
    quota: Content = None
    if agency.quota_ratio is not None:
        word = f"{resource(agency.quota_resource, say)} {say.percent(agency.quota_ratio)}"
        quota = status(WARN, word) if agency.quota_ratio >= NEAR else word
    return [
        [link, el("small", agency.code)],
        status(BAD, f"{agency.up} / {total}") if agency.down else answering,
        quota,
        None if agency.budget_left is None else budget(agency.budget_left, say),
    ]

"""SLOs: what was promised, what is left of the error budgets, how fast they burn, is the ledger sound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitoring.pages.chart import DAY, Chart, Line, Point, bar, chart
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
from monitoring.pages.words import objective
from monitoring.prometheus import Prometheus, Sample

PAST, STEP = 30 * DAY, DAY / 4
PAGE_BURN, FAST_BURN = 14.4, 6.0
LITTLE = 0.25
LATE_LEDGER = 36 * 3600.0
QUERIES = {
    "objective": "slo:city_objective:ratio",
    "left": "slo:city_budget_left:ratio",
    "errors": 'slo:city_errors:ratio{window="30d"}',
    "burn_1h": 'slo:city_burn_rate:ratio{window="1h"}',
    "burn_6h": 'slo:city_burn_rate:ratio{window="6h"}',
    "ledger_day": "max(city_ledger_last_day_timestamp_seconds)",
    "ledger_intact": "min(city_ledger_intact)",
    "ledger_unknown": "max(city_ledger_day_unknown_ratio)",
}
WORST = "min by (slo) (slo:city_budget_left:ratio)"
_NOT_ITS_NAME = {"slo", "window", "job", "instance", "server_id", "project", "site", "region"}


@dataclass(frozen=True)
class Objective:
    """One series of an SLO; `about` says of what, `burn` by window. None: no events yet."""

    slo: str
    about: str
    objective: float
    left: float | None = None
    errors: float | None = None
    burn: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    """`ledger_day` is the end of the last day that the ledger holds, 0 while it holds none; None where nobody
    knows.
    """

    taken: float
    objectives: tuple[Objective, ...] = ()
    worst: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)
    ledger_day: float | None = None
    ledger_intact: bool | None = None
    ledger_unknown: float | None = None

    @property
    def judged(self) -> int:
        """Objectives of which there are events."""
        return sum(one.left is not None for one in self.objectives)


def read(prometheus: Prometheus, now: float) -> Facts:
    """Raises MonitoringUnreachable if Prometheus does not answer."""
    end = now // STEP * STEP
    found = {name: prometheus.query(text) for name, text in QUERIES.items()}
    over = prometheus.query_range(WORST, end - PAST, end, STEP)
    only = {
        name: found[name][0].value if found[name] else None for name in QUERIES if name.startswith("ledger")
    }
    intact = only["ledger_intact"]
    return Facts(
        taken=now,
        objectives=objectives(found),
        worst={series.labels.get("slo", ""): series.points for series in over},
        ledger_day=only["ledger_day"],
        ledger_intact=None if intact is None else intact == 1,
        ledger_unknown=only["ledger_unknown"],
    )


def objectives(found: Mapping[str, tuple[Sample, ...]]) -> tuple[Objective, ...]:
    """The series of all SLOs, worst budget first."""
    by = {
        name: {_key(sample): sample.value for sample in found[name]}
        for name in ("left", "errors", "burn_1h", "burn_6h")
    }
    made = []
    for sample in found["objective"]:
        key = _key(sample)
        burn = {window: by[f"burn_{window}"][key] for window in ("1h", "6h") if key in by[f"burn_{window}"]}
        made.append(
            Objective(
                sample.label("slo"),
                about(sample),
                sample.value,
                by["left"].get(key),
                by["errors"].get(key),
                burn,
            )
        )
    return tuple(sorted(made, key=lambda one: (2.0 if one.left is None else one.left, one.slo, one.about)))


def about(sample: Sample) -> str:
    """Of what a series of an SLO is: its labels that say so."""
    return " / ".join(
        value for name, value in sorted(sample.labels.items()) if name not in _NOT_ITS_NAME and value
    )


def _key(sample: Sample) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in sample.labels.items() if name != "window"))


def page(facts: Facts, look: Look, site: str) -> Markup:
    """The page, from facts alone."""
    say = look.say
    title = say("Service level objectives", "Cam kết chất lượng dịch vụ (SLO)")
    return document(
        look,
        site,
        title,
        [
            heading(look, title, facts.taken),
            verdict(*_verdict(facts, say)),
            tiles(_ledger(facts, say)),
            section(say("Error budget left of 30 days", "Ngân sách lỗi 30 ngày còn lại"), _chart(facts, say)),
            section(
                say("All objectives, worst first", "Mọi cam kết, kém nhất trước"), rows(facts.objectives, say)
            ),
        ],
    )


def _verdict(facts: Facts, say: Language) -> tuple[str, str]:
    over = [one for one in facts.objectives if one.left is not None and one.left < 0]
    little = [one for one in facts.objectives if one.left is not None and 0 <= one.left < LITTLE]
    if facts.ledger_intact is False:
        return BAD, say("The ledger's chain is broken.", "Chuỗi bản ghi của sổ SLA bị hỏng.")
    if not facts.objectives:
        return WARN, say("No objective has been judged yet.", "Chưa có cam kết nào được đánh giá.")
    if over:
        return BAD, say(
            f"{len(over)} of {facts.judged} objectives missed over 30 days.",
            f"{len(over)} trong {facts.judged} cam kết không đạt trong 30 ngày.",
        )
    if little:
        return WARN, say(
            f"All objectives are kept; {len(little)} with little budget left.",
            f"Mọi cam kết đều đạt; {len(little)} cam kết gần hết ngân sách lỗi.",
        )
    return GOOD, say("All objectives are kept.", "Mọi cam kết đều đạt.")


def _ledger(facts: Facts, say: Language) -> list[tuple[str, Content, Content, str]]:
    unknown = say("unknown", "không rõ")
    kept = sum(one.left is not None and one.left >= 0 for one in facts.objectives)
    intact = {True: say("intact", "nguyên vẹn"), False: say("broken", "bị hỏng"), None: unknown}[
        facts.ledger_intact
    ]
    return [
        (
            say("Objectives kept", "Cam kết đạt"),
            f"{kept} / {facts.judged}",
            say("over 30 days", "trong 30 ngày"),
            "",
        ),
        (
            say("SLA ledger", "Sổ SLA"),
            intact,
            say("chain of entries", "chuỗi bản ghi"),
            BAD if facts.ledger_intact is False else WARN if facts.ledger_intact is None else "",
        ),
        _last_day(facts, say),
        (
            say("Unknown of the last day", "Không rõ trong ngày gần nhất"),
            say.percent(facts.ledger_unknown, 2) if facts.ledger_unknown is not None and facts.ledger_day
            else unknown,
            say("of all workloads' time", "thời gian của mọi máy chủ"),
            "",
        ),
    ]  # fmt: skip


def _last_day(facts: Facts, say: Language) -> tuple[str, Content, Content, str]:
    title, note = say("Ledger ends", "Sổ ghi đến"), say("written once a day", "ghi mỗi ngày một lần")
    if facts.ledger_day is None:
        return title, say("unknown", "không rõ"), note, WARN
    if not facts.ledger_day:
        begins = say("begins with the first whole day", "bắt đầu từ ngày trọn vẹn đầu tiên")
        return title, say("no day yet", "chưa có ngày nào"), begins, ""
    age = facts.taken - facts.ledger_day
    return title, say(f"{say.age(age)} ago", f"{say.age(age)} trước"), note, WARN if age > LATE_LEDGER else ""


def _chart(facts: Facts, say: Language) -> Markup:
    if not any(facts.worst.values()):
        return el("p", status("", say("No history yet.", "Chưa có lịch sử.")))
    end = facts.taken // STEP * STEP
    worst = sorted(facts.worst.items(), key=lambda item: item[1][-1][1] if item[1] else 1.0)[:6]
    lines = tuple(
        Line(objective(name, say), points, str(number + 1), say.percent(points[-1][1]) if points else "")
        for number, (name, points) in enumerate(sorted(worst))
    )
    lowest = min((value for line in lines for _, value in line.points), default=0.0)
    return chart(
        Chart(
            say("Worst series of each SLO", "Chuỗi kém nhất của mỗi SLO"),
            lines,
            end - PAST,
            end,
            say.percent,
            limit=(say("used up", "đã hết"), 0.0),
            least=1.0,
            bottom=min(0.0, lowest),
        ),
        say,
    )


def rows(objectives: tuple[Objective, ...], say: Language) -> Content:
    """A table of objectives."""
    if not objectives:
        return el("p", status("", say("None has been judged yet.", "Chưa có cam kết nào được đánh giá.")))
    columns = [
        Column(say("Objective", "Cam kết"), "head"),
        Column(say("Promised", "Đã hứa"), "num"),
        Column(say("Reached in 30 d", "Đạt trong 30 ngày"), "num"),
        Column(say("Budget left", "Ngân sách còn"), "num"),
        Column(say("Burn 1 h / 6 h", "Tiêu 1 giờ / 6 giờ"), "num"),
    ]
    return table(columns, [_row(one, say) for one in objectives])


def _row(one: Objective, say: Language) -> list[Content]:
    promise = objective(one.slo, say)
    return [
        [one.about or promise, el("small", promise) if one.about else None],
        say.percent(one.objective, 2),
        "" if one.errors is None else say.percent(1 - one.errors, 2),
        budget(one.left, say),
        _burn(one, say),
    ]


def budget(left: float | None, say: Language) -> Content:
    """What is left of an error budget, with a bar."""
    if left is None:
        return status("", say("no events", "chưa có sự kiện"))
    word = say.percent(left)
    if left < LITTLE:
        return [status(BAD if left < 0 else WARN, word), bar(left, word, limit=2.0)]
    return [word, bar(left, word, limit=2.0)]


def _burn(one: Objective, say: Language) -> Content:
    if not one.burn:
        return None
    words = " / ".join(
        say.number(one.burn[window], 1) if window in one.burn else "–" for window in ("1h", "6h")
    )
    hot = one.burn.get("1h", 0.0) >= PAGE_BURN or one.burn.get("6h", 0.0) >= FAST_BURN
    return status(BAD, words) if hot else words

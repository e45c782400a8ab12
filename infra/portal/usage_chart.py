"""Charts of usage: where their lines run and what stands beside them. `usage.html` draws them as SVG.

The policy of the portal's pages allows no style in an element, so labels are not placed: they stand at equal
distances, as the ticks that they name do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from infra.portal.language import N_, Reader
from infra.portal.usage import Measure, MeasureKind, Span, Uptime, Usage, UsageDay, UsagePoint
from infra.portal.usage_reading import STEP_SECONDS
from monitoring.pages.chart import ticks

WIDTH, HEIGHT = 1000.0, 100.0
QUARTERS = 4
ROW_HOURS = 2
"""From one row of a chart's table to the next."""
GOOD, FAIR = 0.999, 0.99
"""Shares of a day from which on it is drawn as good, or as one with a short interruption."""
KIB = 1024.0


@dataclass(frozen=True)
class Line:
    """`path` is of the plot, WIDTH by HEIGHT; `now` its newest value, `cells` those of the table's rows."""

    name: str
    path: str
    now: str
    most: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Plot:
    """`levels` are the labels of the axis, the highest first; `moments` those below, `rows` of the table."""

    title: str
    lines: tuple[Line, ...]
    levels: tuple[str, ...]
    moments: tuple[str, ...]
    rows: tuple[str, ...]

    @property
    def heights(self) -> tuple[float, ...]:
        """Where the levels' lines run."""
        return tuple(HEIGHT * number / (len(self.levels) - 1) for number in range(len(self.levels)))


@dataclass(frozen=True)
class UptimeRow:
    """A span, and how long the server answered, did not, and was not looked at."""

    span: str
    up: str
    down: str
    unknown: str


@dataclass(frozen=True)
class DayCell:
    """`grade` is good, warn, bad, or "" for a day of which nothing is known; `x` of WIDTH."""

    label: str
    told: str
    grade: str
    x: float


_SPANS = {
    Span.DAY: N_("24 hours"),
    Span.WEEK: N_("7 days"),
    Span.DAYS_30: N_("30 days"),
    Span.MONTH: N_("This month"),
}
_TITLES: Sequence[tuple[str, Mapping[MeasureKind, str]]] = (
    (N_("Time to answer"), {MeasureKind.RESPONSE: ""}),
    (N_("Processor"), {MeasureKind.PROCESSOR: N_("in use")}),
    (N_("Memory"), {MeasureKind.MEMORY: N_("in use")}),
    (N_("Fullest file system"), {MeasureKind.DISK: N_("in use")}),
    (N_("Network"), {MeasureKind.RECEIVED: N_("received"), MeasureKind.SENT: N_("sent")}),
)
"""Each chart, and what its lines are called; "" for the probe's own name."""


@dataclass(frozen=True)
class UsageFacts:
    """What `usage.html` shows; `inside` whether anything is known of what the server tells of itself."""

    state: str
    uptime: tuple[UptimeRow, ...]
    days: tuple[DayCell, ...]
    plots: tuple[Plot, ...]
    inside: bool


def usage_facts(usage: Usage, say: Reader) -> UsageFacts:
    inside = any(one.kind != MeasureKind.RESPONSE for one in usage.measures)
    rows = tuple(_row(one, say) for one in usage.uptime)
    return UsageFacts(usage.state, rows, day_cells(usage.days, say), plots(usage, say), inside)


def _row(one: Uptime, say: Reader) -> UptimeRow:
    down, unknown = (
        say.age(timedelta(seconds=seconds)) if seconds else "–"
        for seconds in (one.down_seconds, one.unknown_seconds)
    )
    return UptimeRow(say.say(_SPANS[one.span]), _share(one.ratio, say), down, unknown)


def plots(usage: Usage, say: Reader) -> tuple[Plot, ...]:
    """Those of which there is anything to draw."""
    made = []
    for title, kinds in _TITLES:
        mine = [one for one in usage.measures if one.kind in kinds]
        if mine and usage.since and usage.until:
            names = [say.say(kinds[one.kind]) if kinds[one.kind] else one.name for one in mine]
            made.append(_plot(say.say(title), names, mine, (usage.since, usage.until), say))
    return tuple(made)


def day_cells(days: Sequence[UsageDay], say: Reader) -> tuple[DayCell, ...]:
    return tuple(
        DayCell(say.day(one.day), _share(one.ratio, say), _grade(one.ratio), WIDTH * number / len(days))
        for number, one in enumerate(days)
    )


def _plot(
    title: str, names: Sequence[str], measures: Sequence[Measure], span: tuple[datetime, datetime],
    say: Reader,
) -> Plot:  # fmt: skip
    since, until = span
    kind = measures[0].kind
    marks = _marks(kind, max(point.value for one in measures for point in one.points))
    show = _shown(kind, marks[-1], say)
    step = timedelta(hours=ROW_HOURS)
    rows = [since + step * number for number in range(int((until - since) / step) + 1)]
    lines = tuple(
        Line(
            name, _path(one.points, since, until, marks[-1]), show(one.points[-1].value),
            show(max(point.value for point in one.points)), _cells(one.points, rows, show),
        )
        for name, one in zip(names, measures, strict=True)
    )  # fmt: skip
    quarter = (until - since) / QUARTERS
    return Plot(
        title, lines, tuple(show(mark) for mark in reversed(marks)),
        tuple(_clock(since + quarter * number) for number in range(QUARTERS + 1)),
        tuple(_clock(row) for row in rows),
    )  # fmt: skip


def _marks(kind: MeasureKind, most: float) -> list[float]:
    if kind in (MeasureKind.PROCESSOR, MeasureKind.MEMORY, MeasureKind.DISK):
        return [0.0, 0.5, 1.0]
    binary = kind in (MeasureKind.RECEIVED, MeasureKind.SENT)
    return ticks(0.0, max(most, KIB if binary else 0.001), binary)


def _shown(kind: MeasureKind, most: float, say: Reader) -> Callable[[float], str]:
    """How a value is written: one unit for the whole chart, by its highest."""
    if kind == MeasureKind.RESPONSE:
        factor, unit = (1000.0, "ms") if most < 2 else (1.0, "s")
    elif kind in (MeasureKind.RECEIVED, MeasureKind.SENT):
        factor, unit = (1 / KIB, "KiB/s") if most < KIB * KIB else (1 / KIB / KIB, "MiB/s")
    else:
        return lambda value: say.percent(round(value, 3))
    return lambda value: f"{say.number(round(value * factor, 1))} {unit}"


def _path(points: Sequence[UsagePoint], since: datetime, until: datetime, top: float) -> str:
    """A gap is a gap: the line is broken where a value is missing."""
    parts, before = [], None
    for point in points:
        joined = before is not None and (point.at - before).total_seconds() <= STEP_SECONDS * 1.5
        x = (point.at - since) / (until - since) * WIDTH
        parts.append(f"{'L' if joined else 'M'}{x:.1f} {HEIGHT * (1 - point.value / top):.1f}")
        before = point.at
    return " ".join(parts)


def _cells(
    points: Sequence[UsagePoint], rows: Sequence[datetime], show: Callable[[float], str]
) -> tuple[str, ...]:
    known = {point.at: point.value for point in points}
    return tuple(show(known[row]) if row in known else "–" for row in rows)


def _clock(at: datetime) -> str:
    return at.strftime("%H:%M")


def _share(ratio: float | None, say: Reader) -> str:
    return "–" if ratio is None else say.percent(_floored(ratio))


def _floored(ratio: float) -> float:
    """To two places of percent, downwards: what was interrupted is never shown as 100 %."""
    return int(ratio * 10000 + 1e-6) / 10000


def _grade(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return "good" if ratio >= GOOD else "warn" if ratio >= FAIR else "bad"

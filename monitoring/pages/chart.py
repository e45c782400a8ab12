"""Charts as SVG beside HTML: the plot stretches with the page, its labels stay text of the page's size.

Drawn here and not by a plotting library: the monitoring servers have none, a page must be light, and colours
are the page's own, so that they follow its dark mode. A line has a colour, a dash and a name.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from monitoring.pages.language import Language
from monitoring.pages.markup import Content, Markup, el

WIDTH, HEIGHT = 1000.0, 100.0
HOUR, DAY = 3600.0, 86400.0
Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """`style`: 1 to 6, or `forecast`; `now` is its value in the legend."""

    name: str
    points: tuple[Point, ...]
    style: str = "1"
    now: str = ""


@dataclass(frozen=True)
class Chart:
    """`show` writes a value of the axis; `limit` must not be passed; `band` lies between two lines."""

    title: str
    lines: tuple[Line, ...]
    start: float
    end: float
    show: Callable[[float], str]
    limit: tuple[str, float] | None = None
    band: tuple[str, tuple[Point, ...], tuple[Point, ...]] | None = None
    now: float | None = None
    binary: bool = False
    least: float = 0.0
    """The axis reaches at least to here."""
    bottom: float = 0.0
    extra: Sequence[Content] = field(default_factory=tuple)


def chart(given: Chart, say: Language) -> Markup:
    """The figure: caption, plot with axes, legend with the newest values."""
    marks = ticks(given.bottom, _highest(given), given.binary)
    bottom, top = marks[0], marks[-1]

    def x(at: float) -> float:
        return (at - given.start) / (given.end - given.start)

    def y(value: float) -> float:
        return 1 - (value - bottom) / (top - bottom)

    plot = [*(_grid(y(mark)) for mark in marks), *_band(given, x, y)]
    plot += [_path(line.points, x, y, f"line s{line.style}") for line in given.lines]
    if given.limit:
        plot.append(_level(y(given.limit[1]), "limit"))
    if given.now is not None:
        at = x(given.now) * WIDTH
        plot.append(el("line", class_="now", x1=_n(at), x2=_n(at), y1=0, y2=HEIGHT))
    words = "; ".join(f"{line.name}: {line.now}" for line in given.lines if line.now)
    svg = el(
        "svg",
        el("title", given.title),
        el("desc", words),
        plot,
        viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}",
        preserveAspectRatio="none",
        role="img",
    )
    ys = [el("span", given.show(mark), style=f"top:{y(mark):.1%}") for mark in marks]
    xs = [el("span", label, style=f"left:{x(at):.1%}") for at, label in times(given.start, given.end, say)]
    return el(
        "figure",
        el("figcaption", given.title),
        el(
            "div",
            el("div", ys, class_="ys", aria_hidden="true"),
            svg,
            el("div", xs, class_="xs", aria_hidden="true"),
            class_="plot",
        ),
        _legend(given),
        given.extra,
        class_="chart",
    )


def ticks(low: float, high: float, binary: bool = False) -> list[float]:
    """Three to six round values that hold low and high; `binary` for powers of two, as bytes want them."""
    span = max(high - low, 1e-9)
    if binary:
        step = 2.0 ** math.ceil(math.log2(span / 5))
    else:
        size = 10.0 ** math.floor(math.log10(span / 5))
        step = size * next(factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= span / 5 * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def times(start: float, end: float, say: Language) -> list[tuple[float, str]]:
    """Round times of a span with their labels: clock times within two days, dates beyond."""
    span = end - start
    by_clock = span <= 2 * DAY
    steps = (
        (HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR)
        if by_clock
        else (DAY, 2 * DAY, 5 * DAY, 10 * DAY, 30 * DAY)
    )
    step = next((step for step in steps if span / step <= 6), math.ceil(span / 6 / DAY) * DAY)
    at = say.midnight(start)
    found = []
    while at <= end:
        if start + span * 0.02 <= at <= end - span * 0.02:
            found.append((at, say.clock(at) if by_clock else say.date(at)))
        at += step
    return found


def strip(cells: Sequence[tuple[str, float | None]], title: str) -> Markup:
    """A row of cells, one for each time: how much of it was good. None: nothing is known."""
    width = WIDTH / max(1, len(cells))
    drawn = [_cell(label, ratio, number * width, width * 0.86) for number, (label, ratio) in enumerate(cells)]
    return el(
        "svg",
        el("title", title),
        drawn,
        class_="strip",
        viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}",
        preserveAspectRatio="none",
        role="img",
    )


def bar(ratio: float, label: str, limit: float = 0.9) -> Markup:
    """How full something is; the words beside it say it too."""
    style = f"width:{min(1.0, max(0.0, ratio)):.1%}"
    return el(
        "span",
        el("span", style=style, class_="full" if ratio >= limit else None),
        class_="bar",
        role="img",
        aria_label=label,
    )


def _cell(label: str, ratio: float | None, x: float, width: float) -> Markup:
    return el(
        "g",
        el("title", label),
        el("rect", class_=f"cell {_grade(ratio)}", x=_n(x), y=0, width=_n(width), height=HEIGHT),
    )


def _grade(ratio: float | None) -> str:
    if ratio is None:
        return "none"
    return "good" if ratio >= 0.999 else "part" if ratio >= 0.9 else "bad"


def _highest(given: Chart) -> float:
    values = [value for line in given.lines for _, value in line.points if math.isfinite(value)]
    if given.limit:
        values.append(given.limit[1])
    return max([*values, given.least])


def _grid(y: float) -> Markup:
    return _level(y, "grid")


def _level(y: float, style: str) -> Markup:
    return el("line", class_=style, x1=0, x2=WIDTH, y1=_n(y * HEIGHT), y2=_n(y * HEIGHT))


def _path(
    points: Iterable[Point], x: Callable[[float], float], y: Callable[[float], float], style: str
) -> Markup:
    """A line with gaps where samples are missing."""
    known = [point for point in points if math.isfinite(point[1])]
    gaps = sorted(b[0] - a[0] for a, b in itertools.pairwise(known))
    longest = gaps[len(gaps) // 2] * 2.5 if gaps else 0.0
    parts = []
    before: float | None = None
    for at, value in known:
        letter = "L" if before is not None and at - before <= longest else "M"
        parts.append(f"{letter}{_n(x(at) * WIDTH)} {_n(y(value) * HEIGHT)}")
        before = at
    return el("path", class_=style, d=" ".join(parts))


def _band(given: Chart, x: Callable[[float], float], y: Callable[[float], float]) -> list[Markup]:
    if given.band is None:
        return []
    _, lower, upper = given.band
    around = [*lower, *reversed(upper)]
    points = " L".join(f"{_n(x(at) * WIDTH)} {_n(y(value) * HEIGHT)}" for at, value in around)
    return [el("path", class_="band", d=f"M{points} Z")]


def _legend(given: Chart) -> Markup:
    rows = [(f"s{line.style}", line.name, line.now) for line in given.lines]
    if given.limit:
        rows.append(("limit", given.limit[0], given.show(given.limit[1])))
    keys = [el("li", _key(style), f"{name} ", el("b", now) if now else None) for style, name, now in rows]
    if given.band:
        keys.append(el("li", el("span", class_="bandkey"), given.band[0]))
    return el("ul", keys, class_="legend")


def _key(style: str) -> Markup:
    sample = el("line", class_=f"line {style}" if style != "limit" else style, x1=0, x2=26, y1=5, y2=5)
    return el("svg", sample, class_="key", viewBox="0 0 26 10", aria_hidden="true")


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")

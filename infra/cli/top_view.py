"""What `citycloud top` draws: the operations overview as tables that fit the terminal.

Every state is a word; colour only repeats it. Trouble stands first: what does not fit is what is well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.rule import Rule
from rich.style import Style
from rich.table import Table
from rich.text import Text

from monitoring.overview import NOTICE, PAGE, AgencyState, HypervisorState, Overview, Use
from monitoring.prometheus import Alert

GIB = 1024**3
WIDE = 120
NEAR_LIMIT, LITTLE_BUDGET = 0.9, 0.25
SORTS = ("trouble", "name", "quota", "budget")
VIEWS = ("all", "alerts", "hypervisors", "agencies")
CLASSES = (("VCPU", "VCPU"), ("MEMORY_MB", "MEMORY GiB"), ("DISK_GB", "DISK GiB"))
STYLES = {"up": "green", "disabled": "yellow", PAGE: "bold red", NOTICE: "yellow"}


@dataclass(frozen=True)
class Screen:
    """Everything that is drawn. `overview` is the last that could be read, None before the first; `error`
    says why the newest could not be."""

    site: str
    now: float
    overview: Overview | None
    error: str = ""
    names: Mapping[str, str] | None = None
    sort: str = SORTS[0]
    view: str = VIEWS[0]
    live: bool = False
    height: int = 0
    """Lines of the terminal; 0 for as many as it takes."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield draw(self, options.max_width)


def draw(screen: Screen, width: int) -> Group:
    """The whole screen, for a terminal of `width` columns."""
    parts: list[RenderableType] = [_title(screen, width)]
    if screen.error:
        parts.append(_down(screen))
    overview = screen.overview
    if overview is None:
        return Group(*parts, *_keys(screen))
    parts.append(_summary(overview, screen.now))
    parts += [Text(f"UNKNOWN {problem}", style="yellow") for problem in overview.problems]
    if screen.view in ("all", "alerts"):
        parts += _alerts(overview, screen.now, width)
    if screen.view in ("all", "hypervisors"):
        parts += _hypervisors(overview, width)
    if screen.view in ("all", "agencies"):
        parts += _agencies(screen, overview, width, _rows_left(screen, parts, width))
    return Group(*parts, *_keys(screen))


def _title(screen: Screen, width: int) -> Text:
    left = f"City Cloud {screen.site}"
    taken = screen.overview.taken if screen.overview else None
    right = "no reading yet" if taken is None else f"read {age(screen.now - taken)} ago"
    return Text.assemble(
        (left, "bold"),
        " " * max(2, width - len(left) - len(right)),
        (right, "red" if screen.error else "dim"),
    )


def _down(screen: Screen) -> Text:
    kept = screen.overview
    rest = f" Below is what it said {age(screen.now - kept.taken)} ago." if kept else ""
    return Text.assemble(("PROMETHEUS DOWN ", "bold red"), screen.error + ".", rest)


def _summary(overview: Overview, now: float) -> Text:
    pages, notices = overview.count(PAGE), overview.count(NOTICE)
    up = sum(overview.apis.values())
    style = "bold red" if overview.apis_down else "green"
    text = Text.assemble(("APIs ", "dim"), (f"{up}/{len(overview.apis)} up", style))
    if overview.apis_down:
        text.append(f" (down: {', '.join(overview.apis_down)})", style="red")
    text.append("   alerts ", style="dim")
    text.append(f"{pages} page", style="bold red" if pages else "green")
    text.append(", ").append(f"{notices} notice", style="yellow" if notices else "green")
    if overview.hushed:
        text.append(f", {overview.hushed} silenced", style="dim")
    if not overview.heartbeat:
        text.append("   HEARTBEAT MISSING: alerts are not evaluated", style="bold red")
    text.append("\ndata ", style="dim")
    if overview.oldest is None:
        text.append("UNKNOWN AGE", style="bold red")
    else:
        collector, seconds = overview.oldest
        text.append(f"at most {age(seconds)} old ({collector})")
    if overview.stale:
        text.append(f"   STALE: {', '.join(overview.stale)}", style="bold red")
    return text


def _alerts(overview: Overview, now: float, width: int) -> list[RenderableType]:
    if not overview.firing:
        return [_heading("ALERTS"), Text("none fire", style="green")]
    wide = width >= WIDE
    table = _table("SEVERITY", ">FOR", "ALERT", "SUMMARY*", *(["RUNBOOK"] if wide else []))
    for alert in overview.firing:
        table.add_row(
            Text(alert.severity, style=STYLES.get(alert.severity, "")),
            age(now - alert.started),
            _linked(alert),
            alert.summary,
            *([Text(alert.runbook_url, style="dim")] if wide else []),
        )
    runbook = next((alert.runbook_url for alert in overview.firing if alert.runbook_url), "")
    where = Text(f"runbooks: {runbook.rpartition('/')[0]}/<ALERT>.md", style="dim", no_wrap=True)
    return [_heading("ALERTS"), table, *([where] if runbook and not wide else [])]


def _linked(alert: Alert) -> Text:
    """The alert's name, which a terminal that can opens as its runbook."""
    return Text(alert.name, style=Style(link=alert.runbook_url or None))


def _hypervisors(overview: Overview, width: int) -> list[RenderableType]:
    order = {"up": 2, "disabled": 1}
    titles = [f">{title}" for _, title in CLASSES]
    free = [">FREE VCPU", ">FREE GiB"] if width >= WIDE else []
    table = _table("HYPERVISOR", "STATE", *titles, *free, "")
    for hypervisor in sorted(overview.hypervisors, key=lambda h: (order.get(h.state, 0), h.name)):
        table.add_row(*_hypervisor(hypervisor, bool(free)))
    total = [_use(overview.use(name), name) for name, _ in CLASSES]
    more = (
        [_free(overview.use("VCPU"), "VCPU"), _free(overview.use("MEMORY_MB"), "MEMORY_MB")] if free else []
    )
    up = len(overview.placeable)
    table.add_row(
        Text("placeable", style="bold"), f"{up} of {len(overview.hypervisors)}", *total, *more, style="bold"
    )
    return [_heading("HYPERVISORS  used/allocatable"), table]


def _hypervisor(hypervisor: HypervisorState, wide: bool) -> list[RenderableType]:
    uses = hypervisor.uses
    row: list[RenderableType] = [
        hypervisor.name, Text(hypervisor.state, style=STYLES.get(hypervisor.state, "bold red")),
        *(_use(uses.get(name), name) for name, _ in CLASSES),
    ]  # fmt: skip
    if wide:
        row += [_free(uses.get("VCPU"), "VCPU"), _free(uses.get("MEMORY_MB"), "MEMORY_MB")]
    return row


def _use(use: Use | None, resource_class: str) -> Text:
    if use is None:
        return Text("-", style="dim")
    used, whole = (_amount(value, resource_class, use.allocatable) for value in (use.used, use.allocatable))
    style = "bold red" if use.ratio >= NEAR_LIMIT else ""
    return Text.assemble(f"{used}/{whole} ", (f"{use.ratio:>4.0%}", style))


def _amount(value: float, resource_class: str, whole: float) -> str:
    """Cores, or GiB; with a decimal where the whole is small."""
    if resource_class == "VCPU":
        return f"{value:.0f}"
    return f"{value / GIB:.1f}" if whole < 10 * GIB else f"{value / GIB:.0f}"


def _free(use: Use | None, resource_class: str) -> str:
    return "-" if use is None else _amount(use.free, resource_class, use.allocatable)


def _agencies(screen: Screen, overview: Overview, width: int, rows: int) -> list[RenderableType]:
    agencies = sorted(overview.agencies, key=lambda agency: _order(agency, screen.sort))
    shown = agencies[:rows] if rows else agencies
    name = "NAME*" if width < WIDE else "NAME"
    table = _table(
        "AGENCY",
        name,
        ">UP",
        ">DOWN",
        ">IDLE",
        ">QUOTA USED",
        ">BUDGET LEFT",
        *([""] if width >= WIDE else []),
    )
    for agency in shown:
        table.add_row(
            agency.code,
            (screen.names or {}).get(agency.code, ""),
            str(agency.up),
            Text(str(agency.down), style="bold red" if agency.down else ""),
            str(agency.idle),
            _quota(agency),
            _budget(agency),
        )
    hidden = len(agencies) - len(shown)
    rest = [Text(f"and {hidden} more; `--once` lists all", style="dim")] if hidden else []
    title = f"AGENCIES  workloads, fullest quota, error budget of 30 d; sorted by {screen.sort}"
    return [_heading(title), table, *rest]


def _order(agency: AgencyState, sort: str) -> tuple[float, str]:
    quota = agency.quota_ratio or 0.0
    budget = 1.0 if agency.budget_left is None else agency.budget_left
    keys = {"name": 0.0, "quota": -quota, "budget": budget}
    trouble = -float(agency.down * 10 + (budget < LITTLE_BUDGET) * 5 + (quota >= NEAR_LIMIT))
    return (keys.get(sort, trouble), agency.code)


def _quota(agency: AgencyState) -> Text:
    if agency.quota_ratio is None:
        return Text("-", style="dim")
    style = "bold red" if agency.quota_ratio >= NEAR_LIMIT else ""
    return Text.assemble(f"{agency.quota_resource} ", (f"{agency.quota_ratio:>4.0%}", style))


def _budget(agency: AgencyState) -> Text:
    if agency.budget_left is None:
        return Text("-", style="dim")
    style = "bold red" if agency.budget_left < LITTLE_BUDGET else ""
    return Text(f"{agency.budget_left:.0%}", style=style)


def _rows_left(screen: Screen, parts: list[RenderableType], width: int) -> int:
    """Rows of agencies that fit below `parts`; 0 for all."""
    if not screen.height:
        return 0
    console = Console(width=width, color_system=None)
    taken = len(console.render_lines(Group(*parts), console.options.update(width=width)))
    return max(3, screen.height - taken - 5)  # heading, column titles, "and more", keys, and a line to spare


def _keys(screen: Screen) -> list[RenderableType]:
    if not screen.live:
        return []
    return [Text(f"q quit   s sort: {screen.sort}   v view: {screen.view}", style="reverse")]


def _heading(text: str) -> Rule:
    return Rule(Text(text, style="bold"), align="left", style="dim", characters="─")


def _table(*titles: str) -> Table:
    """`>` in front: to the right; `*` behind: takes the room that is left, cut with an ellipsis."""
    table = Table(box=None, pad_edge=False, padding=(0, 1), expand=True, header_style="dim")
    flexible = any(title.endswith("*") for title in titles)
    for title in titles:
        rest = title.endswith("*") or (not flexible and not title)
        table.add_column(
            title.strip(">*"),
            justify="right" if title.startswith(">") else "left",
            no_wrap=True,
            overflow="ellipsis",
            ratio=1 if rest else None,
        )
    return table


def age(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h`, `9 d`."""
    seconds = max(0.0, seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"

"""Capacity: what is left, whether the largest hypervisor could be lost, and when to buy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from monitoring.overview import Use
from monitoring.pages.chart import DAY, Chart, Line, Point, bar, chart
from monitoring.pages.language import Language, scale_of
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
from monitoring.pages.words import CLASSES, amount, resource_class, used_of
from monitoring.prometheus import Prometheus, Sample, latest

PAST, AHEAD, STEP = 30 * DAY, 90 * DAY, DAY / 4
SOON_DAYS, NEAR = 90.0, 0.85
FEW_SERVERS = 3
LIKELY, EARLIEST, LATEST = "likely", "earliest", "latest"
QUERIES = {
    "schedulable": """max by (resource_class) (city_cloud_schedulable_units)
        or max by (resource_class) (city_cloud_schedulable_bytes)""",
    "free": """max by (resource_class) (city_cloud_free_units)
        or max by (resource_class) (city_cloud_free_bytes)""",
    "committed": """max by (resource_class) (city_cloud_committed_units)
        or max by (resource_class) (city_cloud_committed_bytes)""",
    "flavors": "max by (flavor) (city_flavor_capacity_servers)",
    "days": "min by (resource_class, scope, bound) (city_forecast_days_left)",
    "error": "max by (resource_class) (city_forecast_error_ratio)",
    "loss": "min(city_largest_hypervisor_loss_absorbable)",
    "largest": "max by (hypervisor) (city_largest_hypervisor_info)",
    "zones": "min by (availability_zone) (city_zone_loss_absorbable)",
    "pools": """max by (pool) (city_volume_pool_capacity_bytes - city_volume_pool_free_bytes)""",
    "pool_sizes": "max by (pool) (city_volume_pool_capacity_bytes)",
    "addresses": "max by (network) (city_floating_ip_pool_used_addresses)",
    "address_sizes": "max by (network) (city_floating_ip_pool_addresses)",
}
RANGES = {
    "schedulable": QUERIES["schedulable"],
    "used": """max by (resource_class) (city_cloud_schedulable_units - city_cloud_free_units)
        or max by (resource_class) (city_cloud_schedulable_bytes - city_cloud_free_bytes)""",
}


@dataclass(frozen=True)
class Facts:
    """By resource class: `uses` on live hypervisors, `committed` by quotas; `days` left by (class, scope,
    bound). `absorbable`: whether the loss of the `largest` hypervisor is; None where nobody knows."""

    taken: float
    uses: Mapping[str, Use] = field(default_factory=dict)
    committed: Mapping[str, float] = field(default_factory=dict)
    flavors: Mapping[str, int] = field(default_factory=dict)
    days: Mapping[tuple[str, str, str], float] = field(default_factory=dict)
    errors: Mapping[str, float] = field(default_factory=dict)
    absorbable: bool | None = None
    largest: str = ""
    zones: Mapping[str, bool] = field(default_factory=dict)
    stores: Mapping[str, Use] = field(default_factory=dict)
    networks: Mapping[str, Use] = field(default_factory=dict)
    schedulable: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)
    used: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)


def read(prometheus: Prometheus, now: float) -> Facts:
    """Raises MonitoringUnreachable if Prometheus does not answer."""
    end = now // STEP * STEP
    found = {name: prometheus.query(text) for name, text in QUERIES.items()}
    over = {name: prometheus.query_range(text, end - PAST, end, STEP) for name, text in RANGES.items()}
    series = {
        name: {s.labels.get("resource_class", ""): s.points for s in some} for name, some in over.items()
    }
    free = _by(found["free"], "resource_class")
    return Facts(
        taken=now,
        uses={
            name: Use(value, value - free.get(name, 0.0))
            for name, value in _by(found["schedulable"], "resource_class").items()
        },
        committed=_by(found["committed"], "resource_class"),
        flavors={name: int(value) for name, value in _by(found["flavors"], "flavor").items()},
        days={
            (key[0], key[1], key[2]): value
            for key, value in latest(found["days"], "resource_class", "scope", "bound").items()
        },
        errors=_by(found["error"], "resource_class"),
        absorbable=found["loss"][0].value == 1 if found["loss"] else None,
        largest=found["largest"][0].label("hypervisor") if found["largest"] else "",
        zones={name: value == 1 for name, value in _by(found["zones"], "availability_zone").items()},
        stores=_uses(found["pool_sizes"], found["pools"], "pool"),
        networks=_uses(found["address_sizes"], found["addresses"], "network"),
        schedulable=series["schedulable"],
        used=series["used"],
    )


def _by(samples: tuple[Sample, ...], label: str) -> dict[str, float]:
    return {key[0]: value for key, value in latest(samples, label).items()}


def _uses(sizes: tuple[Sample, ...], used: tuple[Sample, ...], label: str) -> dict[str, Use]:
    taken = _by(used, label)
    return {name: Use(size, taken.get(name, 0.0)) for name, size in _by(sizes, label).items()}


def page(facts: Facts, look: Look, site: str) -> Markup:
    """The page, from facts alone."""
    say = look.say
    title = say("Capacity", "Tài nguyên")
    charts = [_chart(name, facts, say) for name in CLASSES if facts.used.get(name)]
    return document(
        look,
        site,
        title,
        [
            heading(look, title, facts.taken),
            verdict(*_verdict(facts, say)),
            tiles([_tile(name, use, facts, say) for name, use in _ordered(facts)]),
            section(say("When to buy", "Khi nào phải mua thêm"), _forecast(facts, say)),
            section(
                say("30 days and 90 ahead", "30 ngày qua và 90 ngày tới"),
                el("div", charts, class_="charts")
                if charts
                else el("p", status("", say("No history yet.", "Chưa có lịch sử."))),
            ),
            el(
                "div",
                section(
                    say("If a hypervisor or a zone is lost", "Nếu mất một máy chủ hoặc một vùng"),
                    _losses(facts, say),
                ),
                section(say("Servers that still fit", "Số máy ảo còn tạo được"), _flavors(facts, say)),
                class_="pair",
            ),
            section(say("Volumes and addresses", "Ổ đĩa và địa chỉ"), _pools(facts, say)),
        ],
    )


def _ordered(facts: Facts) -> list[tuple[str, Use]]:
    return [(name, facts.uses[name]) for name in CLASSES if name in facts.uses]


def _verdict(facts: Facts, say: Language) -> tuple[str, str]:
    if not facts.uses:
        return BAD, say("Nothing is known of the hypervisors.", "Không có số liệu về máy chủ ảo hóa.")
    none = [name for name, servers in facts.flavors.items() if servers == 0]
    if none:
        return BAD, say(f"No more servers of {', '.join(none)} fit.", f"Không còn chỗ cho {', '.join(none)}.")
    if facts.absorbable is False:
        return WARN, say(
            f"The loss of {facts.largest or 'the largest hypervisor'} could not be absorbed.",
            f"Nếu mất {facts.largest or 'máy chủ lớn nhất'}, các máy còn lại không gánh được.",
        )
    first = _first(facts)
    if first and first[1] < SOON_DAYS:
        return WARN, say(
            f"{resource_class(first[0], say)} may run out in {say.days(first[1])}: order now.",
            f"{resource_class(first[0], say)} có thể cạn sau {say.days(first[1])}: cần đặt mua.",
        )
    return GOOD, say("Enough for now.", "Hiện còn đủ.")


def _first(facts: Facts) -> tuple[str, float] | None:
    """The class that may run out first, by its earliest bound."""
    early = [
        (name, days)
        for (name, scope, bound), days in facts.days.items()
        if (scope, bound) == ("all", EARLIEST)
    ]
    return min(early, key=lambda item: item[1]) if early else None


def _tile(name: str, use: Use, facts: Facts, say: Language) -> tuple[str, Content, Content, str]:
    free = say("free: ", "còn trống: ") + amount(use.free, name, say)
    promised = facts.committed.get(name)
    note: list[Content] = [used_of(use, name, say), el("span", f" · {free}")]
    if promised is not None and use.allocatable:
        share = say.percent(promised / use.allocatable)
        note.append(
            el("span", " · " + say(f"promised by quotas: {share}", f"đã hứa theo hạn ngạch: {share}"))
        )
    grade = BAD if use.ratio >= 0.95 else WARN if use.ratio >= NEAR else ""
    return (
        resource_class(name, say),
        [say.percent(use.ratio), bar(use.ratio, say.percent(use.ratio))],
        note,
        grade,
    )


def _forecast(facts: Facts, say: Language) -> Content:
    classes = [name for name in CLASSES if (name, "all", LIKELY) in facts.days]
    if not classes:
        return el(
            "p", status("", say("Not enough history yet for a forecast.", "Chưa đủ lịch sử để dự báo."))
        )
    columns = [
        Column(say("Resource", "Tài nguyên"), "head"),
        Column(say("Used up in", "Cạn sau"), "num"),
        Column(say("Between", "Khoảng"), "num"),
        Column(say("With one hypervisor lost", "Khi mất một máy chủ"), "num"),
        Column(say("Past error", "Sai số trước đây"), "num"),
    ]
    return [
        table(columns, [_days(name, facts, say) for name in classes], say("Forecast", "Dự báo")),
        el(
            "p",
            say(
                "Days until what can be handed out is used up, from the use of past months."
                " One case in ten lies outside the interval.",
                "Số ngày đến khi hết phần có thể cấp, theo mức dùng các tháng qua."
                " Một phần mười trường hợp nằm ngoài khoảng này.",
            ),
            class_="quiet",
        ),
    ]


def _days(name: str, facts: Facts, say: Language) -> list[Content]:
    def left(scope: str, bound: str) -> float:
        return facts.days.get((name, scope, bound), math.nan)

    def told(value: float) -> str:
        return say("unknown", "không rõ") if math.isnan(value) else say.days(value)

    early = left("all", EARLIEST)
    likely = told(left("all", LIKELY))
    error = facts.errors.get(name)
    return [
        resource_class(name, say),
        status(WARN, likely) if early < SOON_DAYS else likely,
        f"{told(early)} – {told(left('all', LATEST))}",
        told(left("without_largest", LIKELY)),
        "" if error is None else say.percent(error, 1),
    ]


def _chart(name: str, facts: Facts, say: Language) -> Markup:
    """What is used and what there is, with the forecast as straight lines from today to its days."""
    size, unit = (
        (1.0, "") if name == "VCPU" else scale_of(facts.uses[name].allocatable if name in facts.uses else 1)
    )
    used = _scaled(facts.used[name], size)
    whole = _scaled(facts.schedulable.get(name, ()), size)
    limit = whole[-1][1] if whole else 0.0
    end = facts.taken // STEP * STEP
    ahead = end + AHEAD
    here = used[-1]

    def line(bound: str) -> tuple[Point, ...]:
        days = facts.days.get((name, "all", bound))
        if days is None or not limit:
            return ()
        slope = 0.0 if math.isinf(days) else (limit - here[1]) / max(days, 0.5)
        stop = min(ahead, here[0] + (days if math.isfinite(days) else AHEAD / DAY) * DAY)
        return (here, (stop, here[1] + slope * (stop - here[0]) / DAY))

    likely, early, late = line(LIKELY), line(EARLIEST), line(LATEST)
    lines = [
        Line(
            say("used", "đã dùng"),
            used,
            "1",
            f"{say.number(here[1], 1 if unit == 'TiB' else 0)} {unit}".strip(),
        )
    ]
    if likely:
        lines.append(Line(say("forecast", "dự báo"), likely, "forecast"))
    title = f"{resource_class(name, say)}{f' ({unit})' if unit else ''}"
    return chart(
        Chart(
            title,
            tuple(lines),
            end - PAST,
            ahead,
            lambda value: say.number(value, 1 if value % 1 else 0),
            limit=(say("can be handed out", "có thể cấp"), limit) if limit else None,
            band=(say("interval", "khoảng dự báo"), _until(early, late), late) if early and late else None,
            now=here[0],
            least=limit * 1.05,
        ),
        say,
    )


def _until(early: tuple[Point, ...], late: tuple[Point, ...]) -> tuple[Point, ...]:
    """The earlier line, going on along the limit to where the later one ends."""
    return early if early[-1][0] >= late[-1][0] else (*early, (late[-1][0], early[-1][1]))


def _scaled(points: tuple[Point, ...], size: float) -> tuple[Point, ...]:
    return tuple((at, value / size) for at, value in points)


def _losses(facts: Facts, say: Language) -> Content:
    def told(name: str, fits: bool | None) -> list[Content]:
        if fits is None:
            return [name, status("", say("unknown", "không rõ"))]
        word = (
            say("its servers fit elsewhere", "máy khác gánh được")
            if fits
            else say("its servers do not fit elsewhere", "máy khác không gánh được")
        )
        return [name, status(GOOD if fits else BAD, word)]

    name = say("Largest hypervisor", "Máy chủ lớn nhất") + (f": {facts.largest}" if facts.largest else "")
    zones = [told(say(f"Zone {zone}", f"Vùng {zone}"), fits) for zone, fits in sorted(facts.zones.items())]
    if len(zones) == 1:  # nothing is left then, whatever is bought: no fault to see each time
        zones = [[zones[0][0], status("", say("the only zone", "vùng duy nhất"))]]
    columns = [Column(say("What is lost", "Nếu mất"), "head"), Column(say("Then", "Kết quả"))]
    return table(columns, [told(name, facts.absorbable), *zones])


def _flavors(facts: Facts, say: Language) -> Content:
    def told(servers: int) -> Content:
        if servers == 0:
            return status(BAD, say("none", "không còn"))
        return status(WARN, say.number(servers)) if servers < FEW_SERVERS else say.number(servers)

    columns = [Column(say("Flavor", "Cấu hình"), "head"), Column(say("Servers", "Số máy"), "num")]
    ordered = sorted(facts.flavors.items(), key=lambda item: (item[1], item[0]))
    return table(columns, [[name, told(servers)] for name, servers in ordered])


def _pools(facts: Facts, say: Language) -> Content:
    def row(what: str, use: Use, shown: str) -> list[Content]:
        full = say.percent(use.ratio)
        return [what, shown, [full, bar(use.ratio, full)]]

    rows = [
        row(say(f"Volume pool {name}", f"Kho ổ đĩa {name}"), use, used_of(use, "DISK_GB", say))
        for name, use in sorted(facts.stores.items())
    ]
    rows += [
        row(say(f"Addresses of {name}", f"Địa chỉ của {name}"), use, used_of(use, "VCPU", say))
        for name, use in sorted(facts.networks.items())
    ]
    if not rows:
        return el("p", status("", say("Nothing is known.", "Không có số liệu.")))
    columns = [
        Column(say("What", "Loại"), "head"),
        Column(say("Used", "Đã dùng"), "num"),
        Column(say("Share", "Tỷ lệ"), "num"),
    ]
    return table(columns, rows)

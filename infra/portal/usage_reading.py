"""Usage of one server, from the site's Prometheus. What is asked is made of an agency and a server as the
store has them, and of nothing that a browser sent: nobody's figures come from another agency's series.
"""

from __future__ import annotations

import json
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from infra.domain.calendar import ZONE
from infra.portal.joined import Kept
from infra.portal.status import PATIENCE_SECONDS, together
from infra.portal.usage import (
    Measure,
    MeasureKind,
    Span,
    Uptime,
    Usage,
    UsageDay,
    UsagePoint,
    UsageState,
)
from monitoring.prometheus import Prometheus, Sample, Series

FRESH_SECONDS = 30.0
KEPT_SERVERS = 500
STEP_SECONDS = 900
MEASURED_HOURS, DAYS = 24, 30
_SECONDS = "city_workload_condition_seconds_total{OF}"
_GUEST = 'OF, job="workload"'
_DISKS = f'{_GUEST}, fstype!~"tmpfs|ramfs|devtmpfs|overlay|squashfs|iso9660"'
QUESTIONS: Mapping[MeasureKind, str] = {
    MeasureKind.RESPONSE: "max by (probe) (avg_over_time(city_workload_probe_duration_seconds{OF}[15m]))",
    MeasureKind.PROCESSOR: f'1 - avg(rate(node_cpu_seconds_total{{{_GUEST}, mode="idle"}}[15m]))',
    MeasureKind.MEMORY: f"""1 - max(node_memory_MemAvailable_bytes{{{_GUEST}}})
        / max(node_memory_MemTotal_bytes{{{_GUEST}}})""",
    MeasureKind.DISK: f"""max(1 - node_filesystem_avail_bytes{{{_DISKS}}}
        / (node_filesystem_size_bytes{{{_DISKS}}} > 0))""",
    MeasureKind.RECEIVED: f'sum(rate(node_network_receive_bytes_total{{{_GUEST}, device!="lo"}}[15m]))',
    MeasureKind.SENT: f'sum(rate(node_network_transmit_bytes_total{{{_GUEST}, device!="lo"}}[15m]))',
}
"""What is asked for each measure; OF stands for the labels of the one server."""
_SHARES = {MeasureKind.PROCESSOR, MeasureKind.MEMORY, MeasureKind.DISK}


class UsageView:
    """`prometheus` is the site's, None where there is none. Nobody waits for it longer than
    `PATIENCE_SECONDS`, and people who look at the same server share one reading.
    """

    def __init__(self, prometheus: Prometheus | None, clock: Callable[[], datetime]) -> None:
        self._prometheus = prometheus
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], Kept[Usage]] = OrderedDict()
        self._lock = threading.Lock()

    def usage(self, agency: str, server_id: str) -> Usage:
        asked = self._prometheus
        found = self._of(asked, agency, server_id).value() if asked else None
        return Usage(UsageState.UNREACHABLE) if found is None else found

    def _of(self, asked: Prometheus, agency: str, server_id: str) -> Kept[Usage]:
        key = (agency, server_id)
        with self._lock:
            kept = self._kept.pop(key, None) or Kept(
                lambda: read(asked, agency, server_id, self._clock()), "usage from Prometheus",
                fresh=FRESH_SECONDS, stale=FRESH_SECONDS, patience=PATIENCE_SECONDS,
            )  # fmt: skip
            self._kept[key] = kept
            if len(self._kept) > KEPT_SERVERS:
                self._kept.popitem(last=False)
        return kept


def read(prometheus: Prometheus, agency: str, server_id: str, now: datetime) -> Usage:
    """Raises MonitoringUnreachable, QueryRefused."""
    of = f"agency={json.dumps(agency)}, server_id={json.dumps(server_id)}"  # PromQL quotes as JSON does
    today = now.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    until = now.timestamp() // STEP_SECONDS * STEP_SECONDS
    since = until - MEASURED_HOURS * 3600
    uptime = _uptime(prometheus.query(_spans(of, now, today), now.timestamp()))
    days = _days(prometheus.query_range(
        f"max by (condition) (increase({_SECONDS.replace('OF', of)}[1d]))",
        (today - timedelta(days=DAYS - 1)).timestamp(), today.timestamp(), 86400,
    ), today)  # fmt: skip
    asked = together({kind: text.replace("OF", of) for kind, text in QUESTIONS.items()})
    measures = _measures(prometheus.query_range(asked, since, until, STEP_SECONDS))
    known = measures or any(one.ratio is not None or one.unknown_seconds for one in uptime)
    return Usage(
        UsageState.MEASURED if known else UsageState.EMPTY, _moment(since), _moment(until), uptime, days,
        measures,
    )  # fmt: skip


def _spans(of: str, now: datetime, today: datetime) -> str:
    month = max(60, int((now - today.replace(day=1)).total_seconds()))
    lengths = {Span.DAY: "1d", Span.WEEK: "7d", Span.DAYS_30: "30d", Span.MONTH: f"{month}s"}
    counted = _SECONDS.replace("OF", of)
    return together({
        span: f"max by (condition) (increase({counted}[{length}]))" for span, length in lengths.items()
    })  # fmt: skip


def _uptime(samples: Iterable[Sample]) -> tuple[Uptime, ...]:
    found = {(one.label("asked"), one.label("condition")): one.value for one in samples}

    def of(span: Span) -> Uptime:
        up, down, unknown = (found.get((span, one), 0.0) for one in ("up", "down", "unknown"))
        return Uptime(span, _ratio(up, down), round(down), round(unknown))

    return tuple(of(span) for span in Span)


def _days(series: Iterable[Series], today: datetime) -> tuple[UsageDay, ...]:
    """A value at a midnight is of the day that it ended."""
    found = {one.labels.get("condition", ""): dict(one.points) for one in series}

    def of(ended: datetime) -> UsageDay:
        up, down = (found.get(one, {}).get(ended.timestamp(), 0.0) for one in ("up", "down"))
        return UsageDay((ended - timedelta(days=1)).date(), _ratio(up, down))

    return tuple(of(today - timedelta(days=back)) for back in range(DAYS - 1, -1, -1))


def _measures(series: Iterable[Series]) -> tuple[Measure, ...]:
    """In the order of their kinds. What a guest says of itself may be anything: a share stays one."""
    found = []
    for one in series:
        kind = MeasureKind(one.labels["asked"])
        highest = 1.0 if kind in _SHARES else math.inf
        points = tuple(
            UsagePoint(_moment(at), min(highest, max(0.0, value)))
            for at, value in one.points if math.isfinite(value)
        )  # fmt: skip
        if points:
            found.append(Measure(kind, one.labels.get("probe", ""), points))
    order = list(MeasureKind)
    return tuple(sorted(found, key=lambda one: (order.index(one.kind), one.name)))


def _ratio(up: float, down: float) -> float | None:
    return up / (up + down) if up + down >= 1 else None


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, ZONE)

"""What the portal shows of a server's usage, read from a real Prometheus."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from infra.domain.calendar import ZONE
from infra.portal.usage import MeasureKind, Span, Uptime, Usage, UsageState
from infra.portal.usage_reading import UsageView, read
from monitoring.prometheus import Prometheus
from tests.monitoring.stand import stand

NOW = time.time() // 300 * 300
LENGTH = 31 * 86400
NOON_OF_DAY_3 = (
    datetime.fromtimestamp(NOW, ZONE).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=3)
).timestamp()
DOWN = (NOON_OF_DAY_3, NOON_OF_DAY_3 + 1800)
UNWATCHED = (NOON_OF_DAY_3 - 7200, NOON_OF_DAY_3 - 3600)
WEB = 'agency="hongbang",project="hongbang",server="web",server_id="id-web"'
OTHER = 'agency="lechan",project="lechan",server="web",server_id="id-other"'
NEW = 'agency="hongbang",project="hongbang",server="new",server_id="id-new"'
GUEST = {
    "node_memory_MemTotal_bytes": ("", 4e9), "node_memory_MemAvailable_bytes": ("", 1e9),
    "node_filesystem_size_bytes": (',mountpoint="/",fstype="ext4"', 2e10),
    "node_filesystem_avail_bytes": (',mountpoint="/",fstype="ext4"', 5e9),
}  # fmt: skip
RATES = {
    ("node_cpu_seconds_total", ',cpu="0",mode="idle"'): 0.75,
    ("node_cpu_seconds_total", ',cpu="0",mode="user"'): 0.25,
    ("node_network_receive_bytes_total", ',device="ens3"'): 2048,
    ("node_network_receive_bytes_total", ',device="lo"'): 9e9,
    ("node_network_transmit_bytes_total", ',device="ens3"'): 512,
}  # fmt: skip


def moments(length: float) -> Iterator[float]:
    at = NOW - length
    while at <= NOW:
        yield at
        at += 300


def spent(at: float, span: tuple[float, float]) -> float:
    return min(max(at - span[0], 0.0), span[1] - span[0])


def conditions(labels: str, lies: bool = False) -> Iterator[str]:
    """Counters of a server that was down for half an hour, and not watched for one, three days ago."""
    for condition in ("up", "down", "unknown", "not_expected"):
        for at in moments(LENGTH):
            down, unknown = spent(at, DOWN), spent(at, UNWATCHED)
            up = at - (NOW - LENGTH) - down - unknown
            value = {"up": up, "down": down, "unknown": unknown}.get(condition, 0.0)
            value = {"up": down, "down": up}.get(condition, value) if lies else value
            yield f'city_workload_condition_seconds_total{{{labels},condition="{condition}"}} {value} {at}'


def history() -> str:
    """`other` is down nearly always, so that figures of it would show."""
    lines = ["# TYPE city_workload_condition_seconds counter"]
    lines += [*conditions(WEB), *conditions(OTHER, lies=True)]
    lines.append("# TYPE city_workload_probe_duration_seconds gauge")
    for probe, seconds in (("ssh", 0.02), ("web", 0.15)):
        lines += [
            f'city_workload_probe_duration_seconds{{{WEB},probe="{probe}"}} {seconds} {at}'
            for at in moments(90000)
        ]
    names = dict.fromkeys(name for name, _ in RATES)
    for metric in names:
        lines.append(f"# TYPE {metric.removesuffix('_total')} counter")
        for (name, more), rate in RATES.items():
            if name == metric:
                lines += [
                    f'{name}{{job="workload",{WEB}{more}}} {rate * (at - NOW + 90000)} {at}'
                    for at in moments(90000)
                ]
    for name, (more, value) in GUEST.items():
        lines.append(f"# TYPE {name} gauge")
        lines += [f'{name}{{job="workload",{WEB}{more}}} {value} {at}' for at in moments(90000)]
        if "memory" in name:  # a guest that has more left than it ever had
            told = -value if "Avail" in name else value
            lines += [f'{name}{{job="workload",{OTHER}{more}}} {told} {at}' for at in moments(90000)]
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with (
        stand(tmp_path_factory.mktemp("stand"), [], history()) as made,
        Prometheus(made.prometheus) as asked,
    ):
        yield asked


def usage(prometheus: Prometheus, agency: str = "hongbang", server: str = "id-web") -> Usage:
    return read(prometheus, agency, server, datetime.fromtimestamp(NOW, UTC))


def test_uptime_is_of_the_time_in_which_somebody_looked(prometheus: Prometheus) -> None:
    found = {one.span: one for one in usage(prometheus).uptime}
    assert list(found) == list(Span)
    assert found[Span.DAY] == Uptime(Span.DAY, 1.0, 0, 0)
    for span, days in ((Span.WEEK, 7), (Span.DAYS_30, 30)):
        looked = days * 86400 - 3600
        assert found[span].ratio == pytest.approx(1 - 1800 / looked, abs=1e-4)
        assert (found[span].down_seconds, found[span].unknown_seconds) == (
            pytest.approx(1800, rel=0.01), pytest.approx(3600, rel=0.01)
        )  # fmt: skip


def test_the_month_begins_on_its_first_day_in_the_city(prometheus: Prometheus) -> None:
    """On the first days of a month the interruption was in the one before."""
    [month] = [one for one in usage(prometheus).uptime if one.span == Span.MONTH]
    first = datetime.fromtimestamp(NOW, ZONE).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    expected = 1800 if first.timestamp() < DOWN[0] else 0
    assert month.down_seconds == pytest.approx(expected, rel=0.01)


def test_each_day_has_its_own_share_and_the_oldest_is_first(prometheus: Prometheus) -> None:
    days = usage(prometheus).days
    today = datetime.fromtimestamp(NOW, ZONE).date()
    assert [one.day for one in days] == [today - timedelta(days=back) for back in range(30, 0, -1)]
    bad = [one for one in days if one.ratio is not None and one.ratio < 0.999]
    assert [one.day for one in bad] == [today - timedelta(days=3)]
    assert bad[0].ratio == pytest.approx(1 - 1800 / (86400 - 3600), abs=1e-3)


def test_measures_are_those_of_the_server_itself(prometheus: Prometheus) -> None:
    found = {(one.kind, one.name): one for one in usage(prometheus).measures}
    newest = {key: one.points[-1].value for key, one in found.items()}
    assert newest == {
        (MeasureKind.RESPONSE, "ssh"): pytest.approx(0.02),
        (MeasureKind.RESPONSE, "web"): pytest.approx(0.15),
        (MeasureKind.PROCESSOR, ""): pytest.approx(0.25), (MeasureKind.MEMORY, ""): pytest.approx(0.75),
        (MeasureKind.DISK, ""): pytest.approx(0.75), (MeasureKind.RECEIVED, ""): pytest.approx(2048),
        (MeasureKind.SENT, ""): pytest.approx(512),
    }  # fmt: skip
    assert all(len(one.points) >= 95 for one in found.values())


def test_what_a_guest_says_of_itself_is_bounded(prometheus: Prometheus) -> None:
    found = {one.kind: one for one in usage(prometheus, "lechan", "id-other").measures}
    assert {point.value for point in found[MeasureKind.MEMORY].points} == {1.0}


@pytest.mark.parametrize(
    ("agency", "server"),
    [
        ("hongbang", "id-other"), ("lechan", "id-web"), ("hongbang", "id-new"), ("hongbang", ""),
        ("hongbang", 'id-web"} or {server_id="id-other'), ("hongbang", ".*"), ("hong\\bang", 'a\\"b\n'),
    ],
)  # fmt: skip
def test_nothing_comes_from_a_series_of_anybody_else(
    prometheus: Prometheus, agency: str, server: str
) -> None:
    found = usage(prometheus, agency, server)
    assert (found.state, found.measures) == (UsageState.EMPTY, ())
    assert {one.ratio for one in (*found.uptime, *found.days)} == {None}


def test_a_view_reads_once_for_all_who_look(prometheus: Prometheus) -> None:
    view = UsageView(prometheus, lambda: datetime.fromtimestamp(NOW, UTC))
    found = view.usage("hongbang", "id-web")
    assert found.state == UsageState.MEASURED
    assert view.usage("hongbang", "id-web") is found
    assert view.usage("hongbang", "id-other").state == UsageState.EMPTY


def test_monitoring_that_is_not_there_or_hangs_is_unreachable() -> None:
    clock = lambda: datetime.now(UTC)  # noqa: E731
    assert UsageView(None, clock).usage("hongbang", "id").state == UsageState.UNREACHABLE
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the connection and says nothing
        port = silent.getsockname()[1]
        with Prometheus(f"http://127.0.0.1:{port}") as hanging:
            assert UsageView(hanging, clock).usage("hongbang", "id").state == UsageState.UNREACHABLE

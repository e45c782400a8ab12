"""The ledger's writer against a real Prometheus: a day is what was seen, written once, and stays when
Prometheus has forgotten it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from infra.domain.maintenance import MaintenanceWindow
from infra.domain.sla import DAY_SECONDS, Contract, Month, Seconds, WorkloadDay, bounds, day_of
from infra.store.capacity import CapacityBook
from infra.store.database import Database
from infra.store.ledger import Ledger
from monitoring.ledger import keep, standing
from monitoring.ledger_metrics import exposition
from monitoring.ledger_reading import Agreed
from monitoring.prometheus import MonitoringUnreachable, Prometheus
from monitoring.sla_ledger import cli
from tests.monitoring.stand import stand
from tests.unit.domain.test_sla import TERMS

HOUR = 3600
LOOKED = "city_exporter_collector_last_success_timestamp_seconds"
COUNTERS = "city_workload_condition_seconds_total"
NOW = dt.datetime.now(dt.UTC)
YESTERDAY = day_of(NOW) - dt.timedelta(1)
BEFORE = YESTERDAY - dt.timedelta(1)
LATE = dt.datetime.fromtimestamp(bounds(YESTERDAY)[1] + 2 * HOUR, dt.UTC)
"""When the writer runs, whatever time it is now."""
FIRST, MIDDLE = bounds(BEFORE)[0], bounds(YESTERDAY)[0]
DOWN = (MIDDLE + 10 * HOUR, MIDDLE + 10 * HOUR + 600)
STOPPED = (MIDDLE + 14 * HOUR, MIDDLE + 16 * HOUR)
MADE = MIDDLE + 12 * HOUR
UNSCRAPED = (FIRST + 3 * HOUR, FIRST + 4 * HOUR)
EXPORTER_OFF = (FIRST + 8 * HOUR, FIRST + 8 * HOUR + 1800)
WINDOW = MaintenanceWindow(
    "w1", dt.datetime.fromtimestamp(DOWN[0] + 300, dt.UTC), dt.datetime.fromtimestamp(DOWN[1], dt.UTC),
    "Nâng cấp", "Upgrade", ("sxd",),
)  # fmt: skip
AGREED = Agreed(Contract({"important": TERMS}, "important"), (WINDOW,))
WEB = 'agency="sxd",project="main",server="web",server_id="id-web"'
DB = 'agency="stc",project="main",server="db",server_id="id-db"'


def within(at: float, span: tuple[float, float]) -> bool:
    return span[0] <= at < span[1]


def moments() -> Iterator[float]:
    at = FIRST - HOUR
    while at < MIDDLE + DAY_SECONDS + HOUR:
        yield at
        at += 60


def seen(at: float) -> bool:
    return not within(at, UNSCRAPED) and not within(at, EXPORTER_OFF)


def counted(labels: str, begins: float) -> Iterator[str]:
    """Samples of a workload's counters."""
    seconds = dict.fromkeys(("up", "down", "not_expected", "unknown"), 0)
    for at in moments():
        if at < begins:
            continue
        if seen(at):
            yield from (
                f'{COUNTERS}{{{labels},condition="{key}"}} {value} {at:.0f}' for key, value in seconds.items()
            )
        if not within(at, EXPORTER_OFF):
            mine = labels == WEB
            key = (
                "down"
                if mine and within(at, DOWN)
                else "not_expected"
                if mine and within(at, STOPPED)
                else "up"
            )
            seconds[key] += 60


def history() -> str:
    """What a Prometheus scraped in two days, in OpenMetrics text: each series in one piece."""
    lines = ["# TYPE city_workload_condition_seconds counter"]
    for key in ("up", "down", "not_expected", "unknown"):
        for labels, begins in ((WEB, FIRST - HOUR), (DB, MADE)):
            lines += [line for line in counted(labels, begins) if f'condition="{key}"' in line]
    gauges = {
        f'{LOOKED}{{job="uptime",collector="servers"}}': lambda at: at,
        f'city_workload_info{{{WEB},address="192.0.2.1",hypervisor="hv1",item="website"}}': lambda at: 1,
        f'city_workload_stopped{{{WEB},by="agency"}}': lambda at: within(at, STOPPED) or None,
        'city_cloud_used_units{resource_class="VCPU"}': lambda at: 40 + (at >= MIDDLE),
        'city_cloud_allocatable_units{resource_class="VCPU"}': lambda at: 100,
        'city_cloud_free_without_largest_units{resource_class="VCPU"}': lambda at: 20,
        'city_cloud_used_bytes{resource_class="MEMORY_MB"}': lambda at: 2**40,
        'city_cloud_allocatable_bytes{resource_class="MEMORY_MB"}': lambda at: 2**41,
        'city_floating_ip_pool_used_addresses{network="external"}': lambda at: 7,
        'city_floating_ip_pool_addresses{network="external"}': lambda at: 50,
    }
    for series, value in gauges.items():
        lines.append(f"# TYPE {series.partition('{')[0]} gauge")
        for at in moments():
            told = value(at)
            if told is not None and seen(at):
                lines.append(f"{series} {float(told)} {at:.0f}")
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that watched for two days."""
    with stand(tmp_path_factory.mktemp("watched"), (), history()) as made:
        yield made.prometheus


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that knows nothing."""
    with stand(tmp_path_factory.mktemp("forgetful"), ()) as made:
        yield made.prometheus


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/ledger.sqlite"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with Database(url) as found:
        yield found


def written(database: Database, prometheus: str, now: dt.datetime = LATE) -> tuple[dt.date, ...]:
    with Prometheus(prometheus, 60) as source:
        return keep(Ledger(database), CapacityBook(database), source, AGREED, now)


def rows(database: Database, day: dt.date) -> dict[str, WorkloadDay]:
    return {one.workload.name: one for one in Ledger(database).day(day)}


def test_a_new_ledger_begins_with_what_prometheus_has_and_each_day_is_what_was_seen(
    database: Database, watched: str
) -> None:
    assert written(database, watched) == (BEFORE, YESTERDAY)
    before, yesterday = rows(database, BEFORE), rows(database, YESTERDAY)
    # an hour without scrapes is known from the counters, half an hour without the exporter is not
    assert before["web"].seconds == Seconds(up=DAY_SECONDS - 1800, unknown=1800)
    assert yesterday["web"].seconds == Seconds(up=DAY_SECONDS - 7800, down=300, maintenance=300, stopped=7200)
    assert (yesterday["web"].workload.item, yesterday["web"].windows) == ("website", ("w1",))
    assert yesterday["db"].seconds.up == pytest.approx(DAY_SECONDS / 2, abs=60)
    assert yesterday["db"].seconds.total == DAY_SECONDS
    assert "db" not in before


def test_a_second_run_writes_nothing(database: Database, watched: str) -> None:
    written(database, watched)
    head = Ledger(database).head()
    assert written(database, watched) == ()
    assert Ledger(database).head() == head
    assert Ledger(database).verify() == head


def test_a_day_is_not_written_before_its_last_scrapes_are_in(database: Database, watched: str) -> None:
    assert written(database, watched, LATE - dt.timedelta(hours=1, minutes=58)) == (BEFORE,)


def test_days_that_were_missed_are_caught_up_with(database: Database, watched: str) -> None:
    ledger = Ledger(database)
    ledger.write_day(BEFORE - dt.timedelta(1), [], {}, LATE)
    assert written(database, watched) == (BEFORE, YESTERDAY)
    assert ledger.days() == (BEFORE - dt.timedelta(1), BEFORE, YESTERDAY)


def test_a_day_that_prometheus_has_lost_is_unknown_and_the_statement_stays_as_it_was(
    database: Database, url: str, watched: str, forgetful: str
) -> None:
    written(database, watched)
    assert len(written(database, forgetful, LATE + dt.timedelta(days=1))) == 1
    lost = rows(database, day_of(LATE))
    assert lost["web"].seconds == lost["db"].seconds == Seconds(unknown=DAY_SECONDS)
    # two months later, with other contracts and no window: what was written is told as it was
    asked = ["--ledger", url, "month", "--month", str(Month.of(YESTERDAY)), "--agency", "sxd"]
    later = AGREED.contract.classes | {"other": replace(TERMS, name="other")}
    with Prometheus(forgetful, 60) as source:
        keep(
            Ledger(database), CapacityBook(database), source, Agreed(Contract(later, "other")),
            LATE + dt.timedelta(days=40),
        )  # fmt: skip
    told = CliRunner().invoke(cli, asked, catch_exceptions=False).output
    days = {one["day"]: one for one in json.loads(told)["sxd"]["days"]}
    assert days[str(YESTERDAY)]["windows"] == ["w1"]
    assert days[str(YESTERDAY)]["terms"]["name"] == "important"
    with Prometheus(forgetful, 60) as source:
        keep(Ledger(database), CapacityBook(database), source, AGREED, LATE + dt.timedelta(days=70))
    assert CliRunner().invoke(cli, asked, catch_exceptions=False).output == told


def test_a_new_site_has_no_ledger_before_it_was_watched(database: Database, forgetful: str) -> None:
    assert written(database, forgetful) == ()
    assert Ledger(database).days() == ()


def test_a_prometheus_that_does_not_answer_is_not_a_day_of_which_nothing_is_known(database: Database) -> None:
    Ledger(database).write_day(BEFORE, [], {}, LATE)
    with pytest.raises(MonitoringUnreachable):
        written(database, "http://127.0.0.1:9")
    assert Ledger(database).days() == (BEFORE,)


def test_capacity_is_the_days_greatest(database: Database, watched: str) -> None:
    written(database, watched)
    found = {(one.day, one.resource_class): one for one in CapacityBook(database).read()}
    vcpu = found[YESTERDAY, "VCPU"]
    assert (vcpu.used, vcpu.allocatable, vcpu.without_largest) == (41, 100, 61)
    assert found[BEFORE, "VCPU"].used == 40
    memory, addresses = found[YESTERDAY, "MEMORY_MB"], found[YESTERDAY, "floating_ips"]
    assert (memory.used, memory.allocatable, memory.without_largest) == (2**40, 2**41, None)
    assert (addresses.used, addresses.allocatable) == (7, 50)


def test_the_command_writes_ledger_metrics_and_head_and_answers_the_deploy_host(
    tmp_path: Path, url: str, watched: str
) -> None:
    (tmp_path / "sla.yaml").write_text(
        "classes: {usual: {objective_percent: 99, unknown: excluded}}\ndefault_class: usual\n",
        encoding="utf-8",
    )
    metrics, head = tmp_path / "city_ledger.prom", tmp_path / "head"
    run = ["--ledger", url, "write", "--prometheus", watched, "--sla", str(tmp_path / "sla.yaml"),
           "--maintenance", str(tmp_path / "maintenance.yaml"), "--metrics-file", str(metrics),
           "--head-file", str(head)]  # fmt: skip
    for _ in range(2):
        assert CliRunner().invoke(cli, run, catch_exceptions=False).exit_code == 0
    assert "city_ledger_intact 1.0" in metrics.read_text(encoding="utf-8")
    told = json.loads(CliRunner().invoke(cli, ["--ledger", url, "verify"], catch_exceptions=False).output)
    assert told["head"] == head.read_text(encoding="utf-8").strip()
    (vcpu,) = [
        one
        for one in json.loads(CliRunner().invoke(cli, ["--ledger", url, "forecast"]).output)
        if one["resource_class"] == "VCPU"
    ]
    assert vcpu["reason"].startswith("too little history")


def test_a_ledger_that_was_cut_off_is_told_to_prometheus(
    tmp_path: Path, database: Database, watched: str
) -> None:
    written(database, watched)
    ledger, book, head = Ledger(database), CapacityBook(database), tmp_path / "head"
    assert standing(ledger, book, head).intact
    number, _, digest = head.read_text(encoding="utf-8").strip().partition(":")
    head.write_text(f"{int(number) + 5}:{digest}\n", encoding="utf-8")
    found = standing(ledger, book, head)
    assert not found.intact
    assert "city_ledger_intact 0.0" in exposition(found, LATE)

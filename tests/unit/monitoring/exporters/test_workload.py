"""Workloads: each probe on its own time; unknown is neither up nor down; time adds up whatever clocks do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.cloud.server_status import ServerStatus
from infra.domain.catalog import Catalog, CatalogItem
from infra.domain.probe import HttpProbe, Probe, SshProbe
from monitoring.exporters.probe_outcome import Outcome, ProbeImpossible, Target
from monitoring.exporters.uptime_families import condition_families, probe_families, status_families
from monitoring.exporters.workload import WorkloadWatch
from monitoring.exporters.workload_record import CONDITIONS, DOWN, NOT_EXPECTED, UNKNOWN, UP, Record
from tests.unit.monitoring.exporters.uptime_sample import CATALOG, make_status

BAD = Outcome(False, 5.0, "timeout")


class Asked:
    """Answers as told for each (address, probe) or address; "hang" never answers."""

    def __init__(self) -> None:
        self.outcomes: dict[Any, Any] = {}
        self.made: list[tuple[str, str]] = []

    async def __call__(self, probe: Probe, target: Target) -> Outcome:
        key = (target.address, probe.name)
        self.made.append(key)
        outcome = self.outcomes.get(key, self.outcomes.get(target.address, Outcome(True, 0.1)))
        if outcome == "hang":
            await asyncio.Event().wait()
        if isinstance(outcome, Exception):
            raise outcome
        assert isinstance(outcome, Outcome)
        return outcome


class Site:
    """A watch with its servers, its answers and its clocks: `now` is monotonic, `day` the time of day."""

    def __init__(self, memory: Path | None = None, catalog: Catalog = CATALOG, **options: Any) -> None:
        self.servers: tuple[ServerStatus, ...] | None = ()
        self.asked = Asked()
        self.now = 100.0
        self.day = 1_000_000.0
        self.watch = WorkloadWatch(
            lambda: self.servers, self.asked, 10.0, catalog=catalog, memory=memory, boot_seconds=60.0,
            clock=lambda: self.day, stopwatch=lambda: self.now, jitter=lambda seconds: 0.0, **options,
        )  # fmt: skip

    def listed(self, *servers: ServerStatus) -> None:
        """The cloud was read once more."""
        self.servers = tuple(servers)

    async def pass_time(self, seconds: float, step: float = 1.0) -> None:
        for _ in range(int(seconds / step)):
            self.watch.turn()
            for _ in range(4):
                await asyncio.sleep(0)
            self.now += step
            self.day += step
        self.watch.turn()
        for _ in range(4):
            await asyncio.sleep(0)

    def live(self, *steps: Any) -> Site:
        """Lists and seconds, one after the other."""

        async def scenario() -> None:
            for step in steps:
                if isinstance(step, int | float):
                    await self.pass_time(step)
                elif isinstance(step, tuple):
                    self.listed(*step)
                else:
                    step(self)

        asyncio.run(scenario())
        return self

    def record(self, name: str = "web") -> Record:
        return self.watch.records()[f"id-{name}"]

    def seconds(self, name: str = "web") -> dict[str, int]:
        return {condition: round(spent) for condition, spent in self.record(name).seconds.items() if spent}

    def counted(self, name: str = "web", probe: str = "ssh") -> tuple[int, int]:
        found = self.record(name).probes[probe]
        return found.good, found.total


@pytest.fixture
def site() -> Site:
    return Site()


def answers(outcome: Any, key: Any = "192.0.2.1") -> Callable[[Site], None]:
    return lambda site: site.asked.outcomes.update({key: outcome})


WEB = make_status()
OFF = make_status(state="shutoff", stopped_by="agency")


def test_a_server_that_hangs_delays_no_other(site: Site) -> None:
    slow = make_status("slow", address="192.0.2.9")
    site.live((slow, WEB), answers("hang", "192.0.2.9"), 35)
    assert site.counted() == (4, 4)
    assert site.asked.made.count(("192.0.2.9", "ssh")) == 1
    assert site.record("slow").condition == UNKNOWN


def test_each_probe_has_its_own_interval() -> None:
    probes = (SshProbe(name="ssh"), HttpProbe(name="web", every_seconds=30))
    site = Site(catalog=Catalog((CatalogItem("plain-server", "server", "a", "b", probes),)))
    site.live((WEB,), 61)
    assert (site.counted(probe="ssh"), site.counted(probe="web")) == ((7, 7), (3, 3))


def test_a_workload_is_up_only_if_all_probes_of_its_item_are_good(site: Site) -> None:
    web = make_status(item="web-server")
    site.live((web,), 1)
    assert site.record().condition == UP
    site.live(answers(Outcome(False, 0.1, "wrong_status"), ("192.0.2.1", "web")), 10)
    assert site.record().condition == DOWN


def test_since_is_when_the_condition_began_and_seconds_add_up(site: Site) -> None:
    site.live((WEB,), 15, answers(BAD), 10)
    assert (site.record().condition, site.record().since) == (DOWN, 1_000_020.0)
    site.live((WEB,), 5, (WEB,), 10, (WEB,), 1)
    assert site.seconds() == {UP: 20, DOWN: 21}
    assert site.counted() == (2, 5)


def test_no_second_is_lost_or_counted_twice(site: Site) -> None:
    site.live((WEB,), 15, answers(BAD), (WEB,), 20, (WEB,), 25, answers(Outcome(True, 0.1)), 20, (OFF,), 20)
    assert sum(site.record().seconds.values()) == pytest.approx(100)


def test_a_stop_by_the_agency_makes_no_downtime_of_the_time_until_we_heard_of_it(site: Site) -> None:
    site.live((WEB,), 15, answers(BAD), 10, (WEB,), 9, (OFF,), 20)
    assert site.record().condition == NOT_EXPECTED
    assert DOWN not in site.seconds()
    assert site.counted() == (2, 2)


def test_downtime_before_a_stop_by_the_agency_stays_downtime(site: Site) -> None:
    site.live((WEB,), 15, answers(BAD), 15, (WEB,), 10, (WEB,), 10, (OFF,), 20)
    assert site.seconds()[DOWN] == pytest.approx(30, abs=1)


def test_when_nova_cannot_be_asked_downtime_counts_after_five_minutes(site: Site) -> None:
    site.live((WEB,), 15, answers(BAD), 295)
    assert DOWN not in site.seconds()
    site.live(20)
    assert site.seconds()[DOWN] >= 300


@pytest.mark.parametrize(
    "server",
    [
        OFF,
        make_status(state="build"),
        make_status(address=""),
        make_status(state="paused", stopped_by="agency"),
    ],
)
def test_what_nobody_may_expect_is_not_probed_and_not_counted(site: Site, server: ServerStatus) -> None:
    site.live((server,), 20)
    record = site.record()
    assert (site.asked.made, record.probes, record.condition, record.expected) == (
        [],
        {},
        NOT_EXPECTED,
        False,
    )
    assert site.seconds() == {NOT_EXPECTED: 20}


@pytest.mark.parametrize("by", ["platform", "nobody"])
def test_a_server_that_somebody_else_stopped_is_down_without_a_probe(site: Site, by: str) -> None:
    lost = make_status(state="shutoff", stopped_by=by)
    site.live((WEB,), 15, (lost,), 10, (lost,), 10)
    assert (site.record().condition, site.record().expected) == (DOWN, True)
    assert len(site.asked.made) == 2
    assert site.seconds() == {UP: 15, DOWN: 20}


def test_a_server_of_which_nobody_knows_who_stopped_it_is_unknown(site: Site) -> None:
    site.live((make_status(state="shutoff", stopped_by="unknown"),), 10)
    assert (site.record().condition, site.record().expected, site.seconds()) == (
        UNKNOWN,
        False,
        {UNKNOWN: 10},
    )


def test_an_item_without_probes_promises_nothing(site: Site) -> None:
    catalog = Catalog((CatalogItem("plain-server", "server", "a", "b"),))
    site = Site(catalog=catalog).live((WEB,), 10)
    assert (site.record().condition, site.record().expected) == (NOT_EXPECTED, False)


def test_a_new_server_has_time_to_boot_and_is_watched_at_once(site: Site) -> None:
    site.live((), 5, answers(BAD), (WEB,), 50)
    assert (site.record().condition, site.record().expected) == (NOT_EXPECTED, False)
    assert site.asked.made
    site.live((WEB,), 11, (WEB,), 10, (WEB,), 1)
    assert (site.record().condition, site.record().expected) == (DOWN, True)


def test_a_new_server_is_expected_from_its_first_good_probe(site: Site) -> None:
    site.live((), 5, answers(BAD), (WEB,), 20, answers(Outcome(True, 0.1)), 10)
    assert (site.record().condition, site.record().expected, site.counted()) == (UP, True, (1, 1))


def test_a_server_that_its_agency_starts_again_has_time_to_boot(site: Site) -> None:
    site.live((OFF,), 5, answers(BAD), (WEB,), 30)
    assert site.seconds() == {NOT_EXPECTED: 35}


def test_servers_that_are_there_when_we_start_are_not_new(site: Site) -> None:
    site.live(answers(BAD), (WEB,), 5)
    assert (site.record().condition, site.record().expected) == (DOWN, True)


def test_a_probe_that_could_not_be_made_says_nothing_of_the_server(site: Site) -> None:
    site.live(answers(ProbeImpossible("resolver")), (WEB,), 25)
    assert (site.record().probes, site.record().condition) == ({}, UNKNOWN)
    assert site.watch.impossible() == {"resolver": 3}


def test_the_other_probes_tell_when_one_cannot_be_made(site: Site) -> None:
    site.live(
        answers(ProbeImpossible("resolver"), ("192.0.2.1", "web")), (make_status(item="web-server"),), 5
    )
    assert site.record().condition == UP


def test_a_bug_in_a_probe_does_not_end_its_schedule(site: Site) -> None:
    site.live(answers(ValueError("a bug")), (WEB,), 11, answers(Outcome(True, 0.1)), 10)
    assert (site.watch.impossible(), site.record().condition) == ({"unexpected": 2}, UP)


def test_a_server_that_was_not_looked_at_for_long_is_unknown(site: Site) -> None:
    site.live((WEB,), 1, answers("hang"), 50)
    assert site.record().condition == UNKNOWN
    assert site.seconds()[UNKNOWN] > 10


def test_a_jump_of_the_clock_makes_no_second_and_takes_none(site: Site) -> None:
    def jump(site: Site) -> None:
        site.day += 86_400

    def jump_back(site: Site) -> None:
        site.day -= 2 * 86_400

    site.live((WEB,), 20, jump, 20, jump_back, 20)
    assert site.seconds() == {UP: 60}
    assert site.record().since == 1_000_000.0


def test_time_in_which_we_were_stopped_is_unknown(site: Site) -> None:
    def stopped(site: Site) -> None:
        site.now += 600

    site.live((WEB,), 20, stopped, 5)
    assert site.seconds()[UNKNOWN] == pytest.approx(600, abs=11)


def test_a_server_that_is_gone_is_forgotten_and_its_probes_end(site: Site) -> None:
    site.live((WEB,), 5, (), 1)
    assert site.watch.records() == {}
    made = len(site.asked.made)
    site.live(30)
    assert len(site.asked.made) == made


def test_a_list_that_cannot_be_read_forgets_nothing(site: Site) -> None:
    def unread(site: Site) -> None:
        site.servers = None

    site.live((WEB,), 5, unread, 30)
    assert site.record().condition == UP


def test_another_catalog_is_in_force_at_once(site: Site) -> None:
    site.live((make_status(item="web-server"),), 5)
    site.watch.use(Catalog())
    site.live(20)
    assert site.asked.made.count(("192.0.2.1", "web")) == 1
    assert site.asked.made.count(("192.0.2.1", "ssh")) == 3


def restarted(tmp_path: Path, away: float) -> Site:
    memory = tmp_path / "servers.json"
    Site(memory).live((WEB,), 35)
    again = Site(memory)
    again.now, again.day = 5.0, 1_000_035.0 + away
    return again


def test_a_short_restart_keeps_counts_and_since(tmp_path: Path) -> None:
    again = restarted(tmp_path, 60.0).live((WEB,), 1)
    assert (again.record().condition, again.record().since) == (UP, 1_000_000.0)
    assert again.counted() == (4, 4)
    assert again.seconds()[UP] == pytest.approx(31, abs=1)


@pytest.mark.parametrize("away", [3600.0, -3600.0])
def test_after_a_long_restart_or_a_clock_that_ran_backwards_only_counts_are_kept(
    tmp_path: Path, away: float
) -> None:
    again = restarted(tmp_path, away).live((WEB,), 1)
    assert (again.record().condition, again.record().since) == (UP, 1_000_035.0 + away)
    assert again.counted() == (4, 4)


def test_the_condition_holds_over_a_short_restart_until_the_first_look(tmp_path: Path) -> None:
    again = restarted(tmp_path, 60.0).live(answers("hang"), (WEB,), 20)
    assert again.record().condition == UP
    assert again.live(20).record().condition == UNKNOWN


BROKEN = [
    "", "{", "[]", '{"version": 1}', '{"version": 2, "servers": []}',
    '{"version": 2, "servers": {"id-web": {"condition": "red"}}}', '{"id-web": {"condition": "up"}}',
]  # fmt: skip


@pytest.mark.parametrize("content", BROKEN)
def test_a_broken_memory_means_that_nothing_is_known(tmp_path: Path, content: str) -> None:
    memory = tmp_path / "servers.json"
    memory.write_text(content)
    assert Site(memory).live((WEB,), 1).counted() == (1, 1)


def shown(site: Site) -> Callable[[str], dict[tuple[str, ...], float]]:
    records, statuses = site.watch.records(), site.servers or ()
    found = [
        sample
        for families in (
            status_families(statuses, records, CATALOG),
            condition_families(statuses, records),
            probe_families(statuses, records, CATALOG),
        )
        for family in families
        for sample in family.samples
    ]

    def named(name: str) -> dict[tuple[str, ...], float]:
        return {
            (sample.labels["server"], *list(sample.labels.values())[4:]): sample.value
            for sample in found
            if sample.name == name
        }

    return named


def test_a_server_of_which_nothing_is_known_has_no_up(site: Site) -> None:
    off = make_status("off", state="shutoff", stopped_by="agency")
    bad = make_status("bad", address="192.0.2.9")
    lost = make_status("lost", state="shutoff", stopped_by="nobody")
    site.live((WEB, off, bad, lost), answers(BAD, "192.0.2.9"), answers("hang"), 5)
    named = shown(site)
    assert named("city_workload_up") == {("bad",): 0, ("lost",): 0}
    assert named("city_workload_probe_up") == {("bad", "ssh"): 0}
    assert named("city_workload_down_reason") == {("bad", "ssh", "timeout"): 1, ("lost", "", "stopped"): 1}
    assert named("city_workload_stopped") == {("off", "agency"): 1, ("lost", "nobody"): 1}
    assert named("city_workload_expected") == {("web",): 1, ("off",): 0, ("bad",): 1, ("lost",): 1}


def test_every_condition_has_a_counter_from_the_beginning(site: Site) -> None:
    site.live((WEB,), 5)
    seconds = shown(site)("city_workload_condition_seconds_total")
    assert {condition for _, condition in seconds} == set(CONDITIONS)
    assert seconds["web", DOWN] == 0


def test_a_server_that_was_not_taken_in_yet_has_no_counter_that_would_look_reset(site: Site) -> None:
    site.servers = (WEB,)
    named = shown(site)
    assert named("city_workload_state") == {("web", "active"): 1}
    assert named("city_workload_condition_seconds_total") == {}
    assert named("city_workload_probes_total") == named("city_workload_probes_good_total") == {}


def test_phases_and_certificates_are_those_of_the_last_look(site: Site) -> None:
    seen = Outcome(True, 0.3, phases={"connect": 0.1, "tls": 0.2}, certificate_expiry=2e9)
    site.live((make_status(item="web-server"),), answers(seen, ("192.0.2.1", "web")), 5)
    named = shown(site)
    assert named("city_workload_probe_phase_seconds") == {
        ("web", "web", "connect"): 0.1,
        ("web", "web", "tls"): 0.2,
    }
    assert named("city_workload_certificate_expiry_timestamp_seconds") == {("web", "web"): 2e9}


def test_series_grow_with_servers_and_their_probes_only(site: Site) -> None:
    servers = tuple(make_status(f"s{number}", item="web-server") for number in range(50))
    seen = Outcome(True, 0.3, phases=dict.fromkeys(("connect", "tls", "processing", "transfer"), 0.1))
    site.live(servers, answers(seen), 20)
    records = site.watch.records()
    series = sum(
        len(family.samples)
        for families in (
            status_families(servers, records, CATALOG),
            condition_families(servers, records),
            probe_families(servers, records, CATALOG),
        )
        for family in families
    )
    assert series <= len(servers) * (10 + 2 * 10)


def test_of_thousands_of_targets_those_that_hang_delay_no_other_agency(site: Site) -> None:
    agencies = 20
    servers = tuple(
        make_status(
            f"{agency}-{number}", address=f"10.{agency}.{number // 250}.{number % 250}", agency=f"a{agency}"
        )
        for agency in range(agencies)
        for number in range(100)
    )
    site.live(*(answers("hang", server.address) for server in servers if server.project.agency != "a0"))
    site.live(servers, 41)
    assert all(site.counted(f"0-{number}") == (5, 5) for number in range(100))
    lateness = site.watch.lateness()
    assert lateness["a0"] < 1
    assert min(late for agency, late in lateness.items() if agency != "a0") > 10

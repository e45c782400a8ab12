"""Workloads: every server probed on its own time; unknown is neither up nor down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.cloud.server_status import ServerStatus
from infra.cloud.usage import AgencyProject
from monitoring.exporters.probe import Outcome, ProbeImpossible
from monitoring.exporters.uptime import probe_families
from monitoring.exporters.workload import DOWN, NOT_EXPECTED, UP, WorkloadWatch


def make_status(name: str, state: str = "active", address: str = "192.0.2.1") -> ServerStatus:
    return ServerStatus(f"id-{name}", name, AgencyProject("p1", "main", "sxd"), state, address)


class Probe:
    """Answers as told for each address; "hang" never answers."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Any] = {}
        self.made: list[str] = []

    async def __call__(self, address: str) -> Outcome:
        self.made.append(address)
        outcome = self.outcomes.get(address, Outcome(True, 0.1))
        if outcome == "hang":
            await asyncio.Event().wait()
        if isinstance(outcome, Exception):
            raise outcome
        assert isinstance(outcome, Outcome)
        return outcome


class Site:
    """A watch with its servers, probe and clock."""

    def __init__(self, memory: Path | None = None) -> None:
        self.servers: list[ServerStatus] = []
        self.probe = Probe()
        self.now = 1000.0
        self.watch = WorkloadWatch(
            lambda: self.servers, self.probe, 10.0, memory=memory, clock=lambda: self.now
        )

    async def round(self) -> None:
        self.watch.round()
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
def site() -> Site:
    return Site()


def test_a_server_that_hangs_delays_no_other(site: Site) -> None:
    site.servers = [make_status("slow", address="192.0.2.9"), make_status("quick")]
    site.probe.outcomes["192.0.2.9"] = "hang"

    async def scenario() -> None:
        for _ in range(3):
            await site.round()

    asyncio.run(scenario())
    assert site.watch.records()["id-quick"].total == 3
    assert site.probe.made.count("192.0.2.9") == 1
    assert site.watch.records()["id-slow"].condition == ""


def test_since_is_when_the_condition_began(site: Site) -> None:
    site.servers = [make_status("web")]

    async def scenario() -> None:
        await site.round()
        site.now = 1010.0
        await site.round()
        site.probe.outcomes["192.0.2.1"] = Outcome(False, 5.0, "timeout")
        site.now = 1020.0
        await site.round()

    asyncio.run(scenario())
    record = site.watch.records()["id-web"]
    assert (record.condition, record.since, record.good, record.total, record.reason) == (
        DOWN,
        1020.0,
        2,
        3,
        "timeout",
    )


def test_a_stopped_server_is_not_probed_and_not_counted(site: Site) -> None:
    site.servers = [make_status("web", state="shutoff")]
    asyncio.run(site.round())
    record = site.watch.records()["id-web"]
    assert (site.probe.made, record.total, record.condition) == ([], 0, NOT_EXPECTED)


def test_a_probe_that_could_not_be_made_says_nothing_of_the_server(site: Site) -> None:
    site.servers = [make_status("web")]
    site.probe.outcomes["192.0.2.1"] = ProbeImpossible("too many open files")
    asyncio.run(site.round())
    assert (site.watch.records()["id-web"].total, site.watch.records()["id-web"].condition) == (0, "")


def test_a_server_that_was_not_looked_at_for_long_is_unknown(site: Site) -> None:
    site.servers = [make_status("web")]
    asyncio.run(site.round())
    site.now += 100.0
    assert site.watch.records()["id-web"].condition == ""


def test_a_server_that_is_gone_is_forgotten(site: Site) -> None:
    site.servers = [make_status("web")]
    asyncio.run(site.round())
    site.servers = []
    asyncio.run(site.round())
    assert site.watch.records() == {}


@pytest.mark.parametrize(("away", "since"), [(60.0, 1000.0), (3600.0, 4600.0)])
def test_a_short_restart_keeps_since_and_a_long_one_claims_nothing(
    tmp_path: Path, away: float, since: float
) -> None:
    async def scenario(site: Site) -> None:
        site.servers = [make_status("web")]
        await site.round()
        await site.round()

    memory = tmp_path / "servers.json"
    asyncio.run(scenario(Site(memory)))
    again = Site(memory)
    again.now = 1000.0 + away
    asyncio.run(scenario(again))
    record = again.watch.records()["id-web"]
    assert (record.condition, record.since) == (UP, since)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"id-web": {"colour": "red"}}', '{"id-web": 3}'])
def test_a_broken_memory_means_that_nothing_is_known(tmp_path: Path, content: str) -> None:
    memory = tmp_path / "servers.json"
    memory.write_text(content)
    site = Site(memory)
    site.servers = [make_status("web")]
    asyncio.run(site.round())
    assert site.watch.records()["id-web"].condition == UP


def samples(statuses: list[ServerStatus], watch: WorkloadWatch) -> Callable[[str], list[Any]]:
    found = [sample for family in probe_families(statuses, watch.records()) for sample in family.samples]
    return lambda name: [(sample.labels["server"], sample.value) for sample in found if sample.name == name]


def test_a_server_of_which_nothing_is_known_has_no_up(site: Site) -> None:
    site.servers = [
        make_status("web"),
        make_status("off", state="shutoff"),
        make_status("bad", address="192.0.2.9"),
    ]
    site.probe.outcomes["192.0.2.9"] = Outcome(False, 5.0, "timeout")
    named = samples(site.servers, site.watch)
    assert named("city_workload_up") == []
    asyncio.run(site.round())
    named = samples(site.servers, site.watch)
    assert named("city_workload_up") == [("web", 1), ("bad", 0)]
    assert named("city_workload_down_reason") == [("bad", 1)]
    assert named("city_workload_probes_total") == [("web", 1), ("off", 0), ("bad", 1)]
    assert named("city_workload_probes_good_total") == [("web", 1), ("off", 0), ("bad", 0)]

"""The dead man's switch: when it calls, whom, and what it tells Prometheus."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitoring.alertmanager.calling import CallFailed, MailWay, Notice, WebhookWay
from monitoring.alertmanager.deadman import EXIT_CONFIG, Deadman, DeadmanConfig, is_heartbeat, main
from monitoring.alertmanager.heartbeat import Heartbeat

DEADMAN = {
    "city_deadman_last_heartbeat_timestamp_seconds", "city_deadman_silence_limit_seconds",
    "city_deadman_alarm", "city_deadman_calls",
}  # fmt: skip
CONFIG = DeadmanConfig(
    site="test", listen="127.0.0.1:1", limit_seconds=300, repeat_seconds=3600, monitoring=["mon1"]
)


class Clock:
    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Way:
    """A way to people that keeps what went by it."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.broken = False

    def __call__(self, notice: Notice) -> None:
        if self.broken:
            raise CallFailed("broken")
        self.notices.append(notice)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def way() -> Way:
    return Way()


@pytest.fixture
def deadman(clock: Clock, way: Way, tmp_path: Path) -> Deadman:
    return Deadman(CONFIG, {"email": way}, tmp_path / "heartbeat", clock, clock)


def values(deadman: Deadman) -> dict[str, float]:
    return {
        "".join([s.name, *s.labels.values()]): s.value for family in deadman.collect() for s in family.samples
    }


def test_the_metrics_are_the_promised_ones(deadman: Deadman) -> None:
    assert {family.name for family in deadman.collect()} == DEADMAN


def test_nobody_is_called_while_heartbeats_come(deadman: Deadman, clock: Clock, way: Way) -> None:
    for _ in range(20):
        clock.now += 60
        deadman.heard()
        deadman.look()
    assert way.notices == []
    assert values(deadman)["city_deadman_alarm"] == 0


def test_people_are_called_once_when_it_is_silent_and_told_when_it_is_heard_again(
    deadman: Deadman, clock: Clock, way: Way
) -> None:
    clock.now += 301
    deadman.look()
    clock.now += 60
    deadman.look()
    assert [notice.firing for notice in way.notices] == [True]
    assert "mon1" in way.notices[0].text
    assert values(deadman)["city_deadman_alarm"] == 1
    deadman.heard()
    deadman.look()
    assert [notice.firing for notice in way.notices] == [True, False]
    assert values(deadman)["city_deadman_alarm"] == 0


def test_people_are_called_again_after_an_hour_of_silence(deadman: Deadman, clock: Clock, way: Way) -> None:
    for _ in range(70):
        clock.now += 61
        deadman.look()
    assert len(way.notices) == 2


def test_a_way_that_fails_is_tried_again_until_somebody_is_reached(
    deadman: Deadman, clock: Clock, way: Way
) -> None:
    way.broken = True
    clock.now += 301
    deadman.look()
    assert values(deadman)["city_deadman_alarm"] == 0
    way.broken = False
    deadman.look()
    assert len(way.notices) == 1
    assert values(deadman)["city_deadman_calls_totalemailfailed"] == 1
    assert values(deadman)["city_deadman_calls_totalemailok"] == 1


def test_a_restart_does_not_begin_to_wait_anew(tmp_path: Path, way: Way) -> None:
    wall = Clock(5_000_000.0)
    Deadman(CONFIG, {"email": way}, tmp_path / "heartbeat", Clock(), wall).heard()
    wall.now += 301
    Deadman(CONFIG, {"email": way}, tmp_path / "heartbeat", Clock(7.0), wall).look()
    assert len(way.notices) == 1


def test_a_clock_that_jumps_calls_nobody(tmp_path: Path, way: Way) -> None:
    wall, clock = Clock(5_000_000.0), Clock()
    deadman = Deadman(CONFIG, {"email": way}, tmp_path / "heartbeat", clock, wall)
    deadman.heard()
    wall.now += 86400
    clock.now += 10
    deadman.look()
    assert way.notices == []


@pytest.mark.parametrize(
    ("body", "heard"),
    [
        ({"alerts": [{"status": "firing", "labels": {"alertname": "Watchdog"}}]}, True),
        ({"alerts": [{"status": "resolved", "labels": {"alertname": "Watchdog"}}]}, False),
        ({"alerts": [{"status": "firing", "labels": {"alertname": "ApiDown"}}]}, False),
        ({"alerts": []}, False),
        ([], False),
        ({"alerts": [3]}, False),
    ],
)
def test_only_a_firing_watchdog_is_a_heartbeat(body: object, heard: bool) -> None:
    assert is_heartbeat(json.dumps(body).encode()) is heard


def test_silence_is_due_at_its_limit_and_not_before() -> None:
    heartbeat = Heartbeat(300, 3600, 0)
    assert heartbeat.due(299) is None
    assert heartbeat.due(300) == "silent"


def test_a_wrong_configuration_is_told_by_its_key_and_without_its_secrets(tmp_path: Path) -> None:
    file = tmp_path / "deadman.json"
    file.write_text(
        json.dumps({"site": "x", "listen": "nowhere", "limit_seconds": 0, "password": ["geheim"]})
    )
    result = CliRunner().invoke(main, ["--config", str(file), "--state-file", str(tmp_path / "state")])
    assert result.exit_code == EXIT_CONFIG
    assert all(key in result.output for key in ("listen", "limit_seconds", "password", str(file)))
    assert "geheim" not in result.output


def test_secrets_are_not_shown() -> None:
    shown = repr([MailWay("h:25", "a@x.vn", ("b@x.vn",), "u", "geheim"), WebhookWay("http://x/geheim")])
    assert "geheim" not in shown

"""Maintenance windows become silences, exactly once, and people's own silences are left alone."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import Any

from infra.domain.maintenance import MaintenanceWindow
from infra.provisioning.silences import MARK, apply, matchers_of, standing

NOW = dt.datetime(2026, 12, 1, 12, 0, tzinfo=dt.UTC)
WINDOW = MaintenanceWindow(
    "storage", NOW + dt.timedelta(hours=1), NOW + dt.timedelta(hours=3), "Nâng cấp", "Upgrade", ("sxd", "stc")
)


class Fake:
    """An Alertmanager that keeps what it is told."""

    def __init__(self) -> None:
        self.held: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []

    def silences(self) -> list[dict[str, Any]]:
        return [{**silence, "id": one} for one, silence in self.held.items()]

    def create(self, silence: dict[str, Any]) -> str:
        name = f"s{len(self.held) + 1}"
        self.held[name] = {**silence, "status": {"state": "active"}}
        self.calls.append(f"create {name}")
        return name

    def expire(self, silence_id: str) -> None:
        self.held[silence_id]["status"] = {"state": "expired"}
        self.calls.append(f"expire {silence_id}")


def test_a_second_run_changes_nothing() -> None:
    alertmanager = Fake()
    assert apply(alertmanager, [WINDOW], NOW).made == ("storage",)
    again = apply(alertmanager, [WINDOW], NOW)
    assert (again.made, again.removed, again.kept) == ((), (), ("storage",))
    assert again.changed == 0


def test_a_window_that_was_moved_has_its_new_silence_before_the_old_one_goes() -> None:
    alertmanager = Fake()
    apply(alertmanager, [WINDOW], NOW)
    apply(alertmanager, [replace(WINDOW, ends=WINDOW.ends + dt.timedelta(hours=1))], NOW)
    assert alertmanager.calls == ["create s1", "create s2", "expire s1"]


def test_a_window_that_was_taken_out_or_has_ended_is_silent_no_more() -> None:
    alertmanager = Fake()
    apply(alertmanager, [WINDOW, replace(WINDOW, id="other")], NOW)
    assert set(apply(alertmanager, [WINDOW], NOW).removed) == {"other"}
    assert set(apply(alertmanager, [WINDOW], WINDOW.ends).removed) == {"storage"}
    assert standing(alertmanager) == []


def test_a_window_that_has_ended_is_never_made() -> None:
    alertmanager = Fake()
    assert apply(alertmanager, [WINDOW], WINDOW.ends).changed == 0
    assert alertmanager.calls == []


def test_a_window_that_has_begun_is_silent_from_now_on() -> None:
    alertmanager = Fake()
    now = WINDOW.starts + dt.timedelta(minutes=10)
    apply(alertmanager, [WINDOW], now)
    assert alertmanager.held["s1"]["startsAt"] == now.isoformat()
    assert apply(alertmanager, [WINDOW], now + dt.timedelta(minutes=10)).changed == 0


def test_what_people_silenced_is_not_touched() -> None:
    alertmanager = Fake()
    alertmanager.held["mine"] = {
        "createdBy": "lan",
        "comment": "maintenance storage [000000000000] x",
        "status": {"state": "active"},
    }
    apply(alertmanager, [], NOW)
    assert alertmanager.calls == []


def test_two_silences_of_one_window_become_one() -> None:
    alertmanager = Fake()
    apply(alertmanager, [WINDOW], NOW)
    alertmanager.held["twice"] = dict(alertmanager.held["s1"])
    apply(alertmanager, [WINDOW], NOW)
    assert len(standing(alertmanager)) == 1


def test_a_silence_is_of_the_windows_agencies_and_servers_only() -> None:
    agency, server = matchers_of(replace(WINDOW, agencies=("q.1",), workloads=("web",)))
    assert (agency["name"], server["name"]) == ("agency", "server")
    assert re.fullmatch(agency["value"], "q.1")
    assert not re.fullmatch(agency["value"], "qx1")
    (every,) = matchers_of(replace(WINDOW, agencies=()))
    assert re.fullmatch(every["value"], "sxd")
    assert not re.fullmatch(every["value"], ""), "alerts of the platform have no agency and are not silenced"


def test_our_mark_is_on_each() -> None:
    alertmanager = Fake()
    apply(alertmanager, [WINDOW], NOW)
    assert alertmanager.held["s1"]["createdBy"] == MARK
    assert "Nâng cấp" in alertmanager.held["s1"]["comment"]

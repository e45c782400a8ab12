from __future__ import annotations

import datetime as dt
import stat
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra.domain.drift import finding_id, moment
from infra.hosts import ssh
from infra.hosts.ssh import HostUnreachable
from infra.provisioning import textfile
from infra.provisioning.drift_report import (
    deliver,
    exposition,
    file_of,
    joined,
    read_report,
    write_report,
)
from tests.unit.provisioning.drift_sample import REPORT, TAKEN, make_finding, make_report, make_stack


def test_a_thing_has_the_same_id_in_every_report_and_another_than_any_other_thing() -> None:
    assert finding_id("openstack:networking/port:Port", "p1") == finding_id(
        "openstack:networking/port:Port", "p1"
    )
    assert finding_id("a", "bc") != finding_id("ab", "c")


@pytest.mark.parametrize(
    "told", [f"2026-01-02T03:04:05{end}" for end in ("Z", "", ".000000", "+00:00", ".000Z")]
)
def test_the_times_of_all_apis_are_understood(told: str) -> None:
    assert moment(told) == dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


def test_no_time_is_no_time() -> None:
    assert moment("") is None
    assert moment("now") is None


def test_a_report_is_kept_whole_and_for_its_owner_only(tmp_path: Path) -> None:
    write_report(file_of(tmp_path), REPORT)
    assert read_report(file_of(tmp_path)) == REPORT
    assert stat.S_IMODE(file_of(tmp_path).stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "{", "[]", '{"stacks": [{"agency": "x"}], "orphans": []}'])
def test_a_report_of_another_release_counts_as_none(tmp_path: Path, content: str) -> None:
    file_of(tmp_path).write_text(content)
    assert read_report(file_of(tmp_path)) is None


def test_stacks_that_a_run_left_out_stand_as_the_last_one_saw_them() -> None:
    before = make_report(make_stack("stc", make_finding(agency="stc")), make_stack("gone"), make_stack("sxd"))
    now = make_report(make_stack("sxd", make_finding()), taken="2026-11-25T03:00:00+00:00")
    both = joined(before, now, frozenset({"stc", "sxd"}))
    assert [stack.agency for stack in both.stacks] == ["stc", "sxd"]
    assert both.stacks[0] == before.stacks[0]
    assert both.stacks[1] == now.stacks[0]
    assert both.taken_at == now.taken_at


def test_an_unread_stack_keeps_the_time_of_its_last_whole_reading() -> None:
    before = make_report(make_stack("sxd"))
    now = replace(
        make_report(make_stack("sxd", unread="no answer"), taken="later"),
        orphans_read_at="",
        orphans_unread="no",
    )
    both = joined(before, now, frozenset({"sxd"}))
    assert both.stacks[0].read_at == TAKEN
    assert both.stacks[0].unread
    assert both.orphans_read_at == TAKEN
    assert not both.whole


def test_a_stack_that_could_not_be_read_has_no_counts_in_the_metrics() -> None:
    lines = [line for line in exposition(REPORT).splitlines() if not line.startswith("#")]
    assert 'city_drift_resources{agency="sxd",kind="foreign"} 1.0' in lines
    assert 'city_drift_resources{agency="sxd",kind="missing"} 0.0' in lines
    assert not [line for line in lines if line.startswith("city_drift_resources") and "stc" in line]
    assert 'city_drift_stack_unread{agency="stc"} 1.0' in lines
    assert 'city_drift_stack_read_timestamp_seconds{agency="stc"} 0.0' in lines


def test_the_age_of_the_oldest_orphan_can_be_told_where_the_cloud_keeps_its_time() -> None:
    text = exposition(REPORT)
    assert 'city_drift_orphans{kind="allocation"} 1.0' in text
    assert 'city_drift_oldest_orphan_created_timestamp_seconds{kind="volume"} 1.7934912e+09' in text
    assert 'created_timestamp_seconds{kind="allocation"}' not in text


def test_metrics_reach_each_monitoring_server_and_a_failure_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, str, str]] = []

    def run(target: Any, command: str, *, input_text: str) -> None:
        if target.name == "mon2":
            raise HostUnreachable("mon2 does not answer")
        sent.append((target.name, command, input_text))

    monkeypatch.setattr(ssh, "run", run)
    hosts = SimpleNamespace(monitoring=lambda: (SimpleNamespace(name="mon1"), SimpleNamespace(name="mon2")))
    monkeypatch.setattr(
        textfile, "target_of",
        lambda inventory, settings, host: SimpleNamespace(name=host.name, user="deploy"),
    )  # fmt: skip
    site: Any = SimpleNamespace(paths=SimpleNamespace(directory=tmp_path), inventory=hosts, settings=None)
    told = deliver(site, REPORT)
    ((name, command, text),) = sent
    assert (name, told.servers, dict(told.failures)) == ("mon1", ("mon1",), {"mon2": "mon2 does not answer"})
    assert command.startswith("sudo -n sh -c ")
    assert "mv -f" in command  # never half a file
    assert text == exposition(REPORT)
    assert read_report(Path(told.file)) == REPORT

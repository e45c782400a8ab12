"""Ansible's events become phases, changes and failures."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from infra.provisioning.playbook_events import (
    HIDDEN,
    EventReader,
    Play,
    PlaybookUnreadable,
    phase_names,
    read_plays,
)

PLAYS = [Play("base", "Base: sources"), Play("base", "Base: accounts"), Play("database", "Database: MariaDB")]
CENSORED = {"censored": "the output has been hidden"}


@dataclass
class Listener:
    seen: list[str] = field(default_factory=list)

    def phase_started(self, phase: str) -> None:
        self.seen.append(f"{phase} started")

    def step(self, phase: str, text: str) -> None:
        self.seen.append(f"{phase}: {text}")

    def phase_ended(self, phase: str, changed: int) -> None:
        self.seen.append(f"{phase} ended, {changed} changed")


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def reader(listener: Listener) -> EventReader:
    return EventReader(PLAYS, listener)


def play(name: str) -> dict[str, Any]:
    return {"event": "playbook_on_play_start", "event_data": {"play": name}}


def ok(
    host: str = "ctl1", stdout: str = "", task: str = "t1", event: str = "runner_on_ok", **result: Any
) -> dict[str, Any]:
    return {"event": event, "stdout": stdout, "event_data": {"host": host, "task_uuid": task, "res": result}}


def stats(**changed: int) -> dict[str, Any]:
    return {"event": "playbook_on_stats", "event_data": {"changed": changed}}


def failed(event: str = "runner_on_failed", **data: Any) -> dict[str, Any]:
    return {
        "event": event,
        "event_data": {"host": "hv1", "task": "Install", "task_path": "/r/base.yml:3", **data},
    }


def feed(reader: EventReader, *events: dict[str, Any]) -> None:
    for event in events:
        reader.read(event)


def test_plays_of_one_phase_are_one_phase(reader: EventReader, listener: Listener) -> None:
    feed(reader, play("Base: sources"), play("Base: accounts"), play("Database: MariaDB"))
    reader.finish()
    assert listener.seen == [
        "base started",
        "base ended, 0 changed",
        "database started",
        "database ended, 0 changed",
    ]


def test_a_play_that_was_not_asked_for_is_no_phase(reader: EventReader, listener: Listener) -> None:
    feed(reader, play("Monitoring: Prometheus"))
    reader.finish()
    assert listener.seen == []


def test_the_task_that_runs_is_a_step_of_its_phase(reader: EventReader, listener: Listener) -> None:
    task = {"event": "playbook_on_task_start", "event_data": {"task": "Install packages"}}
    feed(reader, task, play("Base: sources"), task)
    assert listener.seen == ["base started", "base: Install packages"]


def test_changes_are_counted_per_phase(reader: EventReader, listener: Listener) -> None:
    feed(reader, play("Base: sources"), ok(changed=True), ok("hv1", changed=True), ok("hv2", changed=False))
    feed(reader, play("Database: MariaDB"), ok(changed=True), stats(ctl1=2, hv1=1))
    reader.finish()
    assert [line for line in listener.seen if "ended" in line] == [
        "base ended, 2 changed",
        "database ended, 1 changed",
    ]
    assert reader.total_changed == 3


def test_a_change_of_a_task_with_secrets_is_counted_by_what_ansible_prints(reader: EventReader) -> None:
    feed(
        reader,
        play("Base: sources"),
        ok(stdout="changed: [ctl1]", **CENSORED),
        ok(stdout="ok: [ctl1]", **CENSORED),
    )
    assert reader.changed == 1


def test_a_loop_with_secrets_is_one_change_of_its_task_on_that_host(reader: EventReader) -> None:
    item = {
        "stdout": "changed: [ctl1] => (item=None)",
        "task": "t7",
        "event": "runner_item_on_ok",
        **CENSORED,
    }
    feed(reader, play("Base: sources"), ok(**item), ok(**item), ok(task="t7", **CENSORED))
    feed(reader, ok("hv1", task="t7", **CENSORED))
    assert reader.changed == 1


def test_ansibles_own_sum_is_the_truth(reader: EventReader) -> None:
    feed(reader, play("Base: sources"), ok(changed=True), stats(ctl1=3))
    assert reader.total_changed == 3
    assert reader.changed == 3


def test_a_failure_names_host_task_place_and_message(reader: EventReader) -> None:
    feed(reader, play("Base: sources"), failed(res={"msg": "no space left"}))
    assert [str(f) for f in reader.failures] == ["hv1: Install (/r/base.yml:3): no space left"]


def test_a_failed_command_shows_the_end_of_what_it_printed(reader: EventReader) -> None:
    stderr = "\n".join(f"line {n}" for n in range(40))
    feed(reader, failed(res={"msg": "non-zero return code", "stderr": stderr}))
    assert reader.failures[0].message.splitlines() == [
        "non-zero return code",
        *(f"line {n}" for n in range(28, 40)),
    ]


def test_a_failed_loop_shows_its_first_failed_item(reader: EventReader) -> None:
    results = [{"failed": False, "msg": "fine"}, {"failed": True, "msg": "broken", "item": "nova"}]
    feed(reader, failed(res={"msg": "One or more items failed", "results": results}))
    assert reader.failures[0].message == "[nova] broken"


def test_a_failure_with_secrets_says_that_it_is_hidden(reader: EventReader) -> None:
    feed(reader, failed(res=CENSORED))
    assert reader.failures[0].message == HIDDEN


def test_a_server_that_does_not_answer_is_a_failure(reader: EventReader) -> None:
    feed(reader, failed("runner_on_unreachable", res={"msg": "Connection refused"}))
    assert reader.failures[0].message == "Connection refused"


def test_a_failure_that_the_playbook_ignores_is_none(reader: EventReader) -> None:
    feed(reader, failed(res={"msg": "x"}, ignore_errors=True))
    assert reader.failures == []


def test_a_failure_without_words_is_still_told(reader: EventReader) -> None:
    feed(reader, failed())
    assert reader.failures[0].message == "failed without a message"


def test_the_phases_of_a_playbook_are_its_first_tags_in_order(tmp_path: Path) -> None:
    path = tmp_path / "site.yml"
    path.write_text("- {name: a, tags: [base]}\n- {name: b, tags: base}\n- {name: c, tags: [db, x]}\n")
    plays = read_plays(path)
    assert plays == [Play("base", "a"), Play("base", "b"), Play("db", "c")]
    assert phase_names(plays) == ["base", "db"]


@pytest.mark.parametrize("entry", ["{name: a, hosts: all}", "{tags: [base], hosts: all}"])
def test_a_play_without_name_or_phase_is_refused(tmp_path: Path, entry: str) -> None:
    path = tmp_path / "site.yml"
    path.write_text(f"- {entry}\n")
    with pytest.raises(PlaybookUnreadable, match="needs a name and a phase as tag"):
        read_plays(path)

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from infra.provisioning.stack_events import RunEvents
from infra.provisioning.stack_record import StackRecord, StackRecords, digest_of, digest_of_files
from infra.provisioning.stack_result import ServerResult, StackFailure, StackResult, StacksFailed, Step

URN = "urn:pulumi:lab-sotp::landing_zone::openstack:compute/instance:Instance::web"
SERVER = ServerResult("web", "id", "10.64.3.5", "172.30.2.60", "2026-11-23T10:00:00+00:00", 7.5)


def make_event(**parts: Any) -> Any:
    kinds = ("resource_pre_event", "res_outputs_event", "diagnostic_event", "summary_event")
    return SimpleNamespace(**{kind: parts.get(kind) for kind in kinds})


def make_metadata(op: str, urn: str = URN, **state: Any) -> Any:
    kind = urn.split("::")[2]
    new = SimpleNamespace(outputs=state.get("outputs", {}))
    return SimpleNamespace(metadata=SimpleNamespace(op=op, urn=urn, type=kind, new=new, old=None, diffs=None))


def test_a_step_has_the_seconds_between_request_and_answer() -> None:
    now = iter([100.0, 107.5])
    steps: list[Step] = []
    events = RunEvents(steps.append, clock=lambda: next(now))
    events(make_event(resource_pre_event=make_metadata("create")))
    events(make_event(res_outputs_event=make_metadata("create")))
    assert [(step.op, step.name, step.seconds) for step in steps] == [("create", "web", 7.5)]
    assert events.created[URN] == (100.0, 7.5)


def test_what_stays_the_same_is_no_step() -> None:
    steps: list[Step] = []
    events = RunEvents(steps.append)
    events(make_event(resource_pre_event=make_metadata("same")))
    events(make_event(res_outputs_event=make_metadata("same")))
    assert not steps


def test_a_reason_is_told_once_without_colours_and_without_the_engines_last_words() -> None:
    events = RunEvents(lambda step: None)
    for message in ("<{%reset%}>1 error occurred:\n\t* no quota\n<{%reset%}>", "no quota", "update failed"):
        events(make_event(diagnostic_event=SimpleNamespace(severity="error", message=message, urn="")))
    assert events.reason("?") == "no quota"
    assert RunEvents(lambda step: None).reason("last words") == "last words"


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    records = StackRecords(tmp_path / "records")
    assert records.find("lab") is None
    record = StackRecord("inputs", "state", {"a": 1}, (SERVER,))
    records.write("lab", record)
    assert records.find("lab") == record
    records.forget("lab")
    assert records.find("lab") is None


def test_a_run_that_is_cut_off_is_never_taken_for_done_but_the_servers_times_stay(tmp_path: Path) -> None:
    records = StackRecords(tmp_path)
    records.write("lab", StackRecord("inputs", "state", {}, (SERVER,)))
    records.invalidate("lab")
    left = records.find("lab")
    assert left is not None
    assert (left.inputs_digest, left.servers) == ("", (SERVER,))


def test_a_broken_record_is_none(tmp_path: Path) -> None:
    (tmp_path / "lab.json").write_text("{", encoding="utf-8")
    assert StackRecords(tmp_path).find("lab") is None


def test_digests_tell_contents_apart(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    absent = digest_of_files([file])
    file.write_text("1", encoding="utf-8")
    assert absent != digest_of_files([file])
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1}) != digest_of({"a": 1})


def test_only_real_changes_count() -> None:
    result = StackResult("lab", "", "up", {"same": 9, "create": 2, "delete": 1, "discard": 1}, 1.0)
    assert result.changed == 3


def test_failures_are_all_listed() -> None:
    failed = StacksFailed([StackFailure("lab-a", "a", "no quota"), StackFailure("lab-b", "b", "no host")], [])
    assert "2 of 2 stacks failed" in str(failed)
    assert "lab-a: no quota" in str(failed)

"""The monitor remembers what a program asks for. It is called here as its server would call it: no socket."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import engine_pb2, resource_pb2

from infra.domain.plan import UNKNOWN
from infra.provisioning.program_reading import _Log, _Monitor
from infra.provisioning.stack_state import HIDDEN
from tests.unit.domain.plan_sample import INSTANCE

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "hunter2"}
PLATFORM = {"roles": {"member": "r-1"}, "password": HIDDEN, "flavors": [HIDDEN, "f-1"]}


@pytest.fixture
def monitor() -> _Monitor:
    return _Monitor("landing_zone", "lab-sxd", lambda name: PLATFORM if name == "platform" else {})


def make_request(kind: str = INSTANCE, name: str = "web", *, custom: bool = True, **inputs: Any) -> Any:
    told = struct_pb2.Struct()
    told.update(inputs)
    return resource_pb2.RegisterResourceRequest(type=kind, name=name, custom=custom, object=told)


def test_what_a_program_asks_for_is_remembered_in_its_order(monitor: _Monitor) -> None:
    for name in ("web", "db"):
        answer = monitor.RegisterResource(make_request(name=name, flavorId="f", count=2), None)
        assert answer.urn == f"urn:pulumi:lab-sxd::landing_zone::{INSTANCE}::{name}"
        assert answer.id == ""  # nothing is made, so no id is known
    assert [one.name for one in monitor.wanted] == ["web", "db"]
    assert monitor.wanted[0].inputs == {"flavorId": "f", "count": 2}


@pytest.mark.parametrize(
    ("kind", "custom"),
    [("pulumi:pulumi:Stack", False), ("pulumi:providers:openstack", True), ("city:zone:Zone", False)],
)
def test_what_is_nothing_in_the_cloud_is_not_wanted(monitor: _Monitor, kind: str, custom: bool) -> None:
    monitor.RegisterResource(make_request(kind, custom=custom), None)
    assert monitor.wanted == []


def test_no_secret_of_a_program_is_remembered(monitor: _Monitor) -> None:
    monitor.RegisterResource(make_request(password=SECRET, deep=[{"key": SECRET}]), None)
    assert monitor.wanted[0].inputs == {"password": "[secret]", "deep": [{"key": "[secret]"}]}


def test_another_stack_s_outputs_are_given_and_its_secrets_are_not_known(monitor: _Monitor) -> None:
    request = resource_pb2.ReadResourceRequest(type="pulumi:pulumi:StackReference", name="p", id="platform")
    told = json_format.MessageToDict(monitor.ReadResource(request, None).properties)
    assert told["outputs"] == {"roles": {"member": "r-1"}, "password": UNKNOWN, "flavors": [UNKNOWN, "f-1"]}


def test_what_is_looked_up_in_the_cloud_has_no_values_here(monitor: _Monitor) -> None:
    request = resource_pb2.ReadResourceRequest(type=INSTANCE, name="web", id="s-1")
    assert json_format.MessageToDict(monitor.ReadResource(request, None).properties) == {}


@pytest.mark.parametrize(
    ("severity", "message", "errors"),
    [
        (engine_pb2.ERROR, "the flavor\n  is missing", ["the flavor is missing"]),
        (engine_pb2.ERROR, "Traceback (most recent call last)", []),
        (engine_pb2.INFO, "a word in passing", []),
    ],
)
def test_a_program_s_errors_are_kept_in_one_line(severity: Any, message: str, errors: list[str]) -> None:
    log = _Log()
    log.Log(engine_pb2.LogRequest(severity=severity, message=message), None)
    assert log.errors == errors

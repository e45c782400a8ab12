"""How an engine's events, a state and a program become steps."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.provisioning.plan import PlannedSteps, steps_of_destroy, steps_of_new
from infra.provisioning.stack_state import StateResource
from tests.unit.domain.plan_sample import INSTANCE, VOLUME, make_wanted, urn_of

MARK = "4dabf18193072939515e22adb298388d"
SECRET = {MARK: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "hunter2"}
OLD, NEW = {"name": "a", "__defaults": []}, {"name": "b", "__defaults": ["x"]}


def make_event(op: str, name: str = "web", kind: str = INSTANCE, **given: Any) -> Any:
    def state(inputs: Any, identity: str = "") -> Any:
        return None if inputs is None else SimpleNamespace(inputs=inputs, id=identity)

    told = SimpleNamespace(
        op=op, urn=urn_of(kind, name), type=kind, old=state(given.get("old"), f"{name}-id"),
        new=state(given.get("new")), keys=given.get("keys"), diffs=given.get("diffs"),
        detailed_diff=given.get("detailed"),
    )  # fmt: skip
    return SimpleNamespace(resource_pre_event=SimpleNamespace(metadata=told))


def planned(*events: Any) -> PlannedSteps:
    steps = PlannedSteps()
    for event in events:
        steps(event)
    return steps


@pytest.mark.parametrize("op", ["create", "update", "delete", "import"])
def test_a_change_is_a_step_with_what_was_and_what_will_be(op: str) -> None:
    (step,) = planned(make_event(op, old=OLD, new=NEW, diffs=["name"])).steps()
    assert (step.op, step.name, step.type, step.id) == (op, "web", INSTANCE, "web-id")
    assert step.before == {"name": "a"}
    assert step.after == ({} if op == "delete" else {"name": "b"})
    assert step.properties == ("name",)


@pytest.mark.parametrize(
    "op", ["same", "read", "refresh", "read-replacement", "read-discard", "discard-replaced"]
)
def test_what_changes_nothing_is_no_step(op: str) -> None:
    assert planned(make_event(op, old=OLD, new=OLD)).steps() == ()


@given(st.permutations(["create-replacement", "replace", "delete-replaced"]))
def test_a_replacement_is_one_step_in_whatever_order_its_events_come(order: list[str]) -> None:
    events = {
        "create-replacement": make_event("create-replacement", old=OLD, new=NEW, keys=["name"]),
        "replace": make_event("replace", old=OLD, new=NEW, keys=["name"]),
        "delete-replaced": make_event("delete-replaced", old=OLD),
    }
    (step,) = planned(*(events[op] for op in order)).steps()
    assert (step.op, step.id, step.properties) == ("replace", "web-id", ("name",))
    assert (step.before, step.after) == ({"name": "a"}, {"name": "b"})


def test_an_import_that_takes_the_place_of_another_thing_is_a_replacement() -> None:
    events = make_event("import-replacement", new=NEW), make_event("delete-replaced", old=OLD)
    (step,) = planned(*events).steps()
    assert step.ends_it


def test_what_makes_a_replacement_necessary_is_named_before_what_only_differs() -> None:
    diff = {
        "imageId": SimpleNamespace(diff_kind=SimpleNamespace(value="update-replace")),
        "name": SimpleNamespace(diff_kind=SimpleNamespace(value="update")),
    }
    (step,) = planned(make_event("replace", old=OLD, new=NEW, detailed=diff, diffs=["name"])).steps()
    assert step.properties == ("imageId",)


def test_steps_do_not_depend_on_the_engine_s_threads() -> None:
    events = [make_event("create", name, new=NEW) for name in "cab"]
    assert planned(*events).steps() == planned(*events[::-1]).steps()


def test_fresh_imports_are_marked() -> None:
    steps = planned(make_event("delete", "a", old=OLD), make_event("delete", "b", old=OLD))
    assert [one.imported for one in steps.steps([urn_of(INSTANCE, "b")])] == [False, True]


def test_everything_that_the_program_asks_for_is_wanted_also_what_stays() -> None:
    steps = planned(
        make_event("same", "a", old=OLD, new=OLD), make_event("create", "b", new=NEW),
        make_event("delete", "c", old=OLD), make_event("read", "d", new=NEW),
    )  # fmt: skip
    assert [(one.name, one.inputs) for one in steps.wanted()] == [("a", {"name": "a"}), ("b", {"name": "b"})]


def test_the_stack_itself_and_other_events_are_no_steps() -> None:
    stack = make_event("create", "lab", "pulumi:pulumi:Stack", new={})
    steps = planned(stack, SimpleNamespace(resource_pre_event=None))
    assert (steps.steps(), steps.wanted()) == ((), ())


@pytest.mark.parametrize("op", ["update", "delete", "replace"])
def test_no_secret_of_an_event_gets_into_a_step(op: str) -> None:
    inputs = {"password": SECRET, "deep": [{"key": SECRET}], "shown": "[secret]"}
    steps = planned(make_event(op, old=inputs, new=inputs, diffs=["password"]))
    assert "hunter2" not in repr((steps.steps(), steps.wanted()))
    assert steps.steps()[0].before["password"] == "[secret]"
    assert steps.steps()[0].properties == ("password",)


def make_resource(name: str = "data", kind: str = VOLUME, **given: Any) -> StateResource:
    told = {"id": f"{name}-id", "inputs": {"size": 1}, "outputs": {}, **given}
    return StateResource(urn_of(kind, name), kind, name, **told)


def test_a_destroy_deletes_all_that_the_stack_made_and_nothing_that_it_only_looked_up() -> None:
    steps = steps_of_destroy(
        [
            make_resource("b"), make_resource("a", imported=True), make_resource("c", external=True),
            make_resource("d", id=""), make_resource("e", "pulumi:providers:openstack"),
        ]
    )  # fmt: skip
    assert [(one.op, one.name, one.id, one.imported) for one in steps] == [
        ("delete", "a", "a-id", True), ("delete", "b", "b-id", False),
    ]  # fmt: skip
    assert steps[0].before == {"size": 1}


def test_a_new_stack_creates_all_that_its_program_asks_for() -> None:
    steps = steps_of_new([make_wanted(VOLUME, "b", size=2), make_wanted(VOLUME, "a", size=1)])
    assert [(one.op, one.name, one.id, one.after) for one in steps] == [
        ("create", "a", "", {"size": 1}), ("create", "b", "", {"size": 2}),
    ]  # fmt: skip

"""A plan's digest names exactly what would be done; secrets are never part of a plan."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.domain.plan import Finding, Plan, PlannedStep, concealed, digest_of_plans, finding

from .plan_sample import INSTANCE, VOLUME, make_plan, make_step, make_wanted

STEP = make_step("update", INSTANCE, before={"name": "a", "flavorId": "1"}, after={"name": "b"})
PLAN = make_plan(STEP, make_step("delete", VOLUME, "data"))
FOUND = finding(PLAN, PLAN.steps[1], "delete_loses", "lost", "confirm")
DIGEST = digest_of_plans("lab", "zone up", [PLAN], [FOUND])


def digest(*plans: Plan, site: str = "lab", operation: str = "zone up", found: Any = (FOUND,)) -> str:
    return digest_of_plans(site, operation, plans, found)


@given(st.permutations(range(4)), st.permutations(range(3)), st.permutations(range(3)))
def test_the_order_of_stacks_steps_and_findings_does_not_matter(
    stacks: list[int], steps: list[int], findings: list[int]
) -> None:
    made = [make_step("delete", VOLUME, f"v{number}") for number in range(3)]
    told = [finding(PLAN, step, "delete_loses", "lost", "confirm") for step in made]
    plans = [make_plan(*made, stack=f"lab-{number}") for number in range(4)]
    shuffled = [replace(plans[one], steps=tuple(made[step] for step in steps)) for one in stacks]
    assert digest(*plans, found=told) == digest(*shuffled, found=[told[one] for one in findings])


def test_the_order_of_properties_in_a_state_does_not_matter() -> None:
    turned = replace(STEP, before={"flavorId": "1", "name": "a"})
    assert digest(replace(PLAN, steps=(turned, PLAN.steps[1]))) == DIGEST


@pytest.mark.parametrize(
    "change",
    [
        {"op": "replace"},
        {"id": "another"},
        {"urn": "urn:pulumi:lab-sxd::landing_zone::x::y"},
        {"imported": True},
        {"properties": ("name",)},
        {"before": {"name": "a", "flavorId": "2"}},
        {"before": {"name": "a"}},
        {"after": {"name": "c"}},
        {"after": {"name": "b", "flavorId": "2"}},
        {"after": {"name": "b", "metadata": {"a": {"b": 1}}}},
    ],
)
def test_a_step_that_differs_in_anything_is_another_plan(change: dict[str, Any]) -> None:
    changed = replace(PLAN, steps=(replace(STEP, **change), PLAN.steps[1]))
    assert digest(changed) != DIGEST


@pytest.mark.parametrize(
    "other",
    [
        digest(PLAN, site="production"),
        digest(PLAN, operation="zone destroy"),
        digest(replace(PLAN, stack="lab-stc")),
        digest(replace(PLAN, steps=PLAN.steps[:1])),
        digest(replace(PLAN, steps=(*PLAN.steps, make_step("create", VOLUME, "new")))),
        digest(PLAN, replace(PLAN, stack="lab-stc")),
        digest(PLAN, found=()),
        digest(PLAN, found=(replace(FOUND, reason="another"),)),
        digest(PLAN, found=(replace(FOUND, things=("server s-1",)),)),
        digest(PLAN, found=(FOUND, FOUND)),
    ],
)
def test_a_plan_that_differs_in_a_step_a_place_or_a_danger_has_another_digest(other: str) -> None:
    assert other != DIGEST


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(values, values)
def test_two_values_have_one_digest_exactly_when_they_are_the_same(one: Any, other: Any) -> None:
    def of(value: Any) -> str:
        return digest(make_plan(make_step("create", VOLUME, after={"value": value})))

    assert (of(one) == of(other)) is (json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True))


def test_what_stays_as_it_was_is_not_part_of_a_digest() -> None:
    both = {"size": 1}
    changed = replace(STEP, before={**STEP.before, **both}, after={**STEP.after, **both})
    assert digest(replace(PLAN, steps=(changed, PLAN.steps[1]))) == DIGEST
    assert digest(replace(PLAN, wanted=(make_wanted(VOLUME),))) == DIGEST


def test_a_digest_is_64_hex_digits() -> None:
    assert len(DIGEST) == 64
    assert int(DIGEST, 16)


class Secret:
    """Stands for whatever marks a secret in a state; its text must never be seen."""

    def __repr__(self) -> str:
        return "hunter2"


@given(values)
def test_plain_values_are_shown_as_they_are(value: Any) -> None:
    assert concealed(value) == value


def test_a_secret_is_hidden_however_deep_it_lies() -> None:
    told = concealed({"a": Secret(), "b": [{"c": (Secret(), 1)}], "d": b"hunter2", 5: None})
    assert told == {"a": "[secret]", "b": [{"c": ["[secret]", 1]}], "d": "[secret]", "5": None}
    assert "hunter2" not in json.dumps(told)


@pytest.mark.parametrize(
    ("op", "ends"),
    [("delete", True), ("replace", True), ("create", False), ("update", False), ("import", False)],
)
def test_what_is_there_now_ends_with_a_delete_or_a_replacement(op: str, ends: bool) -> None:
    assert PlannedStep("urn", op, VOLUME, "data").ends_it is ends


def test_a_finding_is_one_sentence_with_place_reason_and_way_out() -> None:
    assert str(FOUND) == "lab-sxd: delete Volume data: lost; confirm"
    assert isinstance(FOUND, Finding)
    assert FOUND.confirmable

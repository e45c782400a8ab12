from __future__ import annotations

import pytest

from infra.domain.offboarding import STEPS, OffboardingOver, Step, Waiver, after, parse_waiver


def test_the_steps_follow_each_other_to_the_record() -> None:
    walked: list[Step] = []
    step: Step | None = STEPS[0]
    while step is not None:
        walked.append(step)
        step = after(step, "done")
    assert tuple(walked) == STEPS


def test_nothing_is_deleted_before_the_export_was_read_back() -> None:
    assert after("check", "done") == "delete"
    assert [step for step in STEPS if step != "proof" and after(step, "done") == "delete"] == ["check"]


@pytest.mark.parametrize("step", ["confirmation", "close", "export", "freeze"])
def test_what_changed_since_the_inventory_leads_back_to_it(step: Step) -> None:
    assert after(step, "changed") == "inventory"


def test_what_is_left_at_the_proof_leads_back_to_the_deletion() -> None:
    assert after("proof", "changed") == "delete"


@pytest.mark.parametrize("step", STEPS)
def test_it_can_be_called_off_until_the_deletion_begins(step: Step) -> None:
    if STEPS.index(step) < STEPS.index("delete"):
        assert after(step, "thawed") is None
    else:
        with pytest.raises(OffboardingOver, match="finish it"):
            after(step, "thawed")


def test_a_waiver_has_a_thing_and_a_reason() -> None:
    assert parse_waiver("web = it = old") == Waiver("web", "it = old")
    for wrong in ("web", "web=", "=why", " = "):
        with pytest.raises(ValueError, match="with a reason"):
            parse_waiver(wrong)

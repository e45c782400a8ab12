"""The guard looks at all plans of a command before any of it is run, and tells everything at once."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.domain.danger import CloudFacts, Held, dangers
from infra.domain.plan import Finding, Plan
from infra.domain.policy import Policies
from infra.provisioning import guard as guarding
from infra.provisioning.confirmation import Confirmations, PlanRefused
from infra.provisioning.guard import Guard, must_not_exceed
from tests.unit.domain.plan_sample import (
    COMPUTE_QUOTA,
    GROUP,
    INSTANCE,
    NETWORK,
    PROJECT,
    ROUTER,
    RULE,
    SSH,
    VOLUME,
    make_plan,
    make_step,
    make_wanted,
)
from tests.unit.provisioning.team import Clock, Desk, make_signer

TODAY = dt.date(2026, 11, 26)
HARMLESS = make_plan(make_step("create", INSTANCE), make_step("update", NETWORK), make_step("delete", GROUP))
DANGEROUS = make_plan(make_step("delete", INSTANCE, "web"), make_step("replace", VOLUME, "data"))
FORBIDDEN = make_plan(wanted=(make_wanted(RULE, "ssh", **{**SSH, "remoteIpPrefix": "0.0.0.0/0"}),))
USER = "openstack:identity/user:User"


def no_cloud() -> Any:
    raise AssertionError("the cloud is not to be asked")


def make_guard(confirmations: Confirmations, cloud: Any = no_cloud) -> Guard:
    return Guard("lab", Policies(), confirmations, cloud, lambda: TODAY)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "plans", (), Clock())


@pytest.fixture
def guard(desk: Desk) -> Guard:
    return make_guard(desk.confirmations())


def refusal_of(guard: Guard, *plans: Plan, operation: str = "zone up") -> PlanRefused:
    with pytest.raises(PlanRefused, match="this plan is refused") as refused:
        guard.admit(operation, plans)
    return refused.value


def test_everyday_plans_run_and_leave_nothing_behind(guard: Guard, desk: Desk) -> None:
    guard.admit("zone up", [HARMLESS, replace(HARMLESS, stack="lab-stc"), make_plan()])
    assert not desk.folder.exists()


def test_every_danger_of_every_stack_is_told_at_once_and_the_plan_waits(guard: Guard, desk: Desk) -> None:
    refused = refusal_of(guard, HARMLESS, DANGEROUS, replace(DANGEROUS, stack="lab-stc"))
    lines = str(refused).splitlines()
    assert [line.partition(":")[0] for line in lines[1:5]] == ["  lab-sxd"] * 2 + ["  lab-stc"] * 2
    assert lines[-1].startswith("nothing was changed; this needs two operators")
    assert [one.name for one in refused.findings] == ["web", "data"] * 2
    ((plan, _),) = desk.confirmations().plans()
    assert plan.digest == refused.digest
    assert list(plan.lines) == [line.strip() for line in lines[1:5]]
    assert len(plan.detail["steps"]) == 7


def test_what_breaks_a_policy_is_told_with_the_dangers_and_waits_for_nobody(guard: Guard, desk: Desk) -> None:
    refused = refusal_of(guard, DANGEROUS, FORBIDDEN)
    assert [one.confirmable for one in refused.findings] == [True, True, False]
    assert "1 of these break a policy, so nobody can confirm them" in str(refused)
    assert refused.digest == ""
    assert not desk.folder.exists()


def test_a_plan_is_admitted_once_after_a_second_person_and_never_a_changed_one(tmp_path: Path) -> None:
    an, binh = make_signer(tmp_path, "an"), make_signer(tmp_path, "binh")
    desk = Desk(tmp_path / "plans", (an.operator, binh.operator), Clock())
    guard = make_guard(desk.confirmations(an))
    first = refusal_of(guard, DANGEROUS, HARMLESS)
    desk.confirmations().confirm(first.digest, binh)

    more = replace(DANGEROUS, steps=(*DANGEROUS.steps, make_step("create", NETWORK, "new")))
    other = replace(DANGEROUS, steps=(make_step("delete", INSTANCE, "web", id="other"), DANGEROUS.steps[1]))
    for plans in ((more, HARMLESS), (other, HARMLESS), (DANGEROUS,)):
        assert refusal_of(guard, *plans).digest != first.digest
    assert refusal_of(guard, DANGEROUS, HARMLESS, operation="zone destroy").digest != first.digest

    guard.admit("zone up", [HARMLESS, replace(DANGEROUS, steps=DANGEROUS.steps[::-1])])
    assert refusal_of(guard, DANGEROUS, HARMLESS).digest == first.digest


def test_the_cloud_is_asked_what_is_in_a_project_that_ends_and_what_is_used_of_a_limit(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def contents(cloud: Any, projects: Any) -> dict[str, tuple[Held, ...]]:
        asked.append((cloud, projects))
        return {"p": (Held("server", "s-1", "web"),)}

    def usage(cloud: Any, limits: Any) -> dict[tuple[str, str], dict[str, int]]:
        asked.append((cloud, limits))
        return {("compute", "q"): {"cores": 8}}

    monkeypatch.setattr(guarding, "contents", contents)
    monkeypatch.setattr(guarding, "usage", usage)
    lower = {"before": {"projectId": "q", "cores": 9}, "after": {"projectId": "q", "cores": 4}}
    plan = make_plan(make_step("delete", PROJECT, id="p"), make_step("update", COMPUTE_QUOTA, **lower))
    found = make_guard(desk.confirmations(), lambda: "the cloud").findings([plan])
    assert asked == [("the cloud", {"p"}), ("the cloud", {("compute", "q")})]
    assert [one.rule for one in found] == ["delete_loses", "project_not_empty", "quota_below_use"]


SECRET = "hunter2-very-secret"


@given(st.sampled_from(["delete", "replace", "update"]), st.booleans(), st.text("abc", min_size=1))
def test_no_value_of_a_resource_stands_in_a_plan_that_waits(
    tmp_path_factory: pytest.TempPathFactory, op: str, imported: bool, name: str
) -> None:
    """Even one that nobody marked as a secret: names of properties are enough for a second person."""
    inputs = {"name": name, "password": SECRET, "userData": {"deep": [SECRET]}, "enabled": True}
    after = {**inputs, "password": f"new {SECRET}", "enabled": False}
    step = make_step(
        op, USER, "chief", before=inputs, after=after, properties=("password",), imported=imported
    )
    desk = Desk(tmp_path_factory.mktemp("plans"), (), Clock())
    refused = refusal_of(make_guard(desk.confirmations()), make_plan(step))
    (file,) = desk.folder.glob("*.json")
    kept = file.read_text(encoding="utf-8")
    assert SECRET not in kept + str(refused) + repr(refused.findings)
    assert json.loads(kept)["detail"]["steps"][0]["properties"] == ["password"]


# A run that comes to something that its plan had not


class Looking:
    """An admission that only tells what it finds."""

    def __init__(self, facts: CloudFacts | None = None) -> None:
        self.facts = facts or CloudFacts()

    def findings(self, plans: Any) -> list[Finding]:
        return [found for plan in plans for found in dangers(plan, self.facts)]

    def admit(self, operation: str, plans: Any) -> None:
        raise AssertionError("nobody is asked again")


def test_the_rest_of_an_admitted_plan_goes_on() -> None:
    must_not_exceed(Looking(), DANGEROUS, replace(DANGEROUS, steps=DANGEROUS.steps[1:]))
    must_not_exceed(Looking(), make_plan(), HARMLESS)


@pytest.mark.parametrize(
    "rest",
    [
        make_step("delete", ROUTER, "web"),
        make_step("replace", INSTANCE, "web"),
        make_step("delete", INSTANCE, "web", imported=True),
    ],
)
def test_a_danger_that_the_admitted_plan_had_not_stops_the_run(rest: Any) -> None:
    with pytest.raises(PlanRefused, match="run it again to see them all") as refused:
        must_not_exceed(Looking(), DANGEROUS, make_plan(rest))
    assert len(refused.value.findings) == 1


def test_another_limit_or_switch_of_the_same_thing_stops_the_run_too() -> None:
    usage = CloudFacts(usage={("compute", "p"): {"cores": 8, "ram": 8}})
    before = {"projectId": "p", "cores": 9, "ram": 9}
    lower = make_plan(make_step("update", COMPUTE_QUOTA, before=before, after={**before, "cores": 1}))
    lower_still = make_plan(make_step("update", COMPUTE_QUOTA, before=before, after={"cores": 1, "ram": 1}))
    must_not_exceed(Looking(usage), lower, lower)
    with pytest.raises(PlanRefused, match="ram would be limited to 1"):
        must_not_exceed(Looking(usage), lower, lower_still)
    off = make_plan(make_step("update", ROUTER, after={"adminStateUp": False}))
    with pytest.raises(PlanRefused, match="enableSnat would go from True to False"):
        must_not_exceed(Looking(), off, make_plan(make_step("update", ROUTER, after={"enableSnat": False})))

"""The ladder at the end of a deployment: whatever days a worker misses, nothing is skipped, doubled or
lost."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.domain.deployment import Deployment, DeploymentState, Ladder, StepKind, curtailed

END = dt.date(2027, 1, 31)
LADDER = Ladder()


def make_deployment(**changes: object) -> Deployment:
    made = Deployment(
        "d", "web", "sotc", "an", "r", "web-server", "web-server/1", {}, DeploymentState.ACTIVE, 1,
        dt.datetime(2026, 2, 1, tzinfo=dt.UTC), expires=END,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def take(one: Deployment, today: dt.date) -> tuple[Deployment, list[StepKind]]:
    """All steps that are due on a day."""
    taken = []
    while (step := LADDER.due(one, today)) is not None:
        taken.append(step.kind)
        if step.kind == StepKind.NOTICE:
            one = replace(one, noticed=step.threshold, noticed_on=today)
        elif step.kind == StepKind.SUSPEND:
            one = replace(one, state=DeploymentState.SUSPENDED, suspended_on=today)
        elif step.kind == StepKind.ARCHIVE:
            one = replace(one, archived=today)
        else:
            one = replace(one, state=DeploymentState.RETIRING)
    return one, taken


@settings(max_examples=500)
@given(st.sets(st.integers(-60, 400), min_size=1))
def test_whatever_days_are_missed_steps_come_in_order_each_once_and_never_early(days: set[int]) -> None:
    one, walked = make_deployment(), []
    for day in sorted(days):
        one, taken = take(one, END + dt.timedelta(days=day))
        walked += [(day, kind) for kind in taken]
    kinds = [kind for _, kind in walked]
    when = {kind: day for day, kind in walked}
    assert kinds == sorted(kinds, key=list(StepKind).index)
    assert all(kinds.count(kind) <= 1 for kind in StepKind if kind != StepKind.NOTICE)
    assert kinds.count(StepKind.NOTICE) <= len(LADDER.notices)
    if StepKind.SUSPEND in when:
        last = max(day for day, kind in walked if kind == StepKind.NOTICE)
        assert when[StepKind.SUSPEND] > 0
        assert last < when[StepKind.SUSPEND]
    if StepKind.ARCHIVE in when:
        assert when[StepKind.ARCHIVE] >= when[StepKind.SUSPEND] + LADDER.archive_after
    if StepKind.RETIRE in when:
        assert when[StepKind.RETIRE] >= when[StepKind.ARCHIVE] + LADDER.delete_after


@given(st.sets(st.integers(-60, 1000), min_size=1))
def test_a_legal_hold_lets_nothing_be_archived_or_deleted(days: set[int]) -> None:
    one = make_deployment(legal_hold=True)
    for day in sorted(days):
        one, taken = take(one, END + dt.timedelta(days=day))
        assert not {StepKind.ARCHIVE, StepKind.RETIRE} & set(taken)


def test_only_the_closest_notice_of_those_that_were_missed_is_given() -> None:
    one, taken = take(make_deployment(), END - dt.timedelta(days=5))
    assert (taken, one.noticed) == ([StepKind.NOTICE], 7)


def test_what_has_no_end_and_what_is_not_in_use_has_no_ladder() -> None:
    assert LADDER.due(make_deployment(expires=None), END) is None
    for state in set(DeploymentState) - {DeploymentState.ACTIVE, DeploymentState.SUSPENDED}:
        assert LADDER.due(make_deployment(state=state), END + dt.timedelta(days=9)) is None


TODAY = dt.date(2026, 11, 27)
SOON = dt.date(2026, 12, 4)


@pytest.mark.parametrize("state", DeploymentState)
@pytest.mark.parametrize("hold", [False, True])
@pytest.mark.parametrize(
    ("expires", "shortened"),
    [(None, True), (END, True), (SOON + dt.timedelta(days=1), True), (SOON, False), (TODAY, False)],
)
def test_what_an_unjustified_emergency_made_ends_in_a_week_unless_it_is_held_or_ends_anyway(
    state: DeploymentState, hold: bool, expires: dt.date | None, shortened: bool
) -> None:
    one = make_deployment(state=state, legal_hold=hold, expires=expires)
    living = state in (DeploymentState.PROVISIONING, DeploymentState.ACTIVE)
    assert curtailed(one, TODAY) == (SOON if living and shortened and not hold else None)

"""The two state machines, as tables and as walks over them."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.domain import deployment, request
from infra.domain.deployment import DeploymentEvent, DeploymentRefused, DeploymentState
from infra.domain.quota import Quota
from infra.domain.request import (
    HOLDS_QUOTA,
    RequestEvent,
    RequestItem,
    RequestState,
    TransitionRefused,
)

ENDS = {RequestState.REJECTED, RequestState.WITHDRAWN, RequestState.FULFILLED}


@pytest.mark.parametrize(("state", "event"), list(product(RequestState, RequestEvent)))
def test_a_request_moves_by_the_table_or_says_what_its_state_allows(
    state: RequestState, event: RequestEvent
) -> None:
    if (state, event) in request.TRANSITIONS:
        assert request.next_state(state, event) == request.TRANSITIONS[state, event]
    else:
        with pytest.raises(TransitionRefused, match=f"that is {state} cannot {event}"):
            request.next_state(state, event)


@pytest.mark.parametrize(("state", "event"), list(product(DeploymentState, DeploymentEvent)))
def test_a_deployment_moves_by_the_table_or_says_what_its_state_allows(
    state: DeploymentState, event: DeploymentEvent
) -> None:
    if (state, event) in deployment.TRANSITIONS:
        assert deployment.next_state(state, event) == deployment.TRANSITIONS[state, event]
    else:
        with pytest.raises(DeploymentRefused, match=f"that is {state} cannot {event}"):
            deployment.next_state(state, event)


def test_every_state_is_reached_and_ends_have_no_way_out() -> None:
    assert {*request.TRANSITIONS.values()} == set(RequestState)
    assert {*deployment.TRANSITIONS.values()} == set(DeploymentState)
    assert set(RequestState) - {state for state, _ in request.TRANSITIONS} == ENDS
    assert set(DeploymentState) - {state for state, _ in deployment.TRANSITIONS} == {DeploymentState.RETIRED}


@given(st.lists(st.sampled_from(list(RequestEvent)), max_size=30))
def test_nothing_is_made_without_an_approval_after_the_last_handing_in(events: list[RequestEvent]) -> None:
    state, approved = RequestState.SUBMITTED, False
    for event in events:
        try:
            state = request.next_state(state, event)
        except TransitionRefused:
            continue
        if event == RequestEvent.RESUBMIT:
            approved = False
        approved = approved or event == RequestEvent.APPROVE
        if state in (RequestState.APPROVED, RequestState.FULFILLED, RequestState.FAILED):
            assert approved


def test_states_that_end_or_wait_for_the_requester_hold_no_quota() -> None:
    assert not HOLDS_QUOTA & {*ENDS, RequestState.RETURNED, RequestState.FAILED}


@given(st.integers(1, 9), st.integers(0, 9), st.integers(0, 9))
def test_the_units_of_an_item_are_together_what_it_takes(count: int, cores: int, ports: int) -> None:
    item = RequestItem("a", "a/1", count, {}, Quota(cores=cores, ports=ports))
    assert item.takes == Quota(cores=cores * count, ports=ports * count)

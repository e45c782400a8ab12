"""Every compute and block storage case against a cloud in memory, without a provider process: a quick look at
what the live matrix proves."""

from __future__ import annotations

from typing import Any

import pytest

from infra.cloud.waiting import Deadline
from infra.provider.registry import resource
from infra.provider.resource import Context
from tests.cloud.provider import blockstorage_cases, compute_cases
from tests.cloud.provider.case import Case, Ground, fake_ground


@pytest.fixture
def ground() -> Ground:
    return fake_ground()


def _differing(case: Case, state: dict[str, Any], inputs: dict[str, Any]) -> list[str]:
    return [item.name for item in resource(case.token).differences(state, inputs)]


@pytest.mark.parametrize(
    "case", [*blockstorage_cases.CASES, *compute_cases.CASES], ids=lambda case: case.name
)
def test_a_case_lives_through_create_read_import_update_and_delete(case: Case, ground: Ground) -> None:
    kind, told = resource(case.token), case.inputs(ground)
    context = Context(ground.cloud, Deadline(5, pause=lambda seconds: None), mark="pulumi:" + "c" * 24)
    inputs, failures = kind.check(told)
    assert not failures
    first, _ = kind.create(context, inputs)
    identity, state = kind.create(context, inputs)
    assert identity == first
    assert kind.read(context, identity, state) == state
    imported = kind.read(context, case.import_id(identity, state), {})
    assert imported is not None
    assert [name for name in _differing(case, imported, inputs) if name not in case.untold] == []
    written, failures = kind.check(kind.importable_inputs(imported))
    assert not failures
    assert _differing(case, imported, written) == []
    if case.update:
        inputs, failures = kind.check(case.update(ground, told))
        assert not failures
        changed = kind.differences(state, inputs)
        assert changed
        assert not [item.name for item in changed if item.replaces]
        state = kind.update(context, identity, state, inputs, {item.name for item in changed})
        assert _differing(case, state, inputs) == []
    if case.replace:
        replaced, failures = kind.check(case.replace(ground, told))
        assert not failures
        assert [item for item in kind.differences(state, replaced) if item.replaces]
    if case.by_hand:
        case.by_hand(ground, identity, state)
        found = kind.read(context, identity, state)
        assert found is not None
        assert _differing(case, found, inputs)
    kind.delete(context, identity, state)
    kind.delete(context, identity, state)
    assert kind.read(context, identity, state) is None

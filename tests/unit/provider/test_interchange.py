"""A state that one of the two providers has written is continued by the other."""

from __future__ import annotations

import asyncio
import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from pulumi.provider.experimental import provider as engine
from pulumi.provider.experimental.property_value import PropertyValue

from infra.provider import registry
from infra.provider.provider import OpenStackProvider
from infra.provider.values import plain_map, wire_map
from tests.unit.provider import official
from tests.unit.provider.official_states import EXAMPLES, Values

TIMEOUTS = {"e2bfb730-ecaa-11e6-8f88-34363bc7c4c0": {"create": 600000000000, "delete": 600000000000}}
RECORDED = json.loads(Path(__file__).with_name("incumbent_states.json").read_text(encoding="utf-8"))
"""What terraform-provider-openstack behind Pulumi's bridge wrote on a lab: see docs/interchange.md."""
CASES = [
    *(pytest.param(*one, id=one[0].rpartition(":")[2]) for one in EXAMPLES if one[0] in registry.served()),
    *(pytest.param(one["token"], one["inputs"], one["state"], id=one["case"]) for one in RECORDED),
]


@pytest.fixture
def provider() -> OpenStackProvider:
    """One that has no cloud yet: a diff asks none."""
    return OpenStackProvider({}, lambda credentials: pytest.fail("a diff asked the cloud"))


def written(state: Values, token: str) -> dict[str, PropertyValue]:
    """A state as the bridge writes it: with its bookkeeping, and with what is secret marked as such."""
    meta = json.dumps({**TIMEOUTS, "schema_version": "0"})
    return {**wire_map(state, frozenset(official.secrets(token))), "__meta": PropertyValue(meta)}


def bridged(inputs: Values) -> dict[str, PropertyValue]:
    """Inputs as the bridge writes them: each object says which of its properties are defaults."""

    def noted(value: Any) -> Any:
        if isinstance(value, list):
            return [noted(one) for one in value]
        if isinstance(value, dict):
            return {**value, "__defaults": []}
        return value

    objects = {name: noted(value) for name, value in inputs.items()}
    return {**wire_map(objects), "__defaults": PropertyValue(())}


def ask(provider: OpenStackProvider, method: str, request: Any) -> Any:
    return asyncio.run(getattr(provider, method)(request))


def test_every_served_type_has_an_example() -> None:
    assert set(registry.served()) <= {token for token, _, _ in EXAMPLES}


@pytest.mark.parametrize(("token", "inputs", "state"), CASES)
def test_an_example_is_one_of_the_official_type(token: str, inputs: Values, state: Values) -> None:
    promise = official.resource(token)
    assert inputs.keys() <= promise.inputs.keys()
    assert state.keys() <= promise.inputs.keys() | promise.outputs.keys()


@pytest.mark.parametrize(("token", "inputs", "state"), CASES)
def test_a_state_of_the_official_provider_is_continued_without_a_change(
    token: str, inputs: Values, state: Values, provider: OpenStackProvider
) -> None:
    urn = f"urn:pulumi:lab::city::{token}::thing"
    checked = ask(provider, "check", engine.CheckRequest(urn, bridged(inputs), wire_map(inputs), b"seed1234"))
    assert [(one.property, one.reason) for one in checked.failures] == []
    request = engine.DiffRequest(urn, "id", written(state, token), dict(checked.inputs), [])
    answer = ask(provider, "diff", request)
    assert (answer.diffs, answer.replaces, answer.changes) == ([], [], False)


def test_a_bridges_bookkeeping_is_never_taken_for_a_property() -> None:
    told = bridged({"fixedIps": [{"subnetId": "s1"}], "name": "p"})
    assert plain_map(told) == {"fixedIps": [{"subnetId": "s1"}], "name": "p"}


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the package warns of its own deprecated parts when it is imported
    import pulumi_openstack  # noqa: F401

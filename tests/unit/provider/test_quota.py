"""Quotas: who lists them, who is gone, what import writes down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from infra.provider.registry import resource
from infra.provider.resource import Context, Resource
from tests.fakes.openstack import FakeOpenStack

Contexts = Callable[..., Context]
NOVA = "compute/quotaSetV2:QuotaSetV2"
NEUTRON = "networking/quotaV2:QuotaV2"
CINDER = "blockstorage/quoteSetV3:QuoteSetV3"


def kind(short: str) -> Resource:
    return resource(f"openstack:{short}")


def make(context: Context, short: str, **inputs: Any) -> tuple[str, dict[str, Any]]:
    checked, failures = kind(short).check(inputs)
    assert not failures
    return kind(short).create(context, checked)


@pytest.mark.parametrize("short", [NOVA, NEUTRON, CINDER])
def test_the_quota_of_a_project_that_is_gone_is_gone(
    context: Contexts, fake: FakeOpenStack, project: str, short: str
) -> None:
    identity, state = make(context(), short, projectId=project)
    del fake.kind("projects")[project]
    assert kind(short).read(context(), identity, state) is None
    kind(short).delete(context(), identity, state)


def test_neutrons_quotas_are_read_with_one_listing(context: Contexts, fake: FakeOpenStack) -> None:
    made = []
    for number in range(20):
        project = f"p{number}"
        fake.kind("projects")[project] = {"id": project, "name": project, "domain_id": "d"}
        made.append(make(context(), NEUTRON, projectId=project, port=number)[0])
    fake.calls.clear()
    read = [kind(NEUTRON).read(context(), identity, {}) for identity in made]
    assert [state["port"] for state in read if state] == [*range(20)]
    assert fake.called("GET", "quotas") == 3  # two singly, then the listing
    assert len(fake.calls) <= 8


def test_limits_that_nova_ignores_are_refused_with_where_to_set_them() -> None:
    _, failures = kind(NOVA).check({"projectId": "p", "floatingIps": 3})
    assert [path for path, _ in failures] == ["floatingIps"]
    assert "floatingip of an openstack:networking/quotaV2:QuotaV2" in failures[0][1]


def test_the_limits_of_injected_files_are_set(context: Contexts, fake: FakeOpenStack, project: str) -> None:
    _, state = make(context(), NOVA, projectId=project, injectedFiles=2, injectedFileContentBytes=99)
    assert (state["injectedFiles"], state["injectedFileContentBytes"]) == (2, 99)


def test_volume_types_without_a_limit_are_not_written_down_by_an_import(
    context: Contexts, project: str
) -> None:
    _, state = make(context(), CINDER, projectId=project, volumes=3)
    assert "volumeTypeQuota" not in kind(CINDER).importable_inputs(state)
    _, state = make(context(), CINDER, projectId=project, volumeTypeQuota={"volumes_lvm": 4})
    assert kind(CINDER).importable_inputs(state)["volumeTypeQuota"] == {"volumes_lvm": "4"}


def test_a_volume_types_limit_is_a_whole_number() -> None:
    _, failures = kind(CINDER).check(
        {"projectId": "p", "volumeTypeQuota": {"volumes_lvm": "many", "ok": "-1"}}
    )
    assert [path for path, _ in failures] == ["volumeTypeQuota"]
    assert "volumes_lvm" in failures[0][1]

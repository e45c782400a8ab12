"""A cloud in memory, and contexts to work with it."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest

from infra.cloud.waiting import Deadline
from infra.provider.resource import Context
from tests.fakes.openstack import FakeCloud, FakeOpenStack

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the package warns of its own deprecated parts when it is imported
    import pulumi_openstack  # noqa: F401


@pytest.fixture
def fake() -> FakeOpenStack:
    return FakeOpenStack()


@pytest.fixture
def cloud(fake: FakeOpenStack) -> FakeCloud:
    return FakeCloud(fake)


@pytest.fixture
def context(cloud: FakeCloud) -> Callable[..., Context]:
    """Contexts whose deadline is a clock that jumps a second at each pause."""

    def make(mark: str = "pulumi:" + "a" * 24, seconds: float = 5.0) -> Context:
        now = [0.0]

        def pause(wanted: float) -> None:
            now[0] += max(wanted, 1.0)

        return Context(cloud, Deadline(seconds, clock=lambda: now[0], pause=pause), mark)

    return make


@pytest.fixture
def project(fake: FakeOpenStack) -> str:
    fake.kind("projects")["agency"] = {
        "id": "agency",
        "name": "sotp",
        "domain_id": "d1",
        "enabled": True,
        "tags": [],
    }
    return "agency"

"""The exporters against a cloud over HTTP that fails, hangs and comes back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.cloud.api_status import ApiWatch
from infra.cloud.connection import Cloud, connect
from infra.cloud.credentials import Credentials
from infra.cloud.reading import CloudReading
from infra.cloud.server_status import read_server_statuses
from tests.monitoring.fake_cloud import FakeCloud, make_server, serve


@pytest.fixture
def fake() -> Iterator[FakeCloud]:
    cloud = FakeCloud(servers=[make_server("web", "sxd"), make_server("inside", "stc", address="")])
    server = serve(cloud)
    yield cloud
    server.shutdown()
    server.server_close()


@pytest.fixture
def cloud(fake: FakeCloud) -> Iterator[Cloud]:
    found = connect(
        Credentials(
            auth_url=f"{fake.address}/identity/v3",
            username="monitoring",
            password="x",
            project_name="service",
            user_domain_name="Default",
            project_domain_name="Default",
            region_name="hai-phong",
            interface="public",
        )
    )
    yield found
    found.sdk.close()


def test_servers_of_agencies_are_listed_with_what_may_be_expected_of_them(cloud: Cloud) -> None:
    found = {status.name: status.expected for status in read_server_statuses(CloudReading(cloud, 10.0))}
    assert found == {"web": True, "inside": False}


def test_each_api_is_asked_even_while_keystone_is_down(fake: FakeCloud, cloud: Cloud) -> None:
    watch = ApiWatch(cloud)
    assert {status.up for status in watch.read()} == {True}
    fake.failing = {"identity": 503, "compute": 502}
    down = {status.service for status in watch.read() if not status.up}
    assert down == {"identity", "compute"}


def test_keystone_that_was_never_up_is_down_not_unknown(fake: FakeCloud, cloud: Cloud) -> None:
    fake.failing = {"identity": 503}
    assert [(status.service, status.up) for status in ApiWatch(cloud).read()] == [("identity", False)]

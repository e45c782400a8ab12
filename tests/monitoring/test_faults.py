"""The exporters against a cloud over HTTP that fails, hangs and comes back."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.core import CollectorRegistry

from infra.cloud import errors
from infra.cloud.api_status import ApiWatch
from infra.cloud.connection import Cloud, connect
from infra.cloud.credentials import Credentials
from infra.cloud.reading import CloudReading
from infra.cloud.server_status import read_server_statuses
from infra.cloud.usage import read_usages
from monitoring.exporters import listening
from monitoring.exporters.capacity import Collectors, collectors_of, families
from monitoring.exporters.snapshot import Exposition
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


@pytest.fixture
def collectors(cloud: Cloud) -> Collectors:
    return collectors_of(cloud, 5.0, 5.0, 5.0)


def values(collectors: Collectors, name: str) -> dict[tuple[str, ...], float]:
    return {
        tuple(sample.labels.values()): sample.value
        for family in families(collectors)
        for sample in family.samples
        if sample.name == name
    }


def lap(collectors: Collectors) -> None:
    for collector in collectors.all:
        collector.lap()


def test_a_down_nova_compute_is_seen(fake: FakeCloud, collectors: Collectors) -> None:
    fake.hypervisors["hv2"] = False
    lap(collectors)
    assert values(collectors, "city_hypervisor_service_up") == {("hv1",): 1, ("hv2",): 0}
    assert values(collectors, "city_flavor_capacity_servers") == {("m1.small",): 9}


@pytest.mark.parametrize("service", ["identity", "compute", "placement", "network", "block-storage"])
def test_when_a_service_fails_every_family_keeps_its_last_good_samples(
    fake: FakeCloud, collectors: Collectors, service: str
) -> None:
    lap(collectors)
    before = {family.name: family.samples for family in families(collectors) if "exporter" not in family.name}
    fake.failing[service] = 503
    lap(collectors)
    after = {family.name: family.samples for family in families(collectors) if "exporter" not in family.name}
    assert after == before
    assert 0 in values(collectors, "city_exporter_collector_success").values()
    fake.failing.clear()
    lap(collectors)
    assert set(values(collectors, "city_exporter_collector_success").values()) == {1}


def test_a_cloud_that_was_never_up_shows_no_fact_and_says_so(fake: FakeCloud, collectors: Collectors) -> None:
    fake.failing = {"identity": 503}
    lap(collectors)
    assert values(collectors, "city_hypervisor_service_up") == {}
    assert set(values(collectors, "city_exporter_collector_last_success_timestamp_seconds").values()) == {0}


def test_a_lap_ends_in_time_when_the_cloud_hangs(fake: FakeCloud, cloud: Cloud) -> None:
    fake.slow["block-storage"] = 30.0
    began = time.monotonic()
    with pytest.raises((errors.Unavailable, errors.WaitedTooLong)):
        read_usages(CloudReading(cloud, 1.0))
    assert time.monotonic() - began < 5.0


def test_a_scrape_is_answered_at_once_while_the_cloud_hangs(fake: FakeCloud, collectors: Collectors) -> None:
    lap(collectors)
    fake.slow["compute"] = 30.0
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Exposition(lambda: families(collectors)))
    server = listening.serve("test", registry, "127.0.0.1", 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    calls = dict(fake.calls)
    with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/metrics", timeout=2) as reply:
        assert b"city_hypervisor_service_up" in reply.read()
    assert fake.calls == calls, "a scrape asked the cloud"
    server.shutdown()
    server.server_close()


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

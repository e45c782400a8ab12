"""The capacity exporter as Prometheus meets it, before a cloud that fails, hangs, refuses and comes back."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.cloud.connection import Cloud, connect
from infra.cloud.credentials import Credentials
from monitoring.exporters import listening
from monitoring.exporters.capacity import CapacityExporter, exporter_of
from monitoring.exporters.capacity_collectors import INTERVALS
from tests.monitoring.fake_cloud import FakeCloud, make_server, serve

ALWAYS_OLD = dict.fromkeys(INTERVALS, 0.001)


@pytest.fixture
def fake() -> Iterator[FakeCloud]:
    cloud = FakeCloud(servers=[make_server("web", "sxd"), make_server("inside", "stc", address="")])
    server = serve(cloud)
    yield cloud
    server.shutdown()
    server.server_close()


def cloud_at(url: str) -> Cloud:
    return connect(
        Credentials(
            auth_url=url, username="monitoring", password="x", project_name="service",
            user_domain_name="Default", project_domain_name="Default", region_name="hai-phong",
            interface="public",
        )
    )  # fmt: skip


@pytest.fixture
def cloud(fake: FakeCloud) -> Iterator[Cloud]:
    found = cloud_at(f"{fake.address}/identity/v3")
    yield found
    found.sdk.close()


class Scraped:
    """A running exporter and what it says."""

    def __init__(self, exporter: CapacityExporter) -> None:
        self.exporter = exporter
        self.server = listening.serve("test", listening.metrics(exporter.metrics), "127.0.0.1", 0)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def scrape(self, seconds: float = 60.0) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=90)
        with contextlib.closing(connection):
            connection.request(
                "GET", "/metrics", headers={"X-Prometheus-Scrape-Timeout-Seconds": str(seconds)}
            )
            reply = connection.getresponse()
            assert reply.status == 200
            return reply.read().decode()

    def values(self, name: str, seconds: float = 60.0) -> dict[str, float]:
        """Samples of a metric by their labels as they are written."""
        found = re.findall(rf"^{name}(\{{.*\}})? (\S+)$", self.scrape(seconds), re.M)
        return {labels: float(value) for labels, value in found}

    def success(self) -> dict[str, bool]:
        told = self.values("city_exporter_collector_success")
        return {labels.split('"')[1]: bool(value) for labels, value in told.items()}

    def wait_for(self, good: Callable[[], bool]) -> None:
        """Until slow laps have done what they must; the test run's own limit ends a wait that is in vain."""
        while not good():
            time.sleep(0.02)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def scraped(cloud: Cloud) -> Iterator[Scraped]:
    found = Scraped(exporter_of(cloud, ALWAYS_OLD, without=("quotas", "drift")))
    yield found
    found.close()


def facts(text: str) -> list[str]:
    return [line for line in text.splitlines() if not re.match("(# .* )?city_exporter_", line)]


def test_the_first_scrape_has_everything_but_what_is_read_in_its_own_time(scraped: Scraped) -> None:
    assert all(scraped.success().values())
    assert scraped.values("city_hypervisor_service_up") == {
        '{hypervisor="hv1"}': 1,
        '{hypervisor="hv2"}': 1,
    }
    assert scraped.values("city_flavor_capacity_servers") == {'{flavor="m1.small"}': 18}
    assert scraped.values("city_floating_ip_pool_addresses") == {'{network="internet",network_id="n1"}': 200}


def test_a_down_nova_compute_is_seen_and_its_room_is_none(fake: FakeCloud, scraped: Scraped) -> None:
    fake.hypervisors["hv2"] = False
    assert scraped.values("city_hypervisor_service_up")['{hypervisor="hv2"}'] == 0
    assert scraped.values("city_flavor_capacity_servers") == {'{flavor="m1.small"}': 9}
    assert scraped.values("city_largest_hypervisor_loss_absorbable") == {"": 0}


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("service", ["identity", "compute", "placement", "network", "block-storage", "image"])
def test_when_a_service_fails_every_family_keeps_its_last_good_samples(
    fake: FakeCloud, cloud: Cloud, scraped: Scraped, service: str, status: int
) -> None:
    before = facts(scraped.scrape())
    fake.failing[service] = status
    assert facts(scraped.scrape()) == before
    assert not all(scraped.success().values())
    fake.failing.clear()
    assert all(scraped.success().values())


def test_a_cloud_that_was_never_up_shows_no_fact_and_says_so(fake: FakeCloud, scraped: Scraped) -> None:
    fake.failing = {"identity": 503}
    assert not any(scraped.success().values())
    assert facts(scraped.scrape()) == []
    assert set(scraped.values("city_exporter_collector_last_success_timestamp_seconds").values()) == {0}


def test_an_address_that_does_not_resolve_is_trouble_of_every_collector_and_the_exporter_lives() -> None:
    nowhere = cloud_at("http://nowhere.invalid:5000/v3")
    found = Scraped(exporter_of(nowhere, ALWAYS_OLD))
    assert not any(found.success().values())
    assert any("unavailable" in labels for labels in found.values("city_exporter_collector_failures_total"))
    found.close()
    nowhere.sdk.close()


def test_what_may_not_be_read_is_one_collectors_failure_and_no_others(
    fake: FakeCloud, scraped: Scraped
) -> None:
    fake.failing = {"placement .*": 403, "compute /v2.1/os-services": 403}
    assert {name for name, good in scraped.success().items() if not good} == {"capacity", "services"}
    told = scraped.values("city_exporter_collector_failures_total")
    assert '{code="refused",collector="capacity"}' in told


def test_an_expired_token_is_replaced_without_a_failed_lap(fake: FakeCloud, scraped: Scraped) -> None:
    scraped.scrape()
    fake.token = "another"
    assert all(scraped.success().values())
    assert scraped.values("city_exporter_collector_failures_total") == {}


def test_at_the_deadline_the_last_good_facts_are_served_with_their_age(
    fake: FakeCloud, scraped: Scraped
) -> None:
    before = facts(scraped.scrape())
    fake.slow["placement"] = 3.0
    assert facts(scraped.scrape(seconds=1.0)) == before
    assert scraped.values("city_exporter_collector_age_seconds", 1.0)['{collector="capacity"}'] > 0.9


def test_before_the_first_facts_a_scrape_that_runs_out_of_time_is_not_empty(
    fake: FakeCloud, scraped: Scraped
) -> None:
    fake.slow["compute"] = 16.0
    text = scraped.scrape(seconds=12.0)
    assert 'city_exporter_collector_success{collector="capacity"} 0.0' in text
    assert "city_hypervisor_info" not in text
    assert "city_volumes{" in text


def test_two_scrapers_at_once_cost_the_cloud_what_one_does(fake: FakeCloud, cloud: Cloud) -> None:
    def calls(scrapers: int) -> dict[str, int]:
        found = Scraped(exporter_of(cloud, {}, without=("quotas", "drift")))
        fake.calls.clear()
        with ThreadPoolExecutor(scrapers) as pool:
            list(pool.map(lambda _: found.scrape(), range(scrapers)))
        found.close()
        return dict(fake.calls)

    calls(1)  # logs in
    fake.slow = dict.fromkeys(("compute", "placement", "network", "block-storage", "image"), 0.1)
    assert calls(2) == calls(1)


def test_a_client_that_hangs_up_stops_the_work(fake: FakeCloud, cloud: Cloud) -> None:
    exporter = exporter_of(cloud, {}, without=("quotas", "drift"))
    found = Scraped(exporter)
    fake.slow["compute"] = 0.5
    with socket.create_connection(("127.0.0.1", found.server.server_port)) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        found.wait_for(lambda: fake.calls.get("compute", 0) > 0)
    found.wait_for(lambda: all(collector.running is None for collector in exporter.collectors.all))
    assert fake.calls.get("placement", 0) == 0, "work went on for nobody"
    assert exporter.collectors.capacity is not None
    assert exporter.collectors.capacity.standing.failures == {"given_up": 1}
    found.close()


def test_a_project_deleted_in_the_middle_takes_no_other_with_it(fake: FakeCloud, cloud: Cloud) -> None:
    fake.vanished = {"p-sxd"}
    found = Scraped(exporter_of(cloud, {}))
    found.wait_for(lambda: found.success()["quotas"])
    projects = {
        labels.split('project="')[1].split('"')[0] for labels in found.values("city_agency_quota_units")
    }
    assert projects == {"service", "stc"}
    assert found.values("city_quota_unread_projects") == {"": 1}
    found.close()


def test_an_orphaned_allocation_is_told_and_what_it_keeps(fake: FakeCloud, cloud: Cloud) -> None:
    found = Scraped(exporter_of(cloud, {}, without=("quotas",)))
    found.wait_for(lambda: found.success()["drift"])
    assert set(found.values("city_placement_orphaned_allocations").values()) == {0}
    found.close()


def test_a_hanging_cloud_holds_no_lap_for_longer_than_its_limit(fake: FakeCloud, cloud: Cloud) -> None:
    exporter = exporter_of(cloud, {}, without=("quotas", "drift"))
    fake.slow["block-storage"] = 20.0
    assert exporter.collectors.volumes is not None
    exporter.collectors.volumes.limit = 1.0
    exporter.collectors.volumes.lap()
    assert set(exporter.collectors.volumes.standing.failures) <= {"unavailable", "waited_too_long"}
    assert exporter.collectors.volumes.latest is None

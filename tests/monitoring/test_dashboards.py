"""Every panel's query against a real Prometheus that is fed what the exporters export."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitoring.dashboards.catalogue import queries, without_data
from monitoring.overview import read_overview
from monitoring.prometheus import Alertmanager, MonitoringUnreachable, Prometheus, QueryRefused
from tests.monitoring import scene
from tests.monitoring.stand import Stand, Target, stand
from tests.unit.monitoring.dashboards.test_dashboards import FOREIGN, exported


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with scene.a_city(tmp_path_factory.mktemp("city")) as made:
        yield made


def test_the_scene_says_nothing_that_the_exporters_do_not() -> None:
    now = time.time()
    sources = (scene.cloud, scene.workloads, scene.canary, scene.forecasts, scene.slos, scene.servers)
    names = {name for source in sources for name, _, _ in source(now, now)}
    known = exported() | FOREIGN
    assert {name for name in names if name not in known and name.removesuffix("_total") not in known} == set()


def test_every_panel_has_data(city: Stand) -> None:
    with Prometheus(city.prometheus) as prometheus:
        assert without_data(prometheus, "sotttt") == ()


def test_a_prometheus_without_exporters_leaves_the_panels_empty(tmp_path: Path) -> None:
    with (
        stand(tmp_path, [Target("controller", lambda: "")]) as made,
        Prometheus(made.prometheus) as prometheus,
    ):
        made.wait_for("up")
        empty = {entry.panel for entry in without_data(prometheus, "sotttt")}
        asked = {entry.panel for entry in queries("sotttt") if not entry.may_be_empty}
        # These count alerts and targets: nothing firing is an answer.
        assert asked - empty == {"Pages firing", "Notices firing", "Heartbeat", "Targets down"}


def test_a_query_that_is_none_is_refused_and_a_dead_prometheus_is_said(city: Stand) -> None:
    with Prometheus(city.prometheus) as prometheus, pytest.raises(QueryRefused, match="parse error"):
        prometheus.query("sum by (")
    with (
        Prometheus("http://127.0.0.1:1") as nobody,
        pytest.raises(MonitoringUnreachable, match="does not answer"),
    ):
        nobody.query("up")


def test_the_overview_tells_what_is_broken(city: Stand) -> None:
    with Prometheus(city.prometheus) as prometheus:
        alertmanager = Alertmanager(city.alertmanager)
        found = read_overview(prometheus, alertmanager, time.time())
        alertmanager.close()
    assert found.problems == ()
    assert found.apis_down == ("volume",)
    assert found.heartbeat
    assert {h.name: h.state for h in found.hypervisors if h.state != "up"} == {
        "hv03": "unreachable",
        "hv04": "disabled",
    }
    agencies = {agency.code: agency for agency in found.agencies}
    assert (agencies["sotttt"].up, agencies["sotttt"].down) == (2, 1)
    assert agencies["sotc"].idle == 1
    assert agencies["sotttt"].quota_resource == "cores"
    assert agencies["q-hongbang"].budget_left == pytest.approx(-0.2, abs=0.01)
    assert [alert.name for alert in found.firing[:2]] == ["AgencyWorkloadDown", "HypervisorUnreachable"]


def test_a_dead_alertmanager_leaves_prometheus_own_alerts(city: Stand) -> None:
    city.wait_for('ALERTS{alertname="Watchdog", alertstate="firing"}')
    with Prometheus(city.prometheus) as prometheus:
        alertmanager = Alertmanager("http://127.0.0.1:1")
        found = read_overview(prometheus, alertmanager, time.time())
        alertmanager.close()
    assert found.heartbeat
    assert any("silences are not known" in problem for problem in found.problems)

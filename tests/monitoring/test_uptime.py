"""The uptime exporter as a process of its own, and a real Prometheus that finds guests through it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jinja2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.monitoring import stand
from tests.monitoring.fake_cloud import FakeCloud, make_server, serve

ROOT = Path(__file__).parents[2]
WEB, SLOW = "127.0.0.1", "127.0.0.2"
PATIENCE_SECONDS = 90
START = "from monitoring.exporters.uptime import main; main()"
CATALOG = """
items:
  - name: plain-server
    kind: server
    name_vi: Máy chủ ảo
    name_en: Plain server
    probes: [{{name: ssh, kind: ssh, port: {ssh}, every: 1, timeout: 1}}]
    slo: {{objective: {objective}}}
    metrics: [{{name: node, port: {guest}}}]
"""


class Sshd:
    """Shows a banner to who asks at WEB, and takes connections at SLOW without ever saying a word."""

    def __init__(self) -> None:
        self._speaks = socket.create_server((WEB, 0))
        self.port = self._speaks.getsockname()[1]
        self._silent = socket.create_server((SLOW, self.port))
        self.held: list[socket.socket] = []
        threading.Thread(target=self._answer, daemon=True).start()
        threading.Thread(target=self._hold, daemon=True).start()

    def _answer(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._speaks.accept()
                with line:
                    line.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

    def _hold(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.held.append(self._silent.accept()[0])

    def close(self) -> None:
        for one in (self._speaks, self._silent):
            one.shutdown(socket.SHUT_RDWR)
            one.close()
        for one in self.held:
            one.close()


class Guest(BaseHTTPRequestHandler):
    """A guest's node exporter that also claims to speak for the cloud."""

    def do_GET(self) -> None:
        body = (
            b'node_load1 0.5\ncity_hypervisor_service_up{hypervisor="hv1"} 0\n'
            b"job:forged:sum 1\nopenstack_nova_up 0\nagency_application_users 7\n"
        )
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


class Exporter:
    """The exporter's process on a site in a folder."""

    def __init__(self, folder: Path, cloud: FakeCloud, sshd: Sshd, guest: int) -> None:
        self.folder, self.cloud, self.sshd, self.guest = folder, cloud, sshd, guest
        self.catalog, self.state = folder / "catalog.yaml", folder / "servers.json"
        self.log = folder / "log"
        self.write_catalog()

    def write_catalog(self, objective: float = 0.995) -> None:
        self.catalog.write_text(CATALOG.format(ssh=self.sshd.port, guest=self.guest, objective=objective))

    def start(self) -> None:
        with socket.socket() as free:
            free.bind((WEB, 0))
            self.port = free.getsockname()[1]
        command = [
            sys.executable, "-c", START, "--listen", f"{WEB}:{self.port}", "--catalog", self.catalog,
            "--state-file", self.state, "--server-interval", "1", "--api-interval", "5",
            "--boot-seconds", "60",
        ]  # fmt: skip
        environment = {
            **os.environ, "OS_AUTH_URL": f"{self.cloud.address}/identity/v3", "OS_USERNAME": "monitoring",
            "OS_PASSWORD": "x", "OS_PROJECT_NAME": "service", "OS_USER_DOMAIN_NAME": "Default",
            "OS_PROJECT_DOMAIN_NAME": "Default", "OS_REGION_NAME": "hai-phong", "OS_INTERFACE": "public",
        }  # fmt: skip
        with self.log.open("a") as log:
            self.process = subprocess.Popen(command, env=environment, cwd=ROOT, stderr=log)

    def stop(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)
        self.process.wait(30)

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://{WEB}:{self.port}{path}", timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            refused.close()
            return refused.code, ""
        except OSError:
            return 0, ""

    def values(self, name: str, **labels: str) -> list[float]:
        return [
            sample.value
            for family in text_string_to_metric_families(self.get("/metrics")[1])
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]

    def wait(self, what: Callable[[], Any]) -> Any:
        """The first answer that is true."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := what()):
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            assert time.monotonic() < deadline, (self.get("/metrics")[1], self.log.read_text()[-3000:])
            time.sleep(0.2)
        return found


@pytest.fixture
def exporter(tmp_path: Path) -> Iterator[Exporter]:
    cloud = FakeCloud(servers=[make_server("web", "sxd", WEB), make_server("slow", "stc", SLOW)])
    http, guest, sshd = serve(cloud), ThreadingHTTPServer((WEB, 0), Guest), Sshd()
    threading.Thread(target=guest.serve_forever, daemon=True).start()
    made = Exporter(tmp_path, cloud, sshd, guest.server_port)
    made.start()
    yield made
    if made.process.poll() is None:
        made.stop()
    sshd.close()
    for server in (http, guest):
        server.shutdown()
        server.server_close()


def good(exporter: Exporter, server: str = "web") -> float:
    return sum(exporter.values("city_workload_probes_good_total", server=server))


def test_a_target_that_takes_connections_and_never_answers_is_down_alone(exporter: Exporter) -> None:
    exporter.wait(lambda: good(exporter) >= 3)
    assert exporter.wait(lambda: exporter.values("city_workload_up", server="slow")) == [0]
    assert exporter.values("city_workload_up", server="web") == [1]
    assert exporter.values("city_workload_down_reason", server="slow", reason="timeout") == [1]


def test_what_was_counted_outlives_a_kill(exporter: Exporter) -> None:
    exporter.wait(lambda: exporter.state.exists() and '"up"' in exporter.state.read_text())
    kept = float(re.search(r'"ssh": \[(\d+), \d+\]', exporter.state.read_text())[1])  # type: ignore[index]
    exporter.stop(signal.SIGKILL)
    exporter.start()
    exporter.wait(lambda: exporter.values("city_workload_probes_good_total", server="web"))
    assert good(exporter) >= kept > 0
    assert exporter.values("city_workload_up", server="web") == [1]


def test_the_cloud_s_silence_ends_neither_the_probes_nor_the_list(exporter: Exporter) -> None:
    exporter.wait(lambda: good(exporter) >= 1)
    before = exporter.get("/sd/workloads")
    exporter.cloud.failing = {"identity": 503, "compute": 503}
    exporter.wait(lambda: 0 in exporter.values("city_exporter_collector_success", collector="servers"))
    counted = good(exporter)
    exporter.wait(lambda: good(exporter) > counted + 1)
    assert exporter.get("/sd/workloads") == before
    assert exporter.values("city_discovery_targets") == [2]


def test_before_the_cloud_was_read_there_is_no_list(exporter: Exporter) -> None:
    exporter.stop()
    exporter.cloud.failing = {"identity": 503}
    exporter.start()
    assert exporter.wait(lambda: exporter.get("/sd/workloads")[0]) == 503


def test_a_stop_by_its_agency_is_not_downtime_and_one_by_anybody_else_is(exporter: Exporter) -> None:
    exporter.wait(lambda: good(exporter) >= 1)
    stop = {"action": "stop", "start_time": "2026-11-27T01:00:00.000000", "message": None}
    exporter.cloud.actions = {"id-sxd-web": [{**stop, "user_id": "sxd", "project_id": "p-sxd"}]}
    exporter.cloud.servers[0] |= {"status": "SHUTOFF", "updated": "1"}
    exporter.wait(lambda: exporter.values("city_workload_stopped", server="web", by="agency"))
    assert exporter.wait(lambda: exporter.values("city_workload_expected", server="web") == [0])
    assert exporter.values("city_workload_up", server="web") == []
    exporter.cloud.actions = {"id-sxd-web": [{**stop, "user_id": "operator", "project_id": "p0"}]}
    exporter.cloud.servers[0] |= {"updated": "2"}
    exporter.wait(lambda: exporter.values("city_workload_stopped", server="web", by="platform"))
    assert exporter.wait(lambda: exporter.values("city_workload_up", server="web") == [0])
    exporter.wait(
        lambda: sum(exporter.values("city_workload_condition_seconds_total", server="web", condition="down"))
    )


def test_a_catalog_that_cannot_be_used_changes_nothing_and_one_that_can_does(exporter: Exporter) -> None:
    objective = lambda: exporter.values("city_catalog_objective_ratio", item="plain-server")  # noqa: E731
    exporter.wait(lambda: objective() == [0.995])
    exporter.write_catalog(99.5)
    exporter.process.send_signal(signal.SIGHUP)
    exporter.wait(lambda: "items[0].slo.objective" in exporter.log.read_text())
    assert objective() == [0.995]
    exporter.write_catalog(0.9)
    exporter.process.send_signal(signal.SIGHUP)
    exporter.wait(lambda: objective() == [0.9])


def test_a_catalog_is_checked_before_it_is_used(exporter: Exporter) -> None:
    check = [sys.executable, "-c", START, "--check", "--catalog", exporter.catalog]
    assert subprocess.run(check, cwd=ROOT, check=False).returncode == 0
    exporter.write_catalog(99.5)
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "items[0].slo.objective" in done.stderr


def job_of_the_role(exporter: Exporter) -> str:
    """The role's own job `workload`, for this exporter."""
    text = (ROOT / "playbooks/roles/monitoring/templates/prometheus.yml.j2").read_text()
    block = text[text.index("  - job_name: workload") :]
    block = re.split(r"\n(?=  - job_name:|  #)", block)[0]
    given = {"ansible_host": WEB, "monitoring_discovery_seconds": 1, "monitoring_guest_scrape_seconds": 1}
    return jinja2.Template(block).render(given).replace(":9181/", f":{exporter.port}/")


def test_prometheus_finds_a_new_guest_and_lets_a_retired_one_go(exporter: Exporter, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "prometheus.yml").write_text(f"scrape_configs:\n{job_of_the_role(exporter)}\n")
    port = stand._free_port()
    exporter.wait(lambda: exporter.get("/sd/workloads")[0] == 200)
    arguments = [
        f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address={WEB}:{port}",
    ]  # fmt: skip

    def series(query: str) -> list[dict[str, str]]:
        url = f"http://{WEB}:{port}/api/v1/query?" + urllib.parse.urlencode({"query": query})
        return [one["metric"] for one in stand._json(url)["data"]["result"]]

    with stand._running(tmp_path, "prometheus", port, "/-/ready", arguments):
        exporter.wait(lambda: series('up{job="workload", server="web"} == 1'))
        exporter.cloud.servers.append(make_server("late", "stc", WEB))
        (found,) = exporter.wait(lambda: series('agency_application_users{server="late"}'))
        assert {name: found[name] for name in ("agency", "project", "item", "hypervisor", "instance")} == {
            "agency": "stc", "project": "stc", "item": "plain-server", "hypervisor": "hv1",
            "instance": "stc/late",
        }  # fmt: skip
        exporter.cloud.servers.pop()
        exporter.wait(lambda: not series('{server="late"}'))
        assert series('up{job="workload", server="web"} == 1')
        forged = series('{__name__=~"city_.*|openstack_.*|.*:.*", job="workload"}')
        assert forged == []

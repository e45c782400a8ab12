"""Alerts end to end: real Prometheus, real Alertmanager with the site's configuration, a real mail server."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.domain.maintenance import MaintenanceWindow
from infra.provisioning.silences import HttpAlertmanager, apply
from tests.monitoring.rendering import ALERTING, ROOT, render
from tests.monitoring.sinks import PASSWORD, USERNAME, Sinks, eventually, free_port, sinks
from tests.unit.monitoring.foreign import ALERTMANAGER, PROMETHEUS

BEGAN = "2026-11-26T15:30:00Z"
BEGAN_IN_VIETNAM = "22:30, 26/11/2026"


@dataclass
class Site:
    """A site's Alertmanager, and where its alerts go."""

    folder: Path
    sinks: Sinks
    port: int
    deadman_port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "SSL_CERT_FILE": str(self.sinks.ca)}

    def post(self, name: str, severity: str = "page", *, resolved: bool = False, **labels: str) -> None:
        """An alert as Prometheus sends it."""
        self.send([make_alert(name, severity, resolved=resolved, **labels)])

    def send(self, alerts: list[dict[str, Any]]) -> None:
        """All at once: an alert that began long ago does not wait for others of its group."""
        body, headers = json.dumps(alerts).encode(), {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.address}/api/v2/alerts", body, headers)
        urllib.request.urlopen(request, timeout=60).close()

    def settle(self) -> None:
        """Until an alert that is posted now has come through every stage, and all before it with it."""
        name = f"Marker{len(self.sinks.posts)}{len(self.sinks.mails)}"
        self.post(name, "notice")
        eventually(lambda: self.sinks.alerts(name), name)
        self.post("Marker" + name, "notice")
        eventually(lambda: self.sinks.alerts("Marker" + name), "the second marker")


def make_alert(name: str, severity: str, *, resolved: bool = False, **labels: str) -> dict[str, Any]:
    server = labels.get("server", "x")
    annotations = {
        "summary": f"{name} of {server}", "description": "What it is.",
        "summary_vi": f"Máy chủ {server} không phản hồi", "action_vi": "Đang xử lý.",
        "action_en": "We are on it.", "runbook_url": f"http://mon1:9090/consoles/{name}.md",
        "logs": "citycloud logs --since -1h",
    }  # fmt: skip
    told = {"alertname": name, "severity": severity, "site": "test", "owner": "cloud-operations", **labels}
    alert: dict[str, Any] = {"labels": told, "startsAt": BEGAN, "annotations": annotations}
    return {**alert, "endsAt": dt.datetime.now(dt.UTC).isoformat()} if resolved else alert


@contextmanager
def running(command: list[str], log: Path, url: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    with (
        log.open("ab") as written,
        subprocess.Popen(command, stdout=written, stderr=written, **options) as process,
    ):
        try:
            eventually(
                lambda: answers(url) or process.poll() is not None, f"{command[0]}: {log.read_text()[-2000:]}"
            )
            assert process.poll() is None, log.read_text()[-3000:]
            yield process
        finally:
            process.kill()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return str(answer.read().decode())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    port, deadman_port = free_port(), free_port()
    with sinks(folder) as found:
        render(
            folder,
            secrets={
                "alert_webhook_url": found.webhook, "alert_smtp_username": USERNAME,
                "alert_smtp_password": PASSWORD,
            },
            alerting={**ALERTING, "smarthost": found.smtp}, monitoring_group_wait_seconds=2,
            monitoring_deadman_urls=[f"http://127.0.0.1:{deadman_port}/heartbeat"],
            deadman_limit_seconds=8, deadman_repeat_seconds=3600,
        )  # fmt: skip
        made = Site(folder, found, port, deadman_port)
        command = [
            "prometheus-alertmanager", f"--config.file={folder}/ctl1-alertmanager.yml",
            f"--storage.path={folder}/alertmanager", f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=", "--web.external-url=http://mon1:9093",
        ]  # fmt: skip
        with running(command, folder / "alertmanager.log", f"{made.address}/-/ready", env=made.environment):
            yield made


def test_a_page_wakes_the_people_on_call_and_a_notice_goes_to_its_owner(site: Site) -> None:
    site.post("ServerDiskFull", instance="ctl1")
    site.post("CapacityLow", "notice", owner="capacity-planning", resource_class="VCPU")
    site.post("DriftFound", "notice", agency="sxd", kind="foreign")
    page = eventually(lambda: site.sinks.mails_to("oncall@city.test"), "mail to the people on call")
    assert page[0].subject.startswith("[page 1] test: ServerDiskFull")
    assert "http://mon1:9090/consoles/ServerDiskFull.md" in page[0].text
    assert "logs: citycloud logs --since -1h" in page[0].text
    plan = eventually(lambda: site.sinks.mails_to("plan@city.test"), "mail to capacity planning")
    ops = eventually(lambda: site.sinks.mails_to("ops@city.test"), "mail to cloud operations")
    assert "CapacityLow" in plan[0].subject
    assert "DriftFound" in ops[0].subject
    assert not any("DriftFound" in mail.subject for mail in site.sinks.mails_to("oncall@city.test"))
    assert site.sinks.alerts("ServerDiskFull")
    assert site.sinks.refused == []


def test_an_agency_gets_one_mail_with_all_its_servers_and_no_other_agencys(site: Site) -> None:
    both = {"audience": "agency", "agency": "sxd"}
    site.send(
        [make_alert("AgencyServiceInterrupted", "notice", server=one, **both) for one in ("web", "records")]
    )
    site.post("AgencyServiceInterrupted", "notice", audience="agency", agency="stc", server="pay")
    site.post("AgencyServiceInterrupted", "notice", audience="agency", agency="snv", server="mail")
    (mail,) = eventually(lambda: site.sinks.mails_to("cntt@sxd.test"), "mail to the agency")
    assert set(mail.to) == {"cntt@sxd.test", "truc@sxd.test"}
    assert mail.subject == "Thành phố Hải Phòng: 2 cảnh báo về hệ thống của Sở Xây dựng"
    for words in (
        "Máy chủ web",
        "Máy chủ records",
        BEGAN_IN_VIETNAM,
        "0225 3 000 111",
        "Department of Construction",
    ):
        assert words in mail.text
        assert words in mail.html
    assert "pay" not in mail.text
    (other,) = eventually(lambda: site.sinks.mails_to("cntt@stc.test"), "mail to the other agency")
    assert 'Sở "Tài chính" & Giá' in other.text
    assert "records" not in other.text
    site.settle()
    assert not site.sinks.alerts("AgencyServiceInterrupted"), "operators have an alert of their own"


def test_an_alert_for_both_reaches_the_agency_and_its_owner(site: Site) -> None:
    site.post("AgencyQuotaNearLimit", "notice", audience="both", agency="stc", resource="cores")
    eventually(lambda: site.sinks.alerts("AgencyQuotaNearLimit"), "the owner's")
    eventually(lambda: len(site.sinks.mails_to("cntt@stc.test")) > 1, "the agency's")


def test_a_dead_hypervisor_silences_its_servers_and_no_others_but_agencies_are_told(site: Site) -> None:
    site.post("HypervisorUnreachable", hypervisor="hv1")
    eventually(lambda: site.sinks.alerts("HypervisorUnreachable"), "the cause")
    site.post("AgencyWorkloadDown", agency="sxd", server="gone", hypervisor="hv1")
    site.post("AgencyWorkloadDown", agency="sxd", server="other", hypervisor="hv2")
    site.post(
        "AgencyServiceInterrupted", "notice", audience="agency", agency="sxd", server="gone", hypervisor="hv1"
    )
    eventually(lambda: site.sinks.alerts("AgencyWorkloadDown"), "the server of another hypervisor")
    eventually(
        lambda: any("gone" in mail.text for mail in site.sinks.mails_to("cntt@sxd.test")), "the agency's mail"
    )
    site.settle()
    assert {alert["labels"]["server"] for alert in site.sinks.alerts("AgencyWorkloadDown")} == {"other"}


def test_a_silent_database_silences_what_follows_from_it(site: Site) -> None:
    site.post("DatabaseDown")
    eventually(lambda: site.sinks.alerts("DatabaseDown"), "the cause")
    site.post("ApiDown", service="compute")
    site.settle()
    assert not site.sinks.alerts("ApiDown")
    site.post("DatabaseDown", resolved=True)
    eventually(
        lambda: site.sinks.alerts("ApiDown"), "the API is told when the database is back and it is not"
    )


def test_who_was_told_of_a_fault_is_told_of_its_end(site: Site) -> None:
    site.post("ServerUnreachable", instance="gw1")
    site.post("AgencyServiceInterrupted", "notice", audience="agency", agency="stc", server="brief")
    eventually(lambda: site.sinks.alerts("ServerUnreachable"), "the fault")
    eventually(
        lambda: any("brief" in mail.text for mail in site.sinks.mails_to("cntt@stc.test")),
        "the agency's mail",
    )
    site.post("ServerUnreachable", resolved=True, instance="gw1")
    site.post(
        "AgencyServiceInterrupted", "notice", resolved=True, audience="agency", agency="stc", server="brief"
    )
    eventually(lambda: site.sinks.alerts("ServerUnreachable", "resolved"), "its end")
    eventually(
        lambda: any(
            mail.subject.startswith("[resolved]") for mail in site.sinks.mails_to("oncall@city.test")
        ),
        "the mail of its end",
    )
    eventually(
        lambda: any("Đã trở lại bình thường" in mail.text for mail in site.sinks.mails_to("cntt@stc.test")),
        "the agency's mail of its end",
    )


def make_window(agency: str, **changes: Any) -> MaintenanceWindow:
    now = dt.datetime.now(dt.UTC)
    return MaintenanceWindow(
        **{
            "id": f"work-{agency}",
            "starts": now - dt.timedelta(minutes=1), "ends": now + dt.timedelta(hours=1),
            "reason_vi": "Nâng cấp", "reason_en": "Upgrade", "agencies": (agency,), **changes,
        }
    )  # fmt: skip


def test_in_a_maintenance_window_its_agencies_alerts_are_silent_and_nobody_elses(site: Site) -> None:
    alertmanager = HttpAlertmanager(["127.0.0.1"], site.port)
    windows = [
        make_window("stc"),
        make_window("ahead", starts=dt.datetime.now(dt.UTC) + dt.timedelta(minutes=30)),
    ]
    assert apply(alertmanager, windows, dt.datetime.now(dt.UTC)).made == ("work-ahead", "work-stc")
    assert apply(alertmanager, windows, dt.datetime.now(dt.UTC)).changed == 0
    site.post("AgencyWorkloadDown", agency="stc", server="worked-on")
    site.post("AgencyServiceInterrupted", "notice", audience="agency", agency="stc", server="worked-on")
    site.post("AgencyWorkloadDown", agency="snv", server="not-worked-on")
    site.post("CertificateExpired", instance="ctl1")

    def told() -> set[str]:
        return {alert["labels"]["server"] for alert in site.sinks.alerts("AgencyWorkloadDown")}

    eventually(lambda: "not-worked-on" in told(), "the other agency's")
    eventually(lambda: site.sinks.alerts("CertificateExpired"), "the platform's")
    site.settle()
    assert "worked-on" not in told()
    assert not any("worked-on" in mail.text for mail in site.sinks.mails_to("cntt@stc.test"))
    assert set(apply(alertmanager, [], dt.datetime.now(dt.UTC)).removed) == {"work-stc", "work-ahead"}
    eventually(lambda: "worked-on" in told(), "the alert, after the window was taken out")


class Exporter:
    """Says what a test wants it to say."""

    def __init__(self) -> None:
        exporter = self
        self.text = ""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = exporter.text.encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def workloads(**up: int) -> str:
    lines = []
    for server, value in up.items():
        own = f'agency="sxd",project="main",server="{server}",server_id="id-{server}"'
        hypervisor = "hv9" if server.startswith("dead") else "hv8"
        lines += [
            f"city_workload_expected{{{own}}} 1",
            f"city_workload_up{{{own}}} {value}",
            f'city_workload_info{{{own},address="203.0.113.1",hypervisor="{hypervisor}",item="x"}} 1',
        ]
    return "\n".join(lines) + "\n"


def prometheus_of(site: Site, exporter: Exporter, port: int) -> list[str]:
    """Prometheus with the site's own rules, which only wait less: two minutes still are longer than one."""
    rules = (site.folder / "ctl1-rules.yaml").read_text(encoding="utf-8")
    rules = re.sub(r"(?m)^( +for:) 2m$", r"\1 12s", rules)
    (site.folder / "quick-rules.yaml").write_text(
        re.sub(r"(?m)^( +for:) (?!12s)\S+$", r"\1 1s", rules), encoding="utf-8"
    )

    def job(name: str, target: int, **labels: str) -> dict[str, Any]:
        return {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{target}"], "labels": labels}]}

    configuration = {
        "global": {
            "scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s",
            "external_labels": {"site": "test"},
        },
        "rule_files": [str(site.folder / "quick-rules.yaml")],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{site.port}"]}]}]},
        "scrape_configs": [
            job("uptime", exporter.server.server_port, instance="mon1"),
            job("hypervisor", free_port(), instance="hv9", hypervisor="hv9"),
            job("prometheus", port, instance="mon1"), job("alertmanager", site.port, instance="mon1"),
        ],
    }  # fmt: skip
    (site.folder / "quick.yml").write_text(yaml.safe_dump(configuration))
    return [
        "prometheus", f"--config.file={site.folder}/quick.yml", f"--storage.tsdb.path={site.folder}/tsdb",
        f"--web.listen-address=127.0.0.1:{port}", "--rules.alert.resend-delay=1s", "--web.external-url=http://mon1:9090",
        "--enable-feature=extra-scrape-metrics",
    ]  # fmt: skip


def test_from_a_dead_hypervisor_to_peoples_mail_and_the_dead_mans_switch(site: Site) -> None:
    exporter, port = Exporter(), free_port()
    exporter.text = workloads(dead=0, fine=1)
    config = json.loads((site.folder / "ctl1-deadman.json").read_text())
    (site.folder / "deadman.json").write_text(
        json.dumps({**config, "listen": f"127.0.0.1:{site.deadman_port}"})
    )
    deadman = [
        sys.executable, "-m", "monitoring.alertmanager.deadman",
        "--config", str(site.folder / "deadman.json"),
        "--state-file", str(site.folder / "heartbeat"),
    ]  # fmt: skip
    metrics = f"http://127.0.0.1:{site.deadman_port}/metrics"
    command = prometheus_of(site, exporter, port)
    log = site.folder / "prometheus.log"
    with running(deadman, site.folder / "deadman.log", metrics, env=site.environment, cwd=ROOT):
        with running(command, log, f"http://127.0.0.1:{port}/-/ready") as prometheus:
            heard = "city_deadman_last_heartbeat_timestamp_seconds 0.0"
            eventually(lambda: heard not in read(metrics), "a heartbeat")
            dead = {"labels": {"hypervisor": "hv9"}}
            eventually(
                lambda: any(
                    dead["labels"].items() <= alert["labels"].items()
                    for alert in site.sinks.alerts("HypervisorUnreachable")
                ),
                "the dead hypervisor",
            )
            eventually(
                lambda: any(
                    "dead (dự án main)" in mail.text for mail in site.sinks.mails_to("cntt@sxd.test")
                ),
                "the agency's mail",
            )
            eventually(
                lambda: "id-dead" in read(f"{site.address}/api/v2/alerts?inhibited=true&active=false"),
                "inhibition",
            )
            site.settle()
            down = [alert["labels"] for alert in site.sinks.alerts("AgencyWorkloadDown")]
            assert not any(labels.get("hypervisor") == "hv9" for labels in down)
            exporter.text = workloads(dead=1, fine=1)
            eventually(
                lambda: any(
                    "Đã trở lại" in mail.text and "dead (" in mail.text
                    for mail in site.sinks.mails_to("cntt@sxd.test")
                ),
                "the agency's mail of its end",
            )
            told = {f"prometheus:{port}": PROMETHEUS, f"alertmanager:{site.port}": ALERTMANAGER}
            for where, names in told.items():
                text = read(f"http://127.0.0.1:{where.split(':')[1]}/metrics")
                assert {name for name in names if not re.search(rf"(?m)^# TYPE {name} ", text)} == set()
            assert "city_deadman_alarm 0.0" in read(metrics)
            prometheus.kill()
        eventually(lambda: site.sinks.alerts("HeartbeatMissing"), "the call by webhook")
        eventually(
            lambda: any(
                "MONITORING IS SILENT" in mail.subject for mail in site.sinks.mails_to("oncall@city.test")
            ),
            "the call by mail",
        )
        assert "city_deadman_alarm 1.0" in read(metrics)
        with running(command, log, f"http://127.0.0.1:{port}/-/ready"):
            eventually(lambda: site.sinks.alerts("HeartbeatMissing", "resolved"), "the end of the call")
    exporter.close()

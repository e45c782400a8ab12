"""What the role writes for the capacity exporter: files that it takes, a unit that may do little, and a
Prometheus that finds it, with TLS and without.
"""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.provisioning import certificates
from monitoring.exporters import settings, web_config
from monitoring.exporters.capacity_collectors import INTERVALS
from monitoring.exporters.listening import Request
from tests.monitoring.rendering import ROOT, render

MOST_EXPOSED = 2.0
"""systemd's own measure, 0 to 10: "OK" ends at 4; IP itself, which an exporter needs, makes 1.3 of it."""


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "TLS"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bool]:
    """A site's files, and whether its exporter speaks TLS."""
    folder = tmp_path_factory.mktemp("site")
    now = datetime.now(UTC)
    authority = certificates.make_authority("Test", now)
    pair = certificates.make_server_certificate(authority, ["ctl1", "192.0.2.1"], now, client=True)
    for name, text in (
        ("site-ca.pem", authority.certificate),
        ("own.pem", pair.certificate),
        ("own.key", pair.key),
    ):
        (folder / name).write_text(text)
    return render(
        folder, ca_file=f"{folder}/site-ca.pem", monitoring_exporters_tls=request.param,
            monitoring_compat=True,
        monitoring_certificate_file=f"{folder}/own.pem", monitoring_key_file=f"{folder}/own.key",
        monitoring_client_certificate_file=f"{folder}/own.pem",
            monitoring_client_key_file=f"{folder}/own.key",
    ), request.param  # fmt: skip


def test_the_exporter_takes_its_configuration(site: tuple[Path, bool]) -> None:
    folder, _ = site
    found = settings.load(folder / "ctl1-capacity-exporter.yaml", INTERVALS.keys(), ())
    assert found.intervals == {"services": 15, "capacity": 30, "quotas": 900}
    assert found.compat == {"openstack-exporter"}


def test_the_exporter_takes_its_web_config_file(site: tuple[Path, bool]) -> None:
    folder, tls = site
    guard = web_config.WebGuard.of(folder / "ctl1-web-config.yml")
    assert (guard.context is not None) is tls
    assert guard.config.headers == {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "deny"}
    assert guard.authenticate(Request("/metrics")) is None
    if tls:
        assert guard.config.file.tls_server_config is not None
        assert guard.config.file.tls_server_config.client_allowed_sans == ["ctl1"]


def test_the_unit_may_do_little(site: tuple[Path, bool]) -> None:
    folder, _ = site
    unit = folder / "citycloud-capacity-exporter.service"
    unit.write_text((folder / "ctl1-capacity-exporter.service").read_text())
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager",
            f"--threshold={MOST_EXPOSED * 10:.0f}",
         str(unit)], capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-300:] + done.stderr
    assert done.stderr == ""
    (exposure,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert float(exposure) <= MOST_EXPOSED


def test_prometheus_finds_both_names(site: tuple[Path, bool]) -> None:
    folder, tls = site
    path = folder / "ctl1-prometheus.yml"
    done = subprocess.run(
        ["promtool", "check", "config", str(path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    jobs: dict[str, dict[str, Any]] = {
        job["job_name"]: job for job in yaml.safe_load(path.read_text(encoding="utf-8"))["scrape_configs"]
    }
    assert jobs["integrations/openstack"]["metrics_path"] == "/compat/openstack-exporter"
    for job in (jobs["capacity"], jobs["integrations/openstack"]):
        assert job.get("scheme", "http") == ("https" if tls else "http")
        assert job["static_configs"][0]["targets"] == ["192.0.2.1:9180"]


def test_an_exporter_that_reads_the_web_config_file_is_restarted_with_it() -> None:
    """TLS is switched on and off with a restart only; everything else in the file counts at once."""
    role = ROOT / "playbooks/roles/monitoring"
    readers = {
        path.name.removesuffix(".j2")
        for path in (role / "templates").glob("*.service.j2")
        if "{{ monitoring_web_config_file }}" in path.read_text(encoding="utf-8")
    }
    restarted = {
        unit["name"].removeprefix("citycloud-")
        for path in (role / "tasks").glob("*.yml")
        for task in yaml.safe_load(path.read_text(encoding="utf-8"))
        for unit in task.get("converge_units", {}).get("units", ())
        if "{{ monitoring_web_config_file }}" in unit["files"] and not unit.get("reload")
    }
    assert readers == restarted == {f"{name}-exporter.service" for name in ("capacity", "uptime", "canary")}

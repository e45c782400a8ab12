"""The capacity exporter as it is started: its files, its signals, TLS, several clouds,
and a real Prometheus."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bcrypt
import pytest
import yaml

from benchmarks.exporter.process import counters, environment_of, model
from infra.provisioning import certificates

ROOT = Path(__file__).parents[2]
SECONDS = 90
PASSWORD = "open sesame"
START = [sys.executable, "-c", "from monitoring.exporters.capacity import main; main()"]


@pytest.fixture
def cloud() -> Iterator[str]:
    """The address of a model cloud of two hypervisors."""
    with model(2, 2, 4, 0.0) as address:
        yield address


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    return {**kept, "PYTHONPATH": str(ROOT), "HOME": "/nonexistent", **more}


class Exporter:
    """A running exporter."""

    def __init__(self, folder: Path, variables: dict[str, str], *arguments: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = folder / "log"
        self.context: ssl.SSLContext | None = None
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*START, "--listen", f"127.0.0.1:{self.port}", *arguments],
                env=environment(**variables), cwd=folder, stderr=log,
            )  # fmt: skip
        self.wait(lambda: "listening on" in self.log.read_text())

    def wait(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not true():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        scheme = "https" if self.context else "http"
        request = urllib.request.Request(f"{scheme}://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS, context=self.context) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def value(self, name: str) -> float:
        _, text = self.get("/metrics")
        (found,) = re.findall(rf"^{re.escape(name)} (\S+)$", text, re.M)
        return float(found)

    def hang_up(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(SECONDS) == 0, self.log.read_text()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Exporter]]:
    running: list[Exporter] = []

    def begin(variables: dict[str, str], *arguments: str) -> Exporter:
        running.append(Exporter(tmp_path, variables, *arguments))
        return running[-1]

    yield begin
    for exporter in running:
        exporter.stop()


def refused(variables: dict[str, str], *arguments: str, cwd: Path) -> str:
    """What an exporter that must not start says; it ends with 2."""
    done = subprocess.run(
        [*START, "--listen", "127.0.0.1:0", *arguments], env=environment(**variables), cwd=cwd,
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    return done.stderr


def clouds_yaml(folder: Path, **addresses: str) -> None:
    entries = {
        name: {
            "auth": {
                "auth_url": f"{address}/identity/v3", "username": "monitoring", "password": "x",
                "project_name": "service", "user_domain_name": "Default", "project_domain_name": "Default",
            },
            "region_name": "hai-phong",
        }
        for name, address in addresses.items()
    }  # fmt: skip
    (folder / "clouds.yaml").write_text(yaml.safe_dump({"clouds": entries}))


# --- configuration ---


def test_a_bad_configuration_is_named_by_file_and_key_and_ends_with_2(cloud: str, tmp_path: Path) -> None:
    (tmp_path / "exporter.yaml").write_text("intervals: {capasity: 5}\n")
    said = refused(environment_of(cloud), "--config", "exporter.yaml", cwd=tmp_path)
    assert "exporter.yaml: intervals.capasity: is not a collector; did you mean capacity?" in said


def test_a_bad_web_config_file_is_named_by_file_and_key_and_ends_with_2(cloud: str, tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text("basic_auth_user: {}\n")
    said = refused(environment_of(cloud), "--web.config.file", "web.yml", cwd=tmp_path)
    assert (
        "web.yml: basic_auth_user = an empty mapping: is not a known key; did you mean basic_auth_users?"
        in said
    )


def test_no_way_to_log_in_anywhere_ends_with_2(tmp_path: Path) -> None:
    assert "OS_CLOUD" in refused({}, cwd=tmp_path)


def test_files_are_checked_without_a_cloud(tmp_path: Path) -> None:
    (tmp_path / "exporter.yaml").write_text("per_server: true\n")
    done = subprocess.run(
        [*START, "--check", "--config", "exporter.yaml"], env=environment(), cwd=tmp_path, check=False,
        capture_output=True, text=True, timeout=SECONDS,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "is not a known key" in refused({}, "--check", "--web.config.file", "exporter.yaml", cwd=tmp_path)


def test_a_hangup_reads_the_configuration_and_a_bad_one_changes_nothing(
    cloud: str, start: Callable[..., Exporter], tmp_path: Path
) -> None:
    config = tmp_path / "exporter.yaml"
    config.write_text("intervals: {capacity: 100}\n")
    exporter = start(environment_of(cloud), "--config", "exporter.yaml")
    interval = 'city_exporter_collector_interval_seconds{collector="capacity"}'
    success = 'city_exporter_config_reload_success{config="exporter"}'
    at = 'city_exporter_config_reload_last_success_timestamp_seconds{config="exporter"}'
    assert (exporter.value(interval), exporter.value(success)) == (100, 1)
    began, calls = exporter.value(at), counters(cloud)["calls"]
    config.write_text("intervals: {capacity: 200}\n")
    assert exporter.value(interval) == 100, "a file that nobody asked to read again"
    exporter.hang_up()
    exporter.wait(lambda: exporter.value(interval) == 200)
    assert exporter.value(at) > began
    changed = exporter.value(at)
    config.write_text("intervals: {capacity: never}\n")
    exporter.hang_up()
    exporter.wait(lambda: exporter.value(success) == 0)
    assert (exporter.value(interval), exporter.value(at)) == (200, changed)
    assert "exporter.yaml: intervals.capacity = never: must be a number" in exporter.log.read_text()
    config.write_text("intervals: {capacity: 300}\n")
    exporter.hang_up()
    exporter.wait(lambda: exporter.value(success) == 1)
    assert exporter.value(interval) == 300
    assert counters(cloud)["calls"] == calls, "new intervals cost a reading"


# --- who may read ---


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    """A folder with an authority, the exporter's certificate, Prometheus's and a stranger's."""
    now = datetime.now(UTC)
    authority = certificates.make_authority("Test", now)
    (tmp_path / "ca.pem").write_text(authority.certificate)
    for name in ("127.0.0.1", "ctl1", "stranger"):
        pair = certificates.make_server_certificate(authority, [name], now, client=True)
        (tmp_path / f"{name}.pem").write_text(pair.certificate)
        (tmp_path / f"{name}.key").write_text(pair.key)
    return tmp_path


def client(pki: Path, name: str = "") -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(pki / "ca.pem"))
    if name:
        context.load_cert_chain(pki / f"{name}.pem", pki / f"{name}.key")
    return context


TLS = {"cert_file": "127.0.0.1.pem", "key_file": "127.0.0.1.key"}
MUTUAL = {
    **TLS, "client_auth_type": "RequireAndVerifyClientCert", "client_ca_file": "ca.pem",
    "client_allowed_sans": ["ctl1"],
}  # fmt: skip


def test_a_password_is_asked_for_over_tls_and_headers_are_sent(
    cloud: str, start: Callable[..., Exporter], pki: Path
) -> None:
    users = {"prometheus": bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()}
    headers = {"headers": {"X-Frame-Options": "deny"}}
    web = {"tls_server_config": TLS, "basic_auth_users": users, "http_server_config": headers}
    (pki / "web.yml").write_text(yaml.safe_dump(web))
    exporter = start(environment_of(cloud), "--web.config.file", "web.yml")
    exporter.context = client(pki)
    given = urllib.request.HTTPPasswordMgrWithPriorAuth()
    assert exporter.get("/metrics")[0] == 401
    given.add_password(
        None, f"https://127.0.0.1:{exporter.port}/", "prometheus", PASSWORD, is_authenticated=True
    )
    opener = urllib.request.build_opener(
        urllib.request.HTTPBasicAuthHandler(given), urllib.request.HTTPSHandler(context=exporter.context)
    )
    with opener.open(f"https://127.0.0.1:{exporter.port}/metrics", timeout=SECONDS) as reply:
        assert reply.headers["X-Frame-Options"] == "deny"
        assert b'city_exporter_config_reload_success{config="web"} 1.0' in reply.read()


@pytest.mark.parametrize("name", ["", "stranger"])
def test_who_has_no_certificate_of_a_monitoring_server_is_not_let_in(
    cloud: str, start: Callable[..., Exporter], pki: Path, name: str
) -> None:
    (pki / "web.yml").write_text(yaml.safe_dump({"tls_server_config": MUTUAL}))
    exporter = start(environment_of(cloud), "--web.config.file", "web.yml")
    exporter.context = client(pki, name)
    with pytest.raises((OSError, http.client.HTTPException)):
        exporter.get("/metrics")
    exporter.context = client(pki, "ctl1")
    assert exporter.get("/-/healthy") == (200, "ok\n")


def test_a_renewed_certificate_is_shown_without_a_restart(
    cloud: str, start: Callable[..., Exporter], pki: Path
) -> None:
    (pki / "web.yml").write_text(yaml.safe_dump({"tls_server_config": TLS}))
    exporter = start(environment_of(cloud), "--web.config.file", "web.yml")

    def shown() -> str:
        return ssl.get_server_certificate(("127.0.0.1", exporter.port), ca_certs=str(pki / "ca.pem"))

    first = shown()
    now = datetime.now(UTC)
    authority = certificates.make_authority("New", now)
    pair = certificates.make_server_certificate(authority, ["127.0.0.1"], now)
    for name, text in {"ca.pem": authority.certificate, **{
        f"127.0.0.1.{kind}": value for kind, value in (("pem", pair.certificate), ("key", pair.key))
    }}.items():  # fmt: skip
        (pki / f"new-{name}").write_text(text)
        (pki / f"new-{name}").rename(pki / name)
    assert shown() != first


# --- several clouds ---


def test_each_cloud_is_probed_for_itself(cloud: str, start: Callable[..., Exporter], tmp_path: Path) -> None:
    with model(3, 2, 4, 5.0) as slow:
        clouds_yaml(tmp_path, slow=slow, quick=cloud)
        exporter = start({}, "--compat", "openstack-exporter")
        answers: list[tuple[int, str]] = []
        waiting = threading.Thread(target=lambda: answers.append(exporter.get("/probe?cloud=slow")))
        waiting.start()
        exporter.wait(lambda: counters(slow)["calls"] > 0)
        status, text = exporter.get("/probe?cloud=quick")
        assert answers == [], "the slow cloud was waited for"
        assert status == 200
        assert "hv0001" in text
        assert "hv0002" not in text
        _, other = exporter.get("/probe?cloud=quick&compat=openstack-exporter")
        assert "openstack_nova_up 1.0" in other
        assert "openstack_nova_total_vms 4.0" in other
        assert exporter.get("/probe?cloud=east") == (
            400, "no cloud 'east'; write cloud= with one of: quick, slow\n"
        )  # fmt: skip
        assert 'city_exporter_config_reload_success{config="exporter"} 1.0' in exporter.get("/metrics")[1]
        waiting.join(SECONDS)
        assert answers[0][0] == 200


def test_the_environments_credentials_go_to_no_other_cloud(
    cloud: str, start: Callable[..., Exporter], tmp_path: Path
) -> None:
    with model(3, 2, 4, 0.0) as other:
        clouds_yaml(tmp_path, other=other)
        exporter = start({**environment_of(cloud), "OS_USERNAME": "somebody"})
        assert "hv0002" not in exporter.get("/metrics")[1]
        assert "hv0002" in exporter.get("/probe?cloud=other")[1]
        assert counters(cloud)["users"] == ["somebody"]
        assert counters(other)["users"] == ["monitoring"]


# --- Prometheus ---


def test_prometheus_scrapes_both_names_with_its_certificate(
    cloud: str, start: Callable[..., Exporter], pki: Path
) -> None:
    (pki / "web.yml").write_text(yaml.safe_dump({"tls_server_config": MUTUAL}))
    exporter = start(environment_of(cloud), "--web.config.file", "web.yml", "--compat", "openstack-exporter")
    tls = {name: str(pki / file) for name, file in
           (("ca_file", "ca.pem"), ("cert_file", "ctl1.pem"), ("key_file", "ctl1.key"))}  # fmt: skip
    job = {
        "scheme": "https",
        "tls_config": tls,
        "static_configs": [{"targets": [f"127.0.0.1:{exporter.port}"]}],
    }
    config: dict[str, Any] = {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [
            {"job_name": "capacity", **job},
            {"job_name": "integrations/openstack", "metrics_path": "/compat/openstack-exporter", **job},
        ],
    }
    (pki / "prometheus.yml").write_text(yaml.safe_dump(config))
    subprocess.run(
        ["promtool", "check", "config", str(pki / "prometheus.yml")], check=True, capture_output=True
    )
    with prometheus(pki) as address:
        assert asked(address, 'up{job="integrations/openstack"} == 1')
        assert asked(address, "sum(city_hypervisor_service_up) == 2")
        assert asked(address, 'openstack_placement_resource_usage{resourcetype="VCPU"} > 0')


@contextlib.contextmanager
def prometheus(folder: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    process = subprocess.Popen(
        ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
         f"--web.listen-address={address}"], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield address
    finally:
        process.terminate()
        process.wait(SECONDS)


def asked(address: str, expression: str) -> list[Any]:
    """The expression's value, waited for."""
    url = f"http://{address}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=SECONDS) as reply:
            found = json.load(reply)["data"]["result"]
            if found:
                return list(found)
        time.sleep(0.2)
    return []

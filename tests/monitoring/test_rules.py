"""Prometheus' own tools judge rules, tests of rules, metrics and configurations."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from prometheus_client.exposition import generate_latest

from tests.unit.monitoring.exporters.test_families import capacity_families, exposed, uptime_families

ROOT = Path(__file__).parents[2]
RULES = sorted(map(str, (ROOT / "monitoring/rules").glob("*.yaml")))
CASES = sorted(map(str, (ROOT / "tests/monitoring/cases").glob("*.yaml")))
SECRET = 'pass"word\\with $igns'


def run(*command: str | Path, given: bytes | None = None) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(
        [str(part) for part in command], input=given, capture_output=True, timeout=120, check=False
    )
    output = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, output
    return output


def test_promtool_accepts_every_rule() -> None:
    run("promtool", "check", "rules", *RULES)


def test_alerts_fire_do_not_fire_and_fire_on_absence_as_their_cases_say() -> None:
    run("promtool", "test", "rules", *CASES)


@pytest.mark.parametrize("families", [capacity_families(), uptime_families()], ids=["capacity", "uptime"])
def test_promtool_has_nothing_to_say_about_the_metrics(families: list) -> None:  # type: ignore[type-arg]
    assert run("promtool", "check", "metrics", given=generate_latest(exposed(families))) == ""


@pytest.fixture(scope="module", params=[1, 2], ids=["one server", "two servers"])
def rendered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The roles' templates as they arrive on a site's monitoring servers."""
    folder = tmp_path_factory.mktemp("rendered")
    hosts = {f"ctl{number}": {"ansible_host": f"192.0.2.{number}"} for number in range(1, request.param + 1)}
    certificate = folder / "ca.pem"
    certificate.touch()
    site = {
        "site_name": "test", "region_name": "hai-phong", "identity_url": "https://192.0.2.10:5000/v3",
        "ca_file": str(certificate), "project_root": str(ROOT), "out": str(folder),
        "secrets": {"monitoring_password": SECRET, "alert_webhook_url": "http://192.0.2.99/hook"},
    }  # fmt: skip
    inventory = {
        "controllers": {"hosts": hosts},
        "monitoring": {"hosts": {name: {} for name in hosts}},
        "all": {"vars": site},
    }
    (folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
    environment = {**os.environ, "ANSIBLE_HOME": str(folder / ".ansible"), "ANSIBLE_NOCOLOR": "1"}
    playbook = [
        Path(sys.executable).parent / "ansible-playbook",
        "-i",
        folder / "hosts.yml",
        ROOT / "tests/monitoring/render.yml",
        "-e",
        f"monitoring_rules_file={folder}/ctl1-rules.yaml",
    ]
    done = subprocess.run(
        playbook, env=environment, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_promtool_accepts_the_rules_as_they_are_put_together(rendered: Path) -> None:
    output = run("promtool", "check", "rules", rendered / "ctl1-rules.yaml")
    written = [
        rule
        for path in RULES
        for group in yaml.safe_load(Path(path).read_text())["groups"]
        for rule in group["rules"]
    ]
    arrived = [
        rule
        for group in yaml.safe_load((rendered / "ctl1-rules.yaml").read_text())["groups"]
        for rule in group["rules"]
    ]
    assert arrived == written
    assert f"{len(written)} rules found" in output


def test_promtool_accepts_prometheus_configuration_and_the_password_arrives_whole(rendered: Path) -> None:
    run("promtool", "check", "config", rendered / "ctl1-prometheus.yml")
    jobs = {
        job["job_name"]: job
        for job in yaml.safe_load((rendered / "ctl1-prometheus.yml").read_text())["scrape_configs"]
    }
    assert jobs["hypervisor"]["openstack_sd_configs"][0]["password"] == SECRET


def test_every_job_that_a_rule_names_is_scraped(rendered: Path) -> None:
    import re

    text = "".join(Path(path).read_text() for path in RULES)
    named = {job for names in re.findall(r'job(?:=|=~|!~)"([^"]+)"', text) for job in names.split("|")}
    jobs = {
        job["job_name"]
        for job in yaml.safe_load((rendered / "ctl1-prometheus.yml").read_text())["scrape_configs"]
    }
    assert named == jobs


def test_amtool_accepts_alertmanagers_configuration(rendered: Path) -> None:
    assert "2 receivers" in run("amtool", "check-config", rendered / "ctl1-alertmanager.yml")


def test_alertmanagers_know_each_other_where_there_are_several(rendered: Path) -> None:
    arguments = (rendered / "ctl1-alertmanager.default").read_text()
    several = (rendered / "ctl2-alertmanager.default").exists()
    assert ("--cluster.peer=192.0.2.2:9094" in arguments) == several


@pytest.mark.parametrize("name", ["capacity", "uptime"])
def test_a_units_arguments_hold_no_secret_and_are_ones_that_the_exporter_knows(
    rendered: Path, name: str
) -> None:
    from monitoring.exporters import capacity, uptime

    text = (rendered / f"ctl1-{name}-exporter.service").read_text()
    command = text.split("ExecStart=")[1].replace("\\\n", " ").splitlines()[0].split()
    known = {
        option
        for parameter in {"capacity": capacity, "uptime": uptime}[name].main.params
        for option in parameter.opts
    }
    assert {part for part in command if part.startswith("--")} <= known
    assert SECRET not in text

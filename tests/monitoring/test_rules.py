"""Prometheus' own tools judge rules, tests of rules, metrics and configurations."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client.exposition import generate_latest

from tests.monitoring.rendering import AGENCIES, ALERTING, SECRET, render
from tests.unit.monitoring.exporters.test_families import capacity_families, exposed, uptime_families
from tests.unit.portal.test_metrics import make_metrics

ROOT = Path(__file__).parents[2]
RULES = sorted(map(str, (ROOT / "monitoring/rules").glob("*.yaml")))
CASES = sorted(map(str, (ROOT / "tests/monitoring/cases").glob("*.yaml")))


def run(*command: str | Path, given: bytes | None = None) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(
        [str(part) for part in command], input=given, capture_output=True, timeout=600, check=False
    )
    output = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, output
    return output


def test_promtool_accepts_every_rule() -> None:
    run("promtool", "check", "rules", *RULES)


@pytest.mark.parametrize("case", CASES, ids=lambda path: Path(path).stem)
def test_an_alert_fires_does_not_fire_and_takes_absence_as_its_case_says(case: str) -> None:
    run("promtool", "test", "rules", case)


@pytest.mark.parametrize(
    "families",
    [capacity_families(), uptime_families(), list(make_metrics().families())],
    ids=["capacity", "uptime", "portal"],
)
def test_promtool_has_nothing_to_say_about_the_metrics(families: list) -> None:  # type: ignore[type-arg]
    assert run("promtool", "check", "metrics", given=generate_latest(exposed(families))) == ""


@pytest.fixture(scope="module", params=[1, 2], ids=["one server", "two servers"])
def rendered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The roles' templates as they arrive on a site's monitoring servers."""
    if request.param == 1:
        return Path(request.getfixturevalue("plain_site"))
    return render(tmp_path_factory.mktemp("rendered"), request.param)


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
    text = "".join(Path(path).read_text() for path in RULES)
    named = {job for names in re.findall(r'job(?:=|=~|!~)"([^"]+)"', text) for job in names.split("|")}
    jobs = {
        job["job_name"]
        for job in yaml.safe_load((rendered / "ctl1-prometheus.yml").read_text())["scrape_configs"]
    }
    assert named == jobs


@pytest.mark.parametrize("portal", [True, False], ids=["with", "without"])
def test_a_portal_is_scraped_where_there_is_one(tmp_path: Path, portal: bool) -> None:
    folder = render(tmp_path, portal=portal)
    run("promtool", "check", "config", folder / "ctl1-prometheus.yml")
    jobs = {
        job["job_name"]: job
        for job in yaml.safe_load((folder / "ctl1-prometheus.yml").read_text())["scrape_configs"]
    }
    targets = [
        target for one in jobs["portal"]["static_configs"] or () for target in one["targets"]
    ]  # fmt: skip
    assert targets == (["192.0.2.31:9190"] if portal else [])
    watched = [target for one in jobs["server"]["static_configs"] or () for target in one["targets"]]
    assert watched == (["192.0.2.31:9100"] if portal else [])


def test_amtool_accepts_alertmanagers_configuration_and_the_mails_templates(rendered: Path) -> None:
    output = run("amtool", "check-config", rendered / "ctl1-alertmanager.yml")
    # nobody, heartbeat, page, notice, one team of its own, two agencies with an address
    assert "7 receivers" in output
    assert "1 templates" in output  # a pattern for both files


def test_a_site_without_mail_and_webhook_has_a_valid_configuration(tmp_path: Path) -> None:
    folder = render(tmp_path, alerting={}, secrets={"alert_webhook_url": ""})
    assert "4 receivers" in run("amtool", "check-config", folder / "ctl1-alertmanager.yml")


def test_passwords_arrive_whole_in_alertmanagers_configuration(rendered: Path) -> None:
    found = yaml.safe_load((rendered / "ctl1-alertmanager.yml").read_text(encoding="utf-8"))
    assert found["global"]["smtp_auth_password"] == SECRET


SMARTHOSTS = ("mail.test:465", "mail.test:587", "mail.test:25")


@pytest.fixture(scope="module")
def by_smarthost(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Alertmanager's configuration for each: rendered at once, for as many servers."""
    folder = tmp_path_factory.mktemp("smarthosts")
    render(folder, len(SMARTHOSTS), each=[{"alerting": {**ALERTING, "smarthost": one}} for one in SMARTHOSTS])
    return {one: folder / f"ctl{number}-alertmanager.yml" for number, one in enumerate(SMARTHOSTS, 1)}


@pytest.mark.parametrize(("smarthost", "starttls"), [*zip(SMARTHOSTS, (False, True, True), strict=True)])
def test_mail_goes_out_encrypted_or_not_at_all(
    by_smarthost: dict[str, Path], smarthost: str, starttls: bool
) -> None:
    found = yaml.safe_load(by_smarthost[smarthost].read_text(encoding="utf-8"))
    assert found["global"]["smtp_smarthost"] == smarthost
    assert found["global"]["smtp_require_tls"] is starttls


def test_inhibitions_name_alerts_that_exist(rendered: Path) -> None:
    alerts = {
        rule["alert"]
        for path in RULES
        for group in yaml.safe_load(Path(path).read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    found = yaml.safe_load((rendered / "ctl1-alertmanager.yml").read_text(encoding="utf-8"))
    matchers = [
        matcher
        for rule in found["inhibit_rules"]
        for matcher in (*rule["source_matchers"], *rule["target_matchers"])
        if matcher.startswith("alertname")
    ]
    named = {name for matcher in matchers for name in re.findall(r"\b[A-Z]\w+(?:\.\*)?", matcher)}
    assert named
    assert [name for name in named if not any(re.fullmatch(name, alert) for alert in alerts)] == []


def test_each_agency_with_an_address_has_a_receiver_of_its_own(rendered: Path) -> None:
    found = yaml.safe_load((rendered / "ctl1-alertmanager.yml").read_text(encoding="utf-8"))
    to = {
        receiver["name"]: receiver["email_configs"][0]["to"]
        for receiver in found["receivers"]
        if receiver["name"].startswith("agency-")
    }
    assert to == {
        f"agency-{agency['code']}": ", ".join(agency["alert_emails"])
        for agency in AGENCIES["agencies"]
        if "alert_emails" in agency
    }


def test_alertmanagers_know_each_other_where_there_are_several(rendered: Path) -> None:
    arguments = (rendered / "ctl1-alertmanager.default").read_text()
    several = (rendered / "ctl2-alertmanager.default").exists()
    assert ("--cluster.peer=192.0.2.2:9094" in arguments) == several


@pytest.mark.parametrize("name", ["canary", "capacity", "uptime"])
def test_a_units_arguments_hold_no_secret_and_are_ones_that_the_exporter_knows(
    rendered: Path, name: str
) -> None:
    from monitoring.exporters import canary, capacity, uptime

    text = (rendered / f"ctl1-{name}-exporter.service").read_text()
    command = text.split("ExecStart=")[1].replace("\\\n", " ").splitlines()[0].split()
    known = {
        option
        for parameter in {"canary": canary, "capacity": capacity, "uptime": uptime}[name].main.params
        for option in parameter.opts
    }
    assert {part for part in command if part.startswith("--")} <= known
    assert SECRET not in text

"""Alerts: each has a runbook and tests, says who is called how soon, and stands on metrics that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.cli.main import COMMANDS
from infra.domain.alerting import TEAMS
from tests.unit.monitoring.exported import OURS, family, selected
from tests.unit.monitoring.foreign import FOREIGN

ROOT = Path(__file__).parents[3]
GENERATED = "slo.yaml"
"""Written from monitoring/slos by a program of its own."""
GROUPS = [
    (path.name, group)
    for path in sorted((ROOT / "monitoring/rules").glob("*.yaml"))
    for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
]
RULES: list[tuple[str, dict[str, Any]]] = [(file, rule) for file, group in GROUPS for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for file, rule in RULES if "alert" in rule}
WRITTEN = sorted(rule["alert"] for file, rule in RULES if "alert" in rule and file != GENERATED)
RECORDED = {rule["record"] for _, rule in RULES if "record" in rule}
RUNBOOKS = ROOT / "monitoring/runbooks"
CASES = ROOT / "tests/monitoring/cases"


def test_alerts_runbooks_and_cases_are_the_same_list() -> None:
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == set(ALERTS)
    assert {path.stem for path in CASES.glob("*.yaml")} == set(ALERTS)


def test_no_alert_is_written_twice() -> None:
    assert len(WRITTEN) == len(set(WRITTEN))


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_who_is_called_how_soon_and_what_to_read(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in {"page", "notice", "heartbeat"}
    assert rule["labels"]["owner"] in TEAMS
    assert {"summary", "description", "runbook_url"} <= set(rule["annotations"])
    assert rule["annotations"]["runbook_url"] == "{{ $externalURL }}/consoles/" + alert + ".md"


@pytest.mark.parametrize("alert", WRITTEN)
def test_an_alert_leads_to_the_right_logs(alert: str) -> None:
    command = ALERTS[alert]["annotations"]["logs"]
    assert re.match(r"citycloud (\w+)", command)
    assert command.split()[1] in COMMANDS


@pytest.mark.parametrize("alert", WRITTEN)
def test_what_an_agency_reads_is_also_in_vietnamese(alert: str) -> None:
    rule = ALERTS[alert]
    audience = rule["labels"].get("audience", "operators")
    assert audience in {"operators", "agency", "both"}
    for_agencies = {"summary_vi", "action_vi", "action_en"}
    expected = {"summary", "description", "logs", "runbook_url"} | (
        for_agencies if audience != "operators" else set()
    )
    assert set(rule["annotations"]) == expected


@pytest.mark.parametrize(
    "rule", [rule for _, rule in RULES], ids=lambda rule: rule.get("alert") or rule["record"]
)
def test_a_rule_stands_on_metrics_that_are_exported_or_recorded(rule: dict[str, Any]) -> None:
    used = selected(rule["expr"])
    assert used or rule.get("alert") == "Watchdog"
    missing = {name for name in used if family(name) not in OURS} - FOREIGN - RECORDED
    assert not missing


def test_the_walk_over_an_expression_finds_every_selector() -> None:
    text = "sum by (a) (rate(x_total[5m])) / on (b) (-y > 0) or vector(0) unless max_over_time(z[1h:5m])"
    assert selected(text) == {"x_total", "y", "z"}
    assert selected('label_replace(absent(a), "x", "y", "", "") and on () count(b == 1) > 0') == {"a", "b"}


@pytest.mark.parametrize("alert", ALERTS)
def test_a_case_tells_when_the_alert_fires_when_it_does_not_and_what_absence_does(alert: str) -> None:
    groups = yaml.safe_load((CASES / f"{alert}.yaml").read_text(encoding="utf-8"))["tests"]
    outcomes = {
        bool(step.get("exp_samples") or step.get("exp_alerts"))
        for group in groups
        for step in (*group.get("promql_expr_test", ()), *group.get("alert_rule_test", ()))
    }
    assert any(group["input_series"] == [] for group in groups)
    assert outcomes == ({True} if alert == "Watchdog" else {True, False})


@pytest.mark.parametrize("alert", ALERTS)
def test_where_absence_does_not_fire_the_case_names_who_does_or_why_nobody(alert: str) -> None:
    groups = yaml.safe_load((CASES / f"{alert}.yaml").read_text(encoding="utf-8"))["tests"]
    for group in groups:
        silent = not any(step.get("exp_samples") for step in group.get("promql_expr_test", ()))
        if group["input_series"] == [] and silent and not group.get("alert_rule_test"):
            named = [word for word in re.findall(r"\b[A-Z]\w+", group["name"]) if word in ALERTS]
            reason = re.search(
                r"nothing|no fault|none|whatever is absent|own alert|nobody|new", group["name"]
            )
            assert named or reason, group["name"]


@pytest.mark.parametrize("alert", ALERTS)
def test_a_runbook_can_be_followed(alert: str) -> None:
    text = (RUNBOOKS / f"{alert}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {alert}\n")
    assert f"Severity: {ALERTS[alert]['labels']['severity']}" in text
    for heading in ("## What it means", "## How to reach things", "## Look", "## Do"):
        assert heading in text
    # Prometheus serves the page as a console template.
    assert "{{" not in text


@pytest.mark.parametrize("alert", ALERTS)
def test_a_runbook_leads_only_to_runbooks_metrics_and_commands_that_exist(alert: str) -> None:
    text = (RUNBOOKS / f"{alert}.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\b([A-Z]\w+)\.md", text)) <= set(ALERTS)
    named = {name for name in re.findall(r"(?<![:\w])city_[a-z_]+(?!:)\b", text) if not name.endswith("_")}
    prefixes = {name for name in named if any(one.startswith(name) for one in OURS)}
    assert {family(name) for name in named} - prefixes <= OURS | RECORDED
    assert set(re.findall(r"`citycloud (\w+)", text)) <= set(COMMANDS)


def test_each_metric_has_a_line_in_the_readme_and_each_line_a_metric() -> None:
    text = (ROOT / "monitoring/README.md").read_text(encoding="utf-8")
    listed = {family(name) for name in re.findall(r"^\| `(city_\w+)`", text, re.M)}
    assert listed == OURS

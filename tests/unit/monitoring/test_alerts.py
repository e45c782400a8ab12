"""Alerts: each has a runbook and tests, says who is called how soon, and stands on metrics that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.monitoring.exporters.test_families import CAPACITY, UPTIME
from tests.unit.provisioning.drift_sample import DRIFT

ROOT = Path(__file__).parents[3]
GROUPS = [
    group
    for path in sorted((ROOT / "monitoring/rules").glob("*.yaml"))
    for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
]
RULES: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RECORDED = {rule["record"] for rule in RULES if "record" in rule}
RUNBOOKS = ROOT / "monitoring/runbooks"
CASES = ROOT / "tests/monitoring/cases"
EXPORTED = CAPACITY.keys() | UPTIME.keys() | DRIFT | {"up"}
_METRIC = re.compile(r"\b(?:[a-z_]+:)?city_[a-z_]+(?::[a-z_]+)*|\bup(?=\{| )")


def test_alerts_runbooks_and_cases_are_the_same_list() -> None:
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == set(ALERTS)
    assert {path.stem for path in CASES.glob("*.yaml")} == set(ALERTS)


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_who_is_called_how_soon_and_what_to_read(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in {"page", "notice", "heartbeat"}
    assert rule["labels"]["owner"]
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == "{{ $externalURL }}/consoles/" + alert + ".md"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_stands_on_metrics_that_are_exported_or_recorded(rule: dict[str, Any]) -> None:
    expression = re.sub(r'"[^"]*"', '""', rule["expr"])
    used = set(_METRIC.findall(expression))
    assert used or rule.get("alert") == "Watchdog"
    assert used <= EXPORTED | RECORDED


@pytest.mark.parametrize("alert", ALERTS)
def test_a_case_tells_when_the_alert_fires_when_it_does_not_and_what_absence_does(alert: str) -> None:
    groups = yaml.safe_load((CASES / f"{alert}.yaml").read_text(encoding="utf-8"))["tests"]
    outcomes = {bool(step["exp_samples"]) for group in groups for step in group["promql_expr_test"]}
    assert any(group["input_series"] == [] for group in groups)
    assert outcomes == ({True} if alert == "Watchdog" else {True, False})


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
def test_a_runbook_leads_only_to_runbooks_and_metrics_that_exist(alert: str) -> None:
    text = (RUNBOOKS / f"{alert}.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\b([A-Z]\w+)\.md", text)) <= set(ALERTS)
    named = {name for name in re.findall(r"\bcity_[a-z_]+", text) if not name.endswith("_")}
    assert named <= EXPORTED


def test_each_metric_has_a_line_in_the_readme_and_each_line_a_metric() -> None:
    text = (ROOT / "monitoring/README.md").read_text(encoding="utf-8")
    listed = {name.removesuffix("_total") for name in re.findall(r"^\| `(city_\w+)`", text, re.M)}
    assert listed == CAPACITY.keys() | UPTIME.keys() | DRIFT

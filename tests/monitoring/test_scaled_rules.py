"""The rules whose times the live tests divide stay rules that Prometheus takes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.cloud.monitoring.scaled_rules import scaled, shorter
from tests.cloud.monitoring.setting import FACTOR, SUBJECT


def test_divided_rules_are_taken_by_prometheus(tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump(scaled(FACTOR, SUBJECT)), encoding="utf-8")
    done = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("written", "divided"), [("1m", "5000ms"), ("59m30s", "297500ms"), ("10ms", "1ms"), ("1m30s", "7500ms")]
)
def test_a_duration_is_divided_to_the_millisecond(written: str, divided: str) -> None:
    assert shorter(written, 12) == divided


def test_no_time_of_a_judged_rule_is_left_whole() -> None:
    rules = [rule for group in scaled(FACTOR, SUBJECT)["groups"] for rule in group["rules"]]
    holds = [rule["for"] for rule in rules if "for" in rule]
    assert holds
    assert all(hold.endswith("ms") for hold in holds)
